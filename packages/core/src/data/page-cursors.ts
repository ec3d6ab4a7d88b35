import { decodeBase64url, encodeBase64url } from '../lib/base64url.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { assertSecretBytes } from '../lib/secret-bytes.ts';
import { parseStrictObject } from '../lib/strict-json.ts';

/** Where a page ended: the sort values of its last row. */
export type PagePosition = readonly (string | number | boolean | null)[];

/** How cursors are sealed. */
export interface CursorSecrets {
  /**
   * At least 32 random bytes each, the same on every node. The first seals, all of them open: to change it, first put
   * the new one behind it everywhere, then in front, then take the old one away.
   */
  readonly secrets: readonly Uint8Array[];
  /** How long a cursor can be used. Default: `'1d'`. */
  readonly lifetime?: Duration | undefined;
}

/** Seals positions for one context, and opens them again only in the same. */
export interface PageCursors {
  readonly seal: (position: PagePosition, context: string) => Promise<string>;
  /** Undefined for what was not sealed here, for another context, or is too old. */
  readonly open: (cursor: string, context: string) => Promise<PagePosition | undefined>;
}

const MOST_SECRETS = 8;
const NONCE_BYTES = 12;
const LONGEST_POSITION = 2_048;
const MOST_VALUES = 16;
/** The longest cursor that is looked at, in characters. */
export const LONGEST_CURSOR = 4_096;
const HMAC = { name: 'HMAC', hash: 'SHA-256' };
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * Cursors that say nothing to who reads them: AES-GCM under a key of its own for each secret and context, so that one
 * of another caller, list or order does not open, and no key seals more than one caller's.
 *
 * @throws ConfigurationError for a secret that is too short.
 */
export function pageCursors(
  where: string,
  { secrets, lifetime = '1d' }: CursorSecrets,
  now: () => number,
): PageCursors {
  const lifetimeMs = durationMs(where, 'cursors.lifetime', lifetime, { min: '1s', max: '365d' });
  assertConfiguration(
    Array.isArray(secrets) && secrets.length > 0 && secrets.length <= MOST_SECRETS,
    `${where}: cursors.secrets must be 1 to ${MOST_SECRETS} secrets, the one that seals first.`,
  );
  for (const secret of secrets) assertSecretBytes(`${where}: each of cursors.secrets`, secret);
  const keys = secrets.map((secret) => contextKey(new Uint8Array(secret)));

  return {
    seal: async (position, context) => {
      if (!isPosition(position)) {
        throw new TypeError(
          `A position is a list of at most ${MOST_VALUES} texts, finite numbers, booleans or nulls.`,
        );
      }
      const plain = encoder.encode(JSON.stringify({ until: now() + lifetimeMs, at: position }));
      if (plain.length > LONGEST_POSITION) {
        throw new TypeError(`A position is at most ${LONGEST_POSITION} bytes of JSON.`);
      }
      const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
      // The list was found to have a first secret.
      const key = await (keys[0] as ContextKey)(context);
      const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv: nonce }, key, plain);
      const bytes = new Uint8Array(NONCE_BYTES + sealed.byteLength);
      bytes.set(nonce);
      bytes.set(new Uint8Array(sealed), NONCE_BYTES);
      return encodeBase64url(bytes);
    },
    open: async (cursor, context) => {
      if (cursor.length > LONGEST_CURSOR) return undefined;
      const bytes = decodeBase64url(cursor);
      if (bytes === undefined) return undefined;
      const nonce = bytes.slice(0, NONCE_BYTES);
      const sealed = bytes.slice(NONCE_BYTES);
      for (const key of keys) {
        const plain = await decrypt(await key(context), nonce, sealed);
        if (plain === undefined) continue;
        const { until, at } = parseStrictObject(plain) ?? {};
        return typeof until === 'number' && until > now() && isPosition(at) ? at : undefined;
      }
      return undefined;
    },
  };
}

type ContextKey = (context: string) => Promise<CryptoKey>;

/** Derives the key of a context. The secret is imported once. */
function contextKey(secret: Uint8Array<ArrayBuffer>): ContextKey {
  let imported: Promise<CryptoKey> | undefined;
  return async (context) => {
    imported ??= crypto.subtle.importKey('raw', secret, HMAC, false, ['sign']);
    const bytes = await crypto.subtle.sign('HMAC', await imported, encoder.encode(context));
    return crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt']);
  };
}

async function decrypt(
  key: CryptoKey,
  nonce: Uint8Array<ArrayBuffer>,
  sealed: Uint8Array<ArrayBuffer>,
): Promise<string | undefined> {
  try {
    return decoder.decode(await crypto.subtle.decrypt({ name: 'AES-GCM', iv: nonce }, key, sealed));
  } catch {
    // Not sealed under this key: the one thing that decryption says.
    return undefined;
  }
}

function isPosition(value: unknown): value is PagePosition {
  return (
    Array.isArray(value) &&
    value.length <= MOST_VALUES &&
    value.every(
      (each) =>
        each === null ||
        // Half a surrogate pair would be sealed, but never opened.
        (typeof each === 'string' && !/\p{Surrogate}/u.test(each)) ||
        typeof each === 'boolean' ||
        Number.isFinite(each),
    )
  );
}
