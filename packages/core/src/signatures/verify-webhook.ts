import { memoryReplayStore } from '../contracts/memory-replay-store.ts';
import type { ReplayStore } from '../contracts/replay-store.ts';
import { isFirstUse } from '../contracts/replay-store.ts';
import type { DenialKind } from '../engine/denial.ts';
import { fault } from '../engine/denial.ts';
import type { RawBodyFacts } from '../engine/facts.ts';
import { type Deny, deny, type Outcome, pass, withCause } from '../engine/outcome.ts';
import { definePolicy, type Policy } from '../engine/policy.ts';
import type { HeadersView } from '../engine/request.ts';
import { settingsOf } from '../engine/settings.ts';
import { encodeBase64url } from '../lib/base64url.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { isThenable, type MaybePromise } from '../lib/maybe-promise.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { parseStrictJson } from '../lib/strict-json.ts';
import { type ImportedWebhookKey, type WebhookKey, webhookKeys } from './webhook-keys.ts';
import {
  type PlainWebhookScheme,
  type PresentedWebhook,
  type PresentedWebhookSignature,
  type WebhookScheme,
  type WebhookSender,
  webhookScheme,
} from './webhook-schemes.ts';

/** Options of {@link verifyWebhook}. */
export interface VerifyWebhookOptions<Event = unknown> {
  /**
   * Who signs, and how: Standard Webhooks (`standard`, or `svix` for its older header names), `github`, `stripe`,
   * `slack`, `shopify`, a plain HMAC, or a scheme of your own.
   */
  readonly scheme: WebhookSender | PlainWebhookScheme | WebhookScheme;
  /** Up to 8; a message is good if one of them signed it. While a key is rotated, both are here. */
  readonly keys: readonly (string | WebhookKey)[];
  /** How far the signed time may be from now, both ways: 5 minutes by default. */
  readonly tolerance?: Duration | undefined;
  /**
   * Where used signatures are remembered, so that a recorded message cannot be sent again. `false`: nowhere. Default:
   * in this process, which is right for a single one only; nowhere for schemes without a signed time (GitHub, Shopify),
   * whose honest retries look the same as replays.
   */
  readonly replay?: ReplayStore | false | undefined;
  /** How long signatures without a signed time are remembered, where `replay` is given: 1 day by default. */
  readonly replayFor?: Duration | undefined;
  /** How long `replay` may take: 1 second by default. */
  readonly timeout?: Duration | undefined;
  /**
   * Makes the event of the body, which is verified by then; throws or rejects when it is not one. Default: the value of
   * JSON that every parser reads alike, and undefined for a body that is not such JSON.
   */
  readonly parse?: ((body: Uint8Array, headers: HeadersView) => MaybePromise<Event>) | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** A message that is what its sender signed. */
export interface VerifiedWebhook<Event> {
  readonly event: Event;
  /** The key that signed it. */
  readonly keyId: string;
  /** The id of the message, where the scheme signs one: the same when it is sent again, to be worked on once. */
  readonly id?: string | undefined;
  /** Epoch milliseconds, where the scheme signs them. */
  readonly timestampMs?: number | undefined;
}

/** What {@link verifyWebhook} adds. */
export interface WebhookFacts<Event> {
  readonly webhook: VerifiedWebhook<Event>;
}

/** The policy, and the same as a function. */
export interface WebhookPolicy<Event> extends Policy<RawBodyFacts, WebhookFacts<Event>, 'check'> {
  /** Verifies without a guard; `body` is the bytes as they came. */
  readonly verify: (
    headers: HeadersView,
    body: Uint8Array | string,
  ) => Promise<({ readonly ok: true } & VerifiedWebhook<Event>) | Deny>;
}

const NAME = 'verifyWebhook';
const NO_BYTES = 'the body (rawBody) is not bytes: a parser has read it before';
const utf8 = new TextEncoder();

const denied = (kind: DenialKind, code: string, detail: string, cause?: object): Deny =>
  Object.freeze(deny(kind, code, { detail, cause }));

/** Of one policy, with what it expects; the caller learns none of that. */
function signatureDenials({ name, expects }: WebhookScheme, keys: readonly ImportedWebhookKey[]) {
  const expected = { scheme: name, expected: expects };
  return {
    'webhook.signature_missing': denied(
      'unauthenticated',
      'webhook.signature_missing',
      'The message is not signed.',
      expected,
    ),
    'webhook.malformed': denied(
      'malformed',
      'webhook.malformed',
      'The signature of the message cannot be read.',
      expected,
    ),
    'webhook.signature_invalid': denied(
      'unauthenticated',
      'webhook.signature_invalid',
      'The message was not signed with a known key.',
      { scheme: name, keys: keys.map(({ id }) => id) },
    ),
  };
}

/** By how much the time of a message is off, and by how much it may be. */
function mistimed(ageMs: number, toleranceMs: number): Deny {
  const cause = { ageMs, toleranceMs };
  return ageMs > 0
    ? denied('unauthenticated', 'webhook.expired', 'The message was signed too long ago.', cause)
    : denied(
        'unauthenticated',
        'webhook.not_yet_valid',
        'The message was signed in the future.',
        cause,
      );
}

/** A view that remembers which headers were asked for, and whether they were there. */
function watched(headers: HeadersView) {
  const present: string[] = [];
  const absent: string[] = [];
  const get = (name: string) => {
    const value = headers.get(name);
    (value ? present : absent).push(name);
    return value;
  };
  return { view: { get, has: (name: string) => headers.has(name) }, given: { present, absent } };
}

function withMore(deny: Deny, more: object): Deny {
  // Its own causes are objects.
  return withCause(deny, { ...(deny.denial.cause as object | undefined), ...more });
}

const REPLAYED = denied('unauthenticated', 'webhook.replayed', 'The message was received before.');
const NOT_AN_EVENT = denied(
  'malformed',
  'webhook.event_invalid',
  'The message is not an event that is known here.',
);

/**
 * Denies webhooks that their sender did not sign, signed too long ago or in the future, or that were received before.
 * Adds `webhook`: the event, its id and the key that signed it.
 *
 * The signature is over the bytes of the body, so the adapter must supply `rawBody`; where it cannot, a guard with this
 * policy is not mounted. Several keys and several signatures are tried, each comparison in constant time.
 *
 * Denials: `webhook.malformed`, `webhook.event_invalid` (400); `webhook.signature_missing`, `.signature_invalid`,
 * `.expired`, `.not_yet_valid`, `.replayed` (401); `webhook.unavailable` (503) when the replay store does not answer.
 *
 * @throws ConfigurationError for a scheme that is not known, a key that is empty or cannot be read, or another bad
 * option.
 * @example
 * const hook = verifyWebhook({ scheme: 'standard', keys: [{ id: '2026-11', secret }] });
 * const payments = guard<HttpFacts & RawBodyFacts>().use(hook).use(allowAnonymous());
 * const answer = await hook.verify(new Headers(), '{}');
 * if (!answer.ok) console.log(answer.denial.code); // webhook.signature_missing
 */
export function verifyWebhook<Event = unknown>(
  options: VerifyWebhookOptions<Event>,
): WebhookPolicy<Event> {
  assertKnownOptions(NAME, options, [
    'scheme',
    'keys',
    'tolerance',
    'replay',
    'replayFor',
    'timeout',
    'parse',
    'now',
  ]);
  const scheme = webhookScheme(NAME, options.scheme);
  const keys = webhookKeys(NAME, options.keys, scheme.secretsAreBase64 === true);
  const toleranceMs = durationMs(NAME, 'tolerance', options.tolerance ?? '5m', {
    min: '1s',
    max: '1d',
  });
  const replayForMs = durationMs(NAME, 'replayFor', options.replayFor ?? '1d', {
    min: '1s',
    max: '30d',
  });
  const timeoutMs = durationMs(NAME, 'timeout', options.timeout ?? '1s', { max: '1m' });
  const { now = () => Date.now(), parse } = options;
  const { replay = scheme.isTimed ? memoryReplayStore({ now }) : false } = options;
  assertConfiguration(
    replay === false || typeof replay.putIfAbsent === 'function',
    `${NAME}: replay must be a replay store, for example memoryReplayStore(), or false.`,
  );
  assertConfiguration(
    parse === undefined || typeof parse === 'function',
    `${NAME}: parse must be a function from the bytes of the body to the event.`,
  );
  // Without `parse` the type of the event is unknown, which JSON is.
  const read = parse ?? ((body: Uint8Array) => parseStrictJson(body) as Event);

  const isFirst = async (signed: Signer, ttlMs: number): Promise<boolean> => {
    if (replay === false) return true;
    for (const mark of await marksOf(keys, signed)) {
      const key = `webhook:${scheme.name}:${mark}`;
      if (!(await isFirstUse(replay, key, ttlMs, timeoutMs))) return false;
    }
    return true;
  };

  const denials = signatureDenials(scheme, keys);
  const verify = async (
    headers: HeadersView,
    body: Uint8Array,
  ): Promise<({ readonly ok: true } & VerifiedWebhook<Event>) | Deny> => {
    // What the types promise, plain JavaScript may break.
    if (!ArrayBuffer.isView(body))
      return { ok: false, denial: fault('message.unavailable', NO_BYTES) };
    const { view, given } = watched(headers);
    const presented = scheme.read(view, body);
    if (typeof presented === 'string') return withMore(denials[presented], { given });
    const { id, timestamp } = presented;
    const timestampMs = timestamp === undefined ? undefined : timestamp * 1_000;
    const age = timestampMs === undefined ? 0 : now() - timestampMs;
    if (Math.abs(age) > toleranceMs) return mistimed(age, toleranceMs);
    const signed = Number.isNaN(age) ? undefined : await findSigner(keys, presented, body);
    if (signed === undefined) {
      const { length: signatures } = presented.signatures;
      const came = { given: { signatures, bytes: body.byteLength } };
      return withMore(denials['webhook.signature_invalid'], came);
    }
    let event: Event;
    try {
      const made = read(body, headers);
      event = isThenable(made) ? await made : made;
    } catch (cause) {
      return withCause(NOT_AN_EVENT, cause);
    }
    try {
      // Last, so that only what the sender signed uses anything up.
      const ttlMs = timestampMs === undefined ? replayForMs : 2 * toleranceMs + 1_000;
      if (!(await isFirst(signed, ttlMs))) {
        return withCause(REPLAYED, { id, keyId: signed.keyId });
      }
    } catch (cause) {
      return deny('unavailable', 'webhook.unavailable', { cause });
    }
    return { ok: true, event, keyId: signed.keyId, id, timestampMs };
  };

  const policy = definePolicy<RawBodyFacts, WebhookFacts<Event>, 'check'>({
    name: NAME,
    role: 'check',
    settings: settingsOf(options, ['tolerance', 'replay', 'replayFor']),
    purposes: ['authentication'],
    needs: ['rawBody'],
    adds: ['webhook'],
    check: async ({ headers }, { rawBody }): Promise<Outcome<WebhookFacts<Event>>> => {
      const answer = await verify(headers, rawBody);
      if (!answer.ok) return answer;
      const { ok: _ok, ...webhook } = answer;
      return pass({ webhook });
    },
  });
  return Object.freeze({
    ...policy,
    verify: (headers: HeadersView, body: Uint8Array | string) =>
      verify(headers, typeof body === 'string' ? utf8.encode(body) : body),
  });
}

/** An attacker chooses how many signatures there are, and checking Ed25519 is expensive. */
const MOST_ED25519 = 4;

/** Who signed a message, and what is known of it by then. */
interface Signer {
  readonly keyId: string;
  readonly message: Uint8Array<ArrayBuffer>;
  /** That of the key which signed, where it is one of HMAC. */
  readonly mac?: { readonly key: ImportedWebhookKey; readonly bytes: Uint8Array } | undefined;
}

async function findSigner(
  keys: readonly ImportedWebhookKey[],
  { signatures, prefix, content }: PresentedWebhook,
  body: Uint8Array,
): Promise<Signer | undefined> {
  const message = joined(prefix, content ?? body);
  const ofKind = (wanted: PresentedWebhookSignature['algorithm']) =>
    signatures.filter(({ algorithm }) => algorithm === wanted);
  const macs = ofKind('hmac-sha256');
  const eds = ofKind('ed25519').slice(0, MOST_ED25519);
  for (const key of keys) {
    const { id: keyId, algorithm } = key;
    if ((algorithm === 'hmac-sha256' ? macs : eds).length === 0) continue;
    if (algorithm === 'hmac-sha256') {
      const mac = await macOf(key, message);
      if (macs.some(({ bytes }) => isEqual(bytes, mac))) {
        return { keyId, message, mac: { key, bytes: mac } };
      }
      continue;
    }
    const loaded = await key.key();
    for (const { bytes } of eds) {
      if (await crypto.subtle.verify('Ed25519', loaded, bytes, message)) return { keyId, message };
    }
  }
  return undefined;
}

async function macOf(
  { key }: ImportedWebhookKey,
  message: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array> {
  const loaded = key();
  const imported = isThenable(loaded) ? await loaded : loaded;
  return new Uint8Array(await crypto.subtle.sign('HMAC', imported, message));
}

/**
 * What a message is remembered by: what each key makes of it, whichever has signed it. While keys are rotated a message
 * has several signatures, and without the one that it was verified by it must not be another message. In the order of
 * text, so that of many at once one is the first, also where nodes have their keys in different orders.
 */
async function marksOf(
  keys: readonly ImportedWebhookKey[],
  { message, mac: known }: Signer,
): Promise<readonly string[]> {
  const marks: string[] = [];
  let hasEd25519 = false;
  for (const key of keys) {
    if (key.algorithm !== 'hmac-sha256') hasEd25519 = true;
    // The one that was computed, since of it there is one spelling.
    else marks.push(encodeBase64url(key === known?.key ? known.bytes : await macOf(key, message)));
  }
  // Whoever holds an Ed25519 key can sign one message in many ways: the message stands for it.
  if (hasEd25519) {
    marks.push(encodeBase64url(new Uint8Array(await crypto.subtle.digest('SHA-256', message))));
  }
  return marks.toSorted();
}

function joined(prefix: string, content: Uint8Array): Uint8Array<ArrayBuffer> {
  // WebCrypto takes the bytes at once, so nobody can change them meanwhile; shared memory it does not take.
  if (prefix === '' && content.buffer instanceof ArrayBuffer) {
    // The buffer is what the type says.
    return content as Uint8Array<ArrayBuffer>;
  }
  const head = utf8.encode(prefix);
  const message = new Uint8Array(head.length + content.length);
  message.set(head);
  message.set(content, head.length);
  return message;
}

/** Looks at every byte, so that the time tells nothing but the lengths. */
function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  let difference = 0;
  for (let at = 0; at < one.length; at++) difference |= (one[at] ?? 0) ^ (other[at] ?? 0);
  return difference === 0;
}
