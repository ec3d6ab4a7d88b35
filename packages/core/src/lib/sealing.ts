import { decodeBase64url, encodeBase64url } from './base64url.ts';
import { assertConfiguration } from './configuration-error.ts';
import { assertSecretBytes } from './secret-bytes.ts';

/** Encrypted bytes, as text. */
export interface SealedText {
  /** The version of the key. */
  readonly key: string;
  readonly iv: string;
  readonly text: string;
}

/** Keys that stored secrets are encrypted with, by version, so that they can be changed one after the other. */
export interface SealingKeys {
  /** The version that is used from now on. */
  readonly current: string;
  /** At least 32 random bytes each; keep a version for as long as anything is sealed with it. */
  readonly keys: Readonly<Record<string, Uint8Array>>;
}

/** Seals and opens; `context` says whose it is, and only with the same one it opens. */
export interface Sealing {
  readonly seal: (bytes: Uint8Array, context: string) => Promise<SealedText>;
  /** Rejects where the key is gone, or the text was changed or belongs to somebody else. */
  readonly open: (sealed: SealedText, context: string) => Promise<Uint8Array>;
}

const MOST_VERSIONS = 8;
/** NIST SP 800-38D §8.2.2: random, so that nobody has to count. */
const IV_BYTES = 12;
const encoder = new TextEncoder();

/**
 * For packages that store secrets of others: AES-256-GCM under a key of its own for each purpose (HKDF, RFC 5869). Keys
 * are copied and derived once.
 *
 * @throws ConfigurationError for a key that is too short, more than 8 keys, or a current one that is not there.
 */
export function sealing(factory: string, sealingKeys: SealingKeys, purpose: string): Sealing {
  const { current, keys } = sealingKeys ?? {};
  const versions = Object.entries(keys ?? {});
  for (const [version, bytes] of versions) {
    assertSecretBytes(`${factory}: sealing key ${JSON.stringify(version)}`, bytes);
  }
  assertConfiguration(
    typeof current === 'string' && Object.hasOwn(keys ?? {}, current),
    `${factory}: sealingKeys.current must name one of sealingKeys.keys.`,
  );
  assertConfiguration(
    versions.length <= MOST_VERSIONS,
    `${factory}: more than ${MOST_VERSIONS} sealing keys; remove those that nothing is sealed with.`,
  );
  const material = new Map(versions.map(([version, bytes]) => [version, new Uint8Array(bytes)]));
  const derived = new Map<string, Promise<CryptoKey>>();

  const keyOf = (version: string): Promise<CryptoKey> => {
    const known = derived.get(version);
    if (known !== undefined) return known;
    const bytes = material.get(version);
    if (bytes === undefined) return Promise.reject(new Error('The sealing key is not configured.'));
    const made = derive(bytes, purpose);
    derived.set(version, made);
    return made;
  };
  return {
    seal: async (bytes, context) => {
      const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
      const key = await keyOf(current);
      const text = await crypto.subtle.encrypt(parameters(iv, context), key, new Uint8Array(bytes));
      return {
        key: current,
        iv: encodeBase64url(iv),
        text: encodeBase64url(new Uint8Array(text)),
      };
    },
    open: async ({ key: version, iv, text }, context) => {
      const [start, sealed] = [decodeBase64url(iv), decodeBase64url(text)];
      if (start?.length !== IV_BYTES || sealed === undefined) {
        throw new Error('The sealed text is not well formed.');
      }
      const key = await keyOf(version);
      return new Uint8Array(await crypto.subtle.decrypt(parameters(start, context), key, sealed));
    },
  };
}

function parameters(iv: Uint8Array<ArrayBuffer>, context: string): AesGcmParams {
  return { name: 'AES-GCM', iv, additionalData: encoder.encode(context) };
}

async function derive(bytes: Uint8Array<ArrayBuffer>, purpose: string): Promise<CryptoKey> {
  const key = await crypto.subtle.importKey('raw', bytes, 'HKDF', false, ['deriveKey']);
  const info = encoder.encode(purpose);
  const hkdf = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info };
  const aes = { name: 'AES-GCM', length: 256 };
  return crypto.subtle.deriveKey(hkdf, key, aes, false, ['encrypt', 'decrypt']);
}
