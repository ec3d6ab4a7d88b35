import { encodeBase64url } from '../lib/base64url.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { equalInConstantTime } from '../lib/hash.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { assertSecretBytes } from '../lib/secret-bytes.ts';

/** Options of {@link dpopNonces}. */
export interface DpopNoncesOptions {
  /**
   * At least 32 random bytes each, the same on every node. The first makes nonces, all of them are accepted:
   * to change it, first put the new one behind it everywhere, then in front, then take the old one away.
   * Default: one that this process makes for itself, which is right for a single process only.
   */
  readonly secrets?: readonly Uint8Array[] | undefined;
  /**
   * How long a nonce is handed out, from `1s` to `1h`; it is accepted for up to as long again. Default: `1m`.
   */
  readonly lifetime?: Duration | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** Nonces that a server hands out and knows again. One of your own may keep them in a store. */
export interface DpopNonces {
  /** The nonce to hand out now. */
  readonly current: () => MaybePromise<string>;
  /** Until when a nonce is accepted, in epoch milliseconds; undefined if it is not. */
  readonly goodUntil: (nonce: string) => MaybePromise<number | undefined>;
}

const HMAC = { name: 'HMAC', hash: 'SHA-256' };
const LEAST_SECRET_BYTES = 32;
const MOST_SECRETS = 8;
const encoder = new TextEncoder();

/**
 * Nonces for DPoP proofs (RFC 9449 §8, §9) that need no store: the keyed hash of the time, in steps of
 * `lifetime`. Every node with the same secrets accepts the nonces of the others, also where their clocks
 * differ by up to one step.
 *
 * @throws ConfigurationError for a secret that is too short, a lifetime outside `1s` to `1h`, or an unknown option.
 * @example
 * requireDpop({ publicOrigin, nonce: dpopNonces({ secrets: [secret], lifetime: '2m' }) })
 */
export function dpopNonces(options: DpopNoncesOptions = {}): DpopNonces {
  assertKnownOptions('dpopNonces', options, ['secrets', 'lifetime', 'now']);
  const {
    secrets = [crypto.getRandomValues(new Uint8Array(LEAST_SECRET_BYTES))],
    now = () => Date.now(),
  } = options;
  assertConfiguration(
    secrets.length > 0 && secrets.length <= MOST_SECRETS,
    `dpopNonces: give 1 to ${MOST_SECRETS} secrets, the one that makes nonces first.`,
  );
  const hashes = secrets.map((secret) => {
    assertSecretBytes('dpopNonces: each secret', secret);
    return stepHash(secret);
  });
  const duration = durationMs('dpopNonces', 'lifetime', options.lifetime ?? '1m', {
    min: '1s',
    max: '1h',
  });
  /** The nonces of a step under every secret; never more than the three steps that count. */
  const known = new Map<number, MaybePromise<readonly string[]>>();

  const noncesOf = (step: number): MaybePromise<readonly string[]> => {
    const found = known.get(step);
    if (found !== undefined) return found;
    for (const old of known.keys()) if (Math.abs(old - step) > 2) known.delete(old);
    const made = Promise.all(hashes.map((hash) => hash(step)));
    known.set(step, made);
    made.then(
      (nonces) => known.set(step, nonces),
      () => known.delete(step),
    );
    return made;
  };
  const stepNow = (): number => Math.floor(now() / duration);

  return Object.freeze<DpopNonces>({
    current: () => {
      const nonces = noncesOf(stepNow());
      return nonces instanceof Promise ? nonces.then(first) : first(nonces);
    },
    goodUntil: async (nonce) => {
      const step = stepNow();
      for (const each of [step, step - 1, step + 1]) {
        const nonces = await noncesOf(each);
        if (nonces.some((made) => equalInConstantTime(made, nonce))) return (each + 2) * duration;
      }
      return undefined;
    },
  });
}

function first(nonces: readonly string[]): string {
  // There is one for each secret, and at least one secret.
  return nonces[0] as string;
}

/** The keyed hash of a step; the key is copied and imported once. */
function stepHash(secret: Uint8Array): (step: number) => Promise<string> {
  const bytes = new Uint8Array(secret);
  let key: Promise<CryptoKey> | undefined;
  return async (step) => {
    key ??= crypto.subtle.importKey('raw', bytes, HMAC, false, ['sign']);
    // The words keep these hashes apart from others under the same secret.
    const data = encoder.encode(`apisec dpop nonce ${step}`);
    return encodeBase64url(new Uint8Array(await crypto.subtle.sign('HMAC', await key, data)));
  };
}
