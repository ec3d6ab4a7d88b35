import { createHmac, randomBytes, randomInt, randomUUID, timingSafeEqual } from 'node:crypto';
import type {
  ClaimedDelivery,
  DeliveryResult,
  Deny,
  WebhookDeliveryRecord,
  WebhookEndpoint,
  WebhookOutbox,
  WebhookSecret,
} from '@apisec/core';
import { deny } from '@apisec/core';
import {
  assertConfiguration,
  assertKnownOptions,
  type Duration,
  durationMs,
} from '@apisec/core/host';
import { isEgressError } from '../fetch/egress-error.ts';
import { type SafeFetch, safeFetch } from '../fetch/safe-fetch.ts';

/** Options of {@link sendWebhook}. */
export interface SendWebhookOptions {
  /** Where messages are kept until they were delivered: `postgresWebhookOutbox`, or `memoryWebhookOutbox` for tests. */
  readonly outbox: WebhookOutbox;
  /** What sends. Default: a `safeFetch` for https alone, with 15 seconds for each attempt. */
  readonly fetch?: SafeFetch | undefined;
  /** Waits between attempts, in order; after the last one a delivery has failed. Default: 9, from 5 seconds to a day. */
  readonly retries?: readonly Duration[] | undefined;
  /** The longest `Retry-After` that is kept to: 1 day by default. */
  readonly maxRetryAfter?: Duration | undefined;
  /** Attempts that run at once in this process. Default: 50. */
  readonly concurrency?: number | undefined;
  /** How long one worker holds a delivery. Must be longer than an attempt takes. Default: 1 minute. */
  readonly lease?: Duration | undefined;
  /** Failures in a row after which an endpoint is left alone. Default: 10. */
  readonly circuitFailures?: number | undefined;
  /** For how long: 5 minutes by default. */
  readonly circuitPause?: Duration | undefined;
  /** How often a started worker looks for what is due when there was nothing: 1 second by default. */
  readonly pollInterval?: Duration | undefined;
  /** Hears of an outbox that does not answer. Default: nobody. */
  readonly onFault?: ((error: unknown) => void) | undefined;
  /** From 0 to 1, for the jitter. */
  readonly random?: (() => number) | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** A message to send. */
export interface WebhookMessage {
  readonly endpointId: string;
  /** For example `order.paid`. */
  readonly type: string;
  readonly data: unknown;
  /** Give your own to send a message once however often you call; default: a new one. */
  readonly id?: string | undefined;
  /** Messages of one endpoint with the same key arrive in their order. */
  readonly orderKey?: string | undefined;
}

/** What {@link sendWebhook} makes. */
export interface Webhooks {
  /** Adds an endpoint; it gets nothing before it has answered a challenge. The secret is shown once. */
  readonly addEndpoint: (endpoint: {
    readonly url: string;
    readonly tenant: string;
    readonly id?: string | undefined;
  }) => Promise<{ readonly endpoint: WebhookEndpoint; readonly secret: string }>;
  /** Sends a signed challenge, which the owner of the URL answers with the same text. */
  readonly challenge: (endpointId: string) => Promise<{ readonly ok: true } | Deny>;
  /** Adds a secret; messages are signed with both until the overlap is over. */
  readonly rotateSecret: (
    endpointId: string,
    options: { readonly overlap: Duration },
  ) => Promise<{ readonly secret: string }>;
  /** Keeps messages to be sent; answers their ids. They are safe once it has resolved. */
  readonly send: (...messages: readonly WebhookMessage[]) => Promise<readonly string[]>;
  /** Attempts what is due once, and answers how much that was. For a scheduler, or a test. */
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
const ID = /^[A-Za-z0-9_-]{1,128}$/;
const LONGEST_BODY = 1_000_000;

/**
 * Sends webhooks: signed after Standard Webhooks with all current secrets of an endpoint, only to where a {@link safeFetch} leads, and at
 * least once through any crash. A receiver works on each `webhook-id` once.
 *
 * A 2xx answer ends a delivery. Everything else is tried again with growing waits and jitter, never sooner than `Retry-After` says;
 * redirects are not followed. 410 disables the endpoint. Failures in a row pause it for all workers. An endpoint gets messages once its
 * owner has answered a challenge, so that nobody is flooded by a URL that somebody else entered.
 *
 * `challenge` denies with `webhook.endpoint_unknown` (404) and `webhook.challenge_failed` (502).
 *
 * @throws ConfigurationError for an option that is unknown or cannot be read.
 * @example
 * const hooks = sendWebhook({ outbox: memoryWebhookOutbox() });
 * const { endpoint } = await hooks.addEndpoint({ tenant: 'acme', url: 'https://acme.example/hooks' });
 * await hooks.challenge(endpoint.id);
 * await hooks.send({ endpointId: endpoint.id, type: 'order.paid', data: { id: 7 } });
 * hooks.start();
 */
export function sendWebhook(options: SendWebhookOptions): Webhooks {
  assertKnownOptions(NAME, options, [
    'outbox',
    'fetch',
    'retries',
    'maxRetryAfter',
    'concurrency',
    'lease',
    'circuitFailures',
    'circuitPause',
    'pollInterval',
    'onFault',
    'random',
    'now',
  ]);
  const { outbox, concurrency = 50, circuitFailures = 10, retries = RETRIES } = options;
  assertConfiguration(
    typeof outbox?.claim === 'function',
    `${NAME}: outbox must be one, for example postgresWebhookOutbox(pool).`,
  );
  for (const [name, value] of Object.entries({ concurrency, circuitFailures })) {
    assertConfiguration(
      Number.isInteger(value) && value >= 1 && value <= 10_000,
      `${NAME}: ${name} must be a whole number from 1 to 10,000.`,
    );
  }
  assertConfiguration(
    Array.isArray(retries),
    `${NAME}: retries must be a list like ['5s', '5m', '1h'].`,
  );
  const waits = retries.map((wait) => durationMs(NAME, 'retries', wait, { max: '30d' }));
  const maxRetryAfterMs = durationMs(NAME, 'maxRetryAfter', options.maxRetryAfter ?? '1d');
  const leaseMs = durationMs(NAME, 'lease', options.lease ?? '1m', { min: '1s', max: '1h' });
  const pauseMs = durationMs(NAME, 'circuitPause', options.circuitPause ?? '5m');
  const pollMs = durationMs(NAME, 'pollInterval', options.pollInterval ?? '1s', { min: '10ms' });
  const {
    fetch = safeFetch({ schemes: ['https'], timeout: '15s', maxResponseBytes: 65_536 }),
    onFault = () => undefined,
    random = () => randomInt(2 ** 32) / 2 ** 32,
    now = () => Date.now(),
  } = options;

  const findEndpoint = async (id: string): Promise<WebhookEndpoint> => {
    const endpoint = await outbox.getEndpoint(id);
    if (endpoint === undefined)
      throw new RangeError(`${NAME}: there is no endpoint ${JSON.stringify(id)}.`);
    return endpoint;
  };

  const post = async (endpoint: WebhookEndpoint, messageId: string, body: string) => {
    const seconds = Math.floor(now() / 1_000);
    return fetch(endpoint.url, {
      method: 'POST',
      redirect: 'manual',
      headers: {
        'content-type': 'application/json',
        'webhook-id': messageId,
        'webhook-timestamp': String(seconds),
        'webhook-signature': signatures(endpoint.secrets, now(), `${messageId}.${seconds}.${body}`),
      },
      body,
    });
  };

  /** What the log keeps of an attempt, and what a `Retry-After` asks for. */
  const attempt = async ({ endpoint, messageId, body }: ClaimedDelivery) => {
    try {
      const response = await post(endpoint, messageId, body);
      // Nothing of it is wanted, but its connection is.
      await response.arrayBuffer().catch(() => undefined);
      const { status } = response;
      return { status, outcome: String(status), retryAfter: response.headers.get('retry-after') };
    } catch (error) {
      return {
        status: 0,
        outcome: isEgressError(error) ? error.code : 'egress.connection_failed',
        retryAfter: null,
      };
    }
  };

  const resultOf = (
    { id, lease, endpointId, attempt: count }: ClaimedDelivery,
    { status, outcome, retryAfter }: Awaited<ReturnType<typeof attempt>>,
  ): DeliveryResult => {
    const base = { id, lease, endpointId, outcome, dueAtMs: now() };
    if (status >= 200 && status <= 299) return { ...base, status: 'delivered' };
    if (status === 410) return { ...base, status: 'failed', isGone: true };
    const wait = waits[count - 1];
    if (wait === undefined) return { ...base, status: 'failed' };
    // Half of it to all of it, so that what failed together does not come back together.
    const jittered = wait * (0.5 + random() / 2);
    const asked = Math.min(retryAfterMs(retryAfter, now()), maxRetryAfterMs);
    return { ...base, status: 'pending', dueAtMs: Math.ceil(now() + Math.max(jittered, asked)) };
  };

  const record = async (results: readonly DeliveryResult[]): Promise<void> => {
    const at = now();
    await outbox.record(results, { failures: circuitFailures, pauseUntilMs: at + pauseMs }, at);
  };

  const claim = async (limit: number) => outbox.claim({ limit, nowMs: now(), leaseMs });

  const state = { isRunning: false };
  let worker: Promise<void> | undefined;
  let wake: (() => void) | undefined;

  /** Keeps as many attempts running as may, and writes down together what ends together. */
  const work = async (): Promise<void> => {
    const running = new Set<Promise<void>>();
    let ended: DeliveryResult[] = [];
    const flush = async (): Promise<void> => {
      const results = ended;
      ended = [];
      if (results.length > 0) await record(results).catch(onFault);
    };
    const finished = async (delivery: ClaimedDelivery): Promise<void> => {
      const outcome = await attempt(delivery);
      ended.push(resultOf(delivery, outcome));
    };
    while (state.isRunning) {
      const free = concurrency - running.size;
      let claimed: readonly ClaimedDelivery[] = [];
      if (free > 0) {
        try {
          claimed = await claim(free);
        } catch (error) {
          onFault(error);
        }
      }
      for (const delivery of claimed) {
        const one = finished(delivery);
        running.add(one);
        one.finally(() => running.delete(one)).catch(onFault);
      }
      if (running.size > 0) {
        // Until a good part is over, so that few statements do for many.
        const wanted = Math.max(0, running.size - Math.ceil(concurrency / 2));
        const pause = sleep(20);
        while (running.size > wanted && !pause.isOver())
          await Promise.race([...running, pause.done]);
        pause.cancel();
      } else if (claimed.length === 0) {
        const pause = sleep(pollMs);
        wake = pause.cancel;
        await pause.done;
        wake = undefined;
      }
      await flush();
    }
    await Promise.all(running);
    await flush();
  };

  return Object.freeze<Webhooks>({
    addEndpoint: async ({ url, tenant, id = randomUUID() }) => {
      assertConfiguration(
        ID.test(id),
        `${NAME}: the id of an endpoint is 1 to 128 letters, digits, _ and -.`,
      );
      const secret = newSecret();
      const endpoint: WebhookEndpoint = {
        id,
        tenant,
        url,
        secrets: [secret],
        status: 'unverified',
      };
      await outbox.putEndpoint(endpoint);
      return { endpoint, secret: secret.secret };
    },
    challenge: async (endpointId) => {
      const endpoint = await outbox.getEndpoint(endpointId);
      if (endpoint === undefined) return deny('not_found', 'webhook.endpoint_unknown');
      const challenge = randomBytes(24).toString('base64url');
      const body = JSON.stringify({ type: 'webhook.challenge', data: { challenge } });
      let cause: unknown;
      try {
        const response = await post(endpoint, `msg_${randomUUID()}`, body);
        const answer = await response.text();
        if (response.ok && isAnswer(answer, challenge)) {
          await outbox.putEndpoint({ ...endpoint, status: 'active', reason: undefined });
          return { ok: true };
        }
        cause = `status ${response.status}`;
      } catch (error) {
        cause = error;
      }
      return deny('upstream', 'webhook.challenge_failed', {
        detail: 'The endpoint did not answer its challenge.',
        cause,
      });
    },
    rotateSecret: async (endpointId, { overlap }) => {
      const overlapMs = durationMs(NAME, 'overlap', overlap);
      const endpoint = await findEndpoint(endpointId);
      const secret = newSecret();
      const expiresAtMs = now() + overlapMs;
      const kept = endpoint.secrets
        .filter((each) => isCurrent(each, now()))
        .slice(0, MOST_SECRETS - 1)
        .map((each) => ({
          ...each,
          expiresAtMs: Math.min(each.expiresAtMs ?? expiresAtMs, expiresAtMs),
        }));
      await outbox.putEndpoint({ ...endpoint, secrets: [secret, ...kept] });
      return { secret: secret.secret };
    },
    send: async (...messages) => {
      const at = now();
      const deliveries = messages.map(
        ({ endpointId, type, data, id = `msg_${randomUUID()}`, orderKey }) => {
          if (!ID.test(id))
            throw new TypeError(
              `${NAME}: the id of a message is 1 to 128 letters, digits, _ and -.`,
            );
          const body = JSON.stringify({ type, timestamp: new Date(at).toISOString(), data });
          if (body.length > LONGEST_BODY)
            throw new RangeError(`${NAME}: a message has at most ${LONGEST_BODY} characters.`);
          return {
            id: `${endpointId}:${id}`,
            messageId: id,
            endpointId,
            body,
            orderKey,
            createdAtMs: at,
          };
        },
      );
      await outbox.add(deliveries);
      wake?.();
      return deliveries.map(({ messageId }) => messageId);
    },
    deliver: async () => {
      const claimed = await claim(concurrency);
      await record(
        await Promise.all(claimed.map(async (each) => resultOf(each, await attempt(each)))),
      );
      return claimed.length;
    },
    start: () => {
      if (state.isRunning) return;
      state.isRunning = true;
      worker = (worker ?? Promise.resolve()).then(work);
    },
    stop: async () => {
      state.isRunning = false;
      wake?.();
      await worker;
    },
    replay: async (endpointId, ids) => {
      const count = await outbox.replay({ endpointId, ids, nowMs: now() });
      wake?.();
      return count;
    },
    log: async (endpointId, { status, limit = 100 } = {}) =>
      outbox.list({ endpointId, status, limit }),
  });
}

const MOST_SECRETS = 4;

function newSecret(): WebhookSecret {
  return { id: randomUUID(), secret: `whsec_${randomBytes(32).toString('base64')}` };
}

function isCurrent({ expiresAtMs }: WebhookSecret, now: number): boolean {
  return expiresAtMs === undefined || expiresAtMs > now;
}

function signatures(secrets: readonly WebhookSecret[], now: number, message: string): string {
  return secrets
    .filter((each) => isCurrent(each, now))
    .map(({ secret }) => {
      const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
      return `v1,${createHmac('sha256', key).update(message).digest('base64')}`;
    })
    .join(' ');
}

/** The challenge as text, or as `{ "challenge": "…" }`. */
function isAnswer(text: string, challenge: string): boolean {
  let answer: unknown = text.trim();
  try {
    answer = (JSON.parse(text) as { challenge?: unknown } | null)?.challenge ?? answer;
  } catch {
    // Plain text.
  }
  const [one, other] = [Buffer.from(String(answer)), Buffer.from(challenge)];
  return one.length === other.length && timingSafeEqual(one, other);
}

/** RFC 9110 §10.2.3: seconds or a date; nothing else asks for anything. */
function retryAfterMs(header: string | null, now: number): number {
  if (header === null) return 0;
  if (/^\d{1,10}$/.test(header)) return Number(header) * 1_000;
  const date = /^[A-Z][a-z]{2}, /.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(date) ? 0 : Math.max(0, date - now);
}

/** A wait that can be cut short. */
function sleep(ms: number) {
  const pause: { isOver: boolean; cancel: () => void } = { isOver: false, cancel: nothing };
  const done = new Promise<void>((resolve) => {
    const timer = setTimeout(() => pause.cancel(), ms);
    pause.cancel = () => {
      pause.isOver = true;
      clearTimeout(timer);
      resolve();
    };
  });
  return { done, cancel: () => pause.cancel(), isOver: () => pause.isOver };
}

function nothing(): void {
  // Replaced at once: a promise runs its executor before it is made.
}
