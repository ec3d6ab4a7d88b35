import { assertConfiguration } from '../lib/configuration-error.ts';

/** A key of webhooks; several at once while one follows another. */
export interface WebhookKey {
  /** Said in `webhook.keyId`, so that you see which keys are still in use. Default: its place in the list, from 1. */
  readonly id?: string | undefined;
  /** The shared secret, as the sender shows it; Standard Webhooks write `whsec_` and base64. */
  readonly secret?: string | Uint8Array | undefined;
  /** The sender's Ed25519 key instead: `whpk_` and base64, or its 32 bytes. */
  readonly publicKey?: string | Uint8Array | undefined;
}

export type WebhookAlgorithm = 'hmac-sha256' | 'ed25519';

/** A key that was imported. */
export interface ImportedWebhookKey {
  readonly id: string;
  readonly algorithm: WebhookAlgorithm;
  readonly key: () => Promise<CryptoKey>;
}

const MOST_KEYS = 8;

/** Strict base64 with padding (RFC 4648 §4); undefined for all else. Base64url too where `url` says so. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  try {
    const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
    // Bits that carry nothing would be another spelling of the same bytes.
    return encodeBase64(bytes) === text ? bytes : undefined;
  } catch {
    return undefined;
  }
}

export function encodeBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

const utf8 = new TextEncoder();

/**
 * Reads the keys of a factory.
 *
 * @throws ConfigurationError for a key that is empty or cannot be one.
 */
export function webhookKeys(
  where: string,
  keys: unknown,
  secretsAreBase64: boolean,
): readonly ImportedWebhookKey[] {
  assertConfiguration(
    Array.isArray(keys) && keys.length > 0 && keys.length <= MOST_KEYS,
    `${where}: keys must be a list of 1 to ${MOST_KEYS} keys, like [{ id: 'k1', secret: 'whsec_…' }].`,
  );
  return (keys as readonly unknown[]).map((entry, at) => {
    const {
      id = String(at + 1),
      secret,
      publicKey,
    } = (typeof entry === 'string' ? { secret: entry } : (entry ?? {})) as WebhookKey;
    assertConfiguration(
      typeof id === 'string' && (secret === undefined) !== (publicKey === undefined),
      `${where}: a key is a secret, or { id, secret }, or { id, publicKey }.`,
    );
    const algorithm = secret === undefined ? 'ed25519' : 'hmac-sha256';
    const bytes =
      secret === undefined ? readPublic(publicKey) : readSecret(secret, secretsAreBase64);
    assertConfiguration(
      bytes !== undefined && bytes.length > 0 && (algorithm !== 'ed25519' || bytes.length === 32),
      `${where}: the key ${JSON.stringify(id)} cannot be read: ${
        algorithm === 'ed25519'
          ? 'publicKey must be whpk_ and the base64 of 32 bytes.'
          : secretsAreBase64
            ? 'secret must be whsec_ and base64, and not empty.'
            : 'secret must be text or bytes, and not empty.'
      }`,
    );
    let imported: Promise<CryptoKey> | undefined;
    return {
      id,
      algorithm,
      key: () => {
        imported ??=
          algorithm === 'ed25519'
            ? crypto.subtle.importKey('raw', bytes, { name: 'Ed25519' }, false, ['verify'])
            : crypto.subtle.importKey('raw', bytes, HMAC, false, ['sign']);
        return imported;
      },
    };
  });
}

const HMAC = { name: 'HMAC', hash: 'SHA-256' } as const;

function readSecret(secret: unknown, isBase64: boolean): Uint8Array<ArrayBuffer> | undefined {
  if (secret instanceof Uint8Array) return new Uint8Array(secret);
  if (typeof secret !== 'string') return undefined;
  if (!isBase64) return utf8.encode(secret);
  return decodeBase64(secret.startsWith('whsec_') ? secret.slice(6) : secret);
}

function readPublic(key: unknown): Uint8Array<ArrayBuffer> | undefined {
  if (key instanceof Uint8Array) return new Uint8Array(key);
  if (typeof key !== 'string') return undefined;
  return decodeBase64(key.startsWith('whpk_') ? key.slice(5) : key);
}
