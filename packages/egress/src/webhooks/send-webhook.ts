import { randomInt } from 'node:crypto';
import type {
  ClaimedDelivery,
  DeliveryResult,
  Deny,
  SealingKeys,
  WebhookDeliveryRecord,
  WebhookEndpoint,
  WebhookOutbox,
} from '@apisec/core';
import {
  assertBetween,
  assertConfiguration,
  assertKnownOptions,
  assertMethods,
  type Duration,
  durationMs,
} from '@apisec/core/host';
import { type SafeFetch, safeFetch } from '../fetch/safe-fetch.ts';
import { attempts } from './attempts.ts';
import { endpoints, type NewWebhookEndpoint } from './endpoints.ts';
import { deliveryOf, type WebhookMessage } from './message.ts';
import { pruning } from './pruning.ts';
import { claimable } from './shares.ts';
import { type IssuedWebhookKey, signingKeys, type WebhookAlgorithm } from './signing-keys.ts';
import { tenantPaces } from './tenant-paces.ts';
import { worker } from './worker.ts';

/** Options of {@link sendWebhook}. */
export interface SendWebhookOptions {
  /** Where messages are kept until they were delivered: `postgresWebhookOutbox`, or `memoryWebhookOutbox` for tests. */
  readonly outbox: WebhookOutbox;
  /** Keys of yours that the keys of endpoints are encrypted with before the outbox gets them. */
  readonly sealingKeys: SealingKeys;
  /** What sends. Default: a `safeFetch` for https alone, with 15 seconds for each attempt. */
  readonly fetch?: SafeFetch | undefined;
  /**
   * Waits between attempts, in order; after the last one a delivery has failed. Default: 9, from 5 seconds to a day.
   */
  readonly retries?: readonly Duration[] | undefined;
  /** The longest `Retry-After` that is kept to: 1 day by default. */
  readonly maxRetryAfter?: Duration | undefined;
  /** Attempts that run at once in this process. Default: 200, of which endpoints of one tenant use half. */
  readonly concurrency?: number | undefined;
  /**
   * Of these, how many one endpoint may hold, so that one that answers slowly does not hold up the others. Default: as
   * many as it leaves to the rest of its tenant, which is a quarter of all for a lone one.
   */
  readonly maxPerEndpoint?: number | undefined;
  /**
   * How many the endpoints of one tenant may hold together. Default: as many as it leaves free, which is half of all;
   * tenants who answer slowly leave a quarter of all to the others, however many they are, and those of whom nothing is
   * known an eighth. Say `concurrency` where all endpoints are yours.
   */
  readonly maxPerTenant?: number | undefined;
  /** How long one worker holds a delivery; an attempt is cut off before. Default: 1 minute. */
  readonly lease?: Duration | undefined;
  /** Failures in a row after which an endpoint is left alone. Default: 10. */
  readonly circuitFailures?: number | undefined;
  /** For how long: 5 minutes by default. */
  readonly circuitPause?: Duration | undefined;
  /**
   * How long deliveries that have ended stay in the log, where they can be replayed; `'forever'` keeps all of them. A
   * message id of your own that was forgotten is new again. Default: 30 days.
   */
  readonly retention?: Duration | 'forever' | undefined;
  /** How often a started worker looks for what is due when there was nothing: 1 second by default. */
  readonly pollInterval?: Duration | undefined;
  /** Hears of an outbox that does not answer, and of keys that cannot be opened. Default: nobody. */
  readonly onFault?: ((error: unknown) => void) | undefined;
  /** From 0 to 1, for the jitter. */
  readonly random?: (() => number) | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** What {@link sendWebhook} makes. */
export interface Webhooks {
  /**
   * Adds an endpoint; it gets nothing before it has answered a challenge. Answers with what its owner verifies messages
   * with: a secret that is shown once, or the public key for `algorithm: 'ed25519'`.
   */
  readonly addEndpoint: <Algorithm extends WebhookAlgorithm = 'hmac-sha256'>(
    endpoint: NewWebhookEndpoint<Algorithm>,
  ) => Promise<{ readonly endpoint: WebhookEndpoint } & IssuedWebhookKey<Algorithm>>;
  /** Sends a signed challenge, which the owner of the URL answers with the same text. */
  readonly challenge: (endpointId: string) => Promise<{ readonly ok: true } | Deny>;
  /**
   * Adds a key; messages are signed with the older ones too until the overlap is over. At most 4 sign at once: the
   * oldest one goes. Name the `algorithm` where the endpoint has an `ed25519` key.
   */
  readonly rotateSecret: <Algorithm extends WebhookAlgorithm = 'hmac-sha256'>(
    endpointId: string,
    options: { readonly overlap: Duration; readonly algorithm?: Algorithm | undefined },
  ) => Promise<IssuedWebhookKey<Algorithm>>;
  /** Sends nothing more to an endpoint, until it answers a challenge again. */
  readonly disableEndpoint: (endpointId: string, reason: string) => Promise<void>;
  /** Keeps messages to be sent; answers their ids. They are safe once it has resolved. */
  readonly send: (...messages: readonly WebhookMessage[]) => Promise<readonly string[]>;
  /**
   * Attempts once what is due, as far as there are places, and answers how much that was: call it until that is 0. For
   * a scheduler, or a test.
   */
  readonly deliver: () => Promise<number>;
  /** Goes on delivering until it is stopped. */
  readonly start: () => void;
  /** Lets what runs come to its end. */
  readonly stop: () => Promise<void>;
  /** Sends again what failed, or what is named, with the same message ids. */
  readonly replay: (endpointId: string, deliveryIds?: readonly string[]) => Promise<number>;
  /** The delivery log of an endpoint, newest first. */
  readonly log: (
    endpointId: string,
    query?: { readonly status?: WebhookDeliveryRecord['status']; readonly limit?: number },
  ) => Promise<readonly WebhookDeliveryRecord[]>;
}

const NAME = 'sendWebhook';
const RETRIES: readonly Duration[] = ['5s', '30s', '5m', '30m', '2h', '5h', '10h', '16h', '1d'];
const METHODS = [
  'insertEndpoint',
  'replaceEndpoint',
  'getEndpoint',
  'add',
  'claim',
  'record',
  'prune',
];
const OPTIONS = [
  'outbox',
  'sealingKeys',
  'fetch',
  'retries',
  'maxRetryAfter',
  'concurrency',
  'maxPerEndpoint',
  'maxPerTenant',
  'lease',
  'circuitFailures',
  'circuitPause',
  'pollInterval',
  'retention',
  'onFault',
  'random',
  'now',
];

/**
 * Sends webhooks: signed after Standard Webhooks (`v1`, `v1a`) with all current keys of an endpoint, only to where a
 * {@link safeFetch} leads, and at least once through any crash. A receiver works on each `webhook-id` once. The outbox
 * holds keys encrypted.
 *
 * A 2xx answer ends a delivery. Everything else is tried again with growing waits and jitter, never sooner than
 * `Retry-After` says; redirects are not followed. 410 disables the endpoint. Failures in a row pause it for all
 * workers. What `fetch` denies because of the URL has failed at once; what it denies because it can call nobody at the
 * moment (`egress.overloaded`) is tried again, and neither uses up a retry nor counts against the endpoint.
 *
 * An endpoint gets messages once its owner has answered a challenge, so that nobody is flooded by a URL that somebody
 * else entered.
 *
 * `challenge` denies with `webhook.endpoint_unknown` (404) and `webhook.challenge_failed` (502).
 *
 * @throws ConfigurationError for an option that is unknown or cannot be read.
 * @example
 * const sealingKeys = { current: 'v1', keys: { v1: crypto.getRandomValues(new Uint8Array(32)) } };
 * const hooks = sendWebhook({ outbox: memoryWebhookOutbox(), sealingKeys });
 * const { endpoint } = await hooks.addEndpoint({ tenant: 'acme', url: 'https://acme.example/hooks' });
 * await hooks.challenge(endpoint.id);
 * await hooks.send({ endpointId: endpoint.id, type: 'order.paid', data: { id: 7 } });
 * hooks.start();
 */
export function sendWebhook(options: SendWebhookOptions): Webhooks {
  assertKnownOptions(NAME, options, OPTIONS);
  const { outbox, concurrency = 200, circuitFailures = 10, retries = RETRIES } = options;
  assertConfiguration(outbox !== undefined, `${NAME}: give an outbox, like memoryWebhookOutbox().`);
  assertMethods(NAME, 'outbox', outbox, METHODS, 'postgresWebhookOutbox(pool)');
  const { maxPerEndpoint, maxPerTenant } = options;
  const counts = { concurrency, circuitFailures, maxPerEndpoint, maxPerTenant };
  for (const [name, value] of Object.entries(counts)) {
    if (value === undefined) continue;
    assertBetween(NAME, name, value, 1, 10_000, '');
    assertConfiguration(Number.isInteger(value), `${NAME}: ${name} must be a whole number.`);
  }
  assertConfiguration(
    Array.isArray(retries),
    `${NAME}: retries must be a list like ['5s', '5m', '1h'].`,
  );
  const keys = signingKeys(NAME, options.sealingKeys);
  const waits = retries.map((wait) => durationMs(NAME, 'retries', wait, { max: '30d' }));
  const maxRetryAfterMs = durationMs(NAME, 'maxRetryAfter', options.maxRetryAfter ?? '1d');
  const leaseMs = durationMs(NAME, 'lease', options.lease ?? '1m', { min: '1s', max: '1h' });
  const pauseMs = durationMs(NAME, 'circuitPause', options.circuitPause ?? '5m');
  const pollMs = durationMs(NAME, 'pollInterval', options.pollInterval ?? '1s', { min: '10ms' });
  const retentionMs =
    options.retention === 'forever'
      ? undefined
      : durationMs(NAME, 'retention', options.retention ?? '30d', { min: '1m', max: '3650d' });
  const {
    fetch = safeFetch({ schemes: ['https'], timeout: '15s', maxResponseBytes: 65_536 }),
    onFault = () => undefined,
    random = () => randomInt(2 ** 32) / 2 ** 32,
    now = () => Date.now(),
  } = options;

  const settings = { fetch, keys, waits, maxRetryAfterMs, leaseMs, onFault, random, now };
  const { post, deliver: attempt } = attempts(settings);
  const { watch, paces } = tenantPaces();
  const deliver = (delivery: ClaimedDelivery) => watch(delivery.endpoint.tenant, attempt(delivery));
  const { add, challenge, rotate, disable } = endpoints(NAME, outbox, keys, post, now);
  const limits = { perEndpoint: maxPerEndpoint, perTenant: maxPerTenant };
  const claim = async (running: Iterable<ClaimedDelivery>) =>
    outbox.claim({
      ...claimable(running, concurrency, limits, paces),
      nowMs: now(),
      leaseMs,
    });
  const prune = pruning(outbox, retentionMs, now);
  const record: Parameters<typeof worker>[0]['record'] = async (results) => {
    const at = now();
    await outbox.record(results, { failures: circuitFailures, pauseUntilMs: at + pauseMs }, at);
  };
  const { start, stop, wake } = worker({
    claim,
    deliver,
    record,
    prune,
    concurrency,
    pollMs,
    onFault,
  });

  return Object.freeze<Webhooks>({
    addEndpoint: add,
    challenge,
    rotateSecret: async (endpointId, { overlap, algorithm }) =>
      rotate(endpointId, durationMs(NAME, 'overlap', overlap), algorithm),
    disableEndpoint: disable,
    send: async (...messages) => {
      const at = now();
      const deliveries = messages.map((message) => deliveryOf(NAME, message, at));
      await outbox.add(deliveries);
      wake();
      return deliveries.map(({ messageId }) => messageId);
    },
    deliver: async () => {
      const running: Promise<DeliveryResult>[] = [];
      const claimed: ClaimedDelivery[] = [];
      for (let more = await claim([]); more.length > 0; more = await claim(claimed)) {
        claimed.push(...more);
        running.push(...more.map(deliver));
      }
      await record(await Promise.all(running));
      await prune().catch(onFault);
      return claimed.length;
    },
    start,
    stop,
    replay: async (endpointId, ids) => {
      const count = await outbox.replay({ endpointId, ids, nowMs: now() });
      wake();
      return count;
    },
    log: async (endpointId, { status, limit = 100 } = {}) =>
      outbox.list({ endpointId, status, limit }),
  });
}
