import { decodeBase64url } from '../lib/base64url.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';

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
  /** Imported with its first use, and there at once from then on. */
  readonly key: () => MaybePromise<CryptoKey>;
}

const MOST_KEYS = 8;

const BASE64 = /^[A-Za-z\d+/]*={0,2}$/;

/** Strict base64 with padding (RFC 4648 §4); undefined for all else, also for bits that are set but carry nothing. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 4 !== 0 || !BASE64.test(text)) return undefined;
  const padding = text.indexOf('=');
  const url = text.replaceAll('+', '-').replaceAll('/', '_');
  return decodeBase64url(url, 0, padding < 0 ? text.length : padding);
}

const utf8 = new TextEncoder();

/**
 * Reads the keys of a factory.
 *
 * The sender chose them, so they are taken as they are, and published vectors verify (decision 031).
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
    let imported: CryptoKey | undefined;
    const load = async (): Promise<CryptoKey> =>
      (imported =
        algorithm === 'ed25519'
          ? await crypto.subtle.importKey('raw', bytes, { name: 'Ed25519' }, false, ['verify'])
          : await crypto.subtle.importKey('raw', bytes, HMAC, false, ['sign']));
    return { id, algorithm, key: () => imported ?? load() };
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
