import {
  assertConfiguration,
  assertSecretBytes,
  decodeBase64url,
  encodeBase64url,
} from '@apisec/core/host';

/** Keys that cookies are encrypted with, by version, so that they can be changed without signing anybody out. */
export interface CookieKeys {
  /** The version that is used from now on. */
  readonly current: string;
  /** At least 32 random bytes each, the same in every process. Keep a version until what it sealed has expired. */
  readonly keys: Readonly<Record<string, Uint8Array>>;
}

/** Seals text into a compact JWE, and opens it; only with the context that it was sealed with. */
export interface Sealing {
  readonly seal: (text: string, context: string) => Promise<string>;
  /** Undefined for whatever was not sealed here with that context. Never rejects. */
  readonly open: (sealed: string, context: string) => Promise<string | undefined>;
}

const MOST_VERSIONS = 8;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const MOST_CHARACTERS = 8_192;
const utf8 = new TextEncoder();

/**
 * Compact JWE (RFC 7516) with `dir` and `A256GCM`, under a key of its own for each context (HKDF, RFC 5869): what was
 * sealed for one purpose does not open for another. The header is compared as text and never obeyed.
 *
 * @throws ConfigurationError when a key is too short, or the current one is not there.
 */
export function sealing(factory: string, options: CookieKeys): Sealing {
  const { current, keys } = options ?? {};
  const versions = Object.entries(keys ?? {});
  assertConfiguration(
    versions.length > 0 && versions.length <= MOST_VERSIONS,
    `${factory}: keys.keys must hold 1 to ${MOST_VERSIONS} keys, like ` +
      '{ v1: crypto.getRandomValues(new Uint8Array(32)) } from a secret manager.',
  );
  for (const [version, bytes] of versions) {
    assertConfiguration(
      /^[\w-]{1,32}$/.test(version),
      `${factory}: key "${version}" must have a name of 1 to 32 letters, digits, "-" and "_".`,
    );
    assertSecretBytes(`${factory}: key "${version}"`, bytes);
  }
  assertConfiguration(
    typeof current === 'string' && Object.hasOwn(keys, current),
    `${factory}: keys.current must name one of keys.keys.`,
  );
  const rings = new Map(versions.map(([version, bytes]) => [headerOf(version), keyRing(bytes)]));
  const header = headerOf(current);
  return Object.freeze({
    seal: async (text: string, context: string) => {
      // The current version is one of the versions.
      const key = await (rings.get(header) as KeyRing)(context);
      return `${header}..${await encrypt(key, utf8.encode(text), header)}`;
    },
    open: async (sealed: string, context: string) => {
      if (sealed.length > MOST_CHARACTERS) return undefined;
      const [name = '', encryptedKey, iv = '', text = '', tag = '', more] = sealed.split('.', 6);
      const ring = encryptedKey === '' && more === undefined ? rings.get(name) : undefined;
      return ring && decrypt(await ring(context), `${iv}.${text}.${tag}`, name);
    },
  });
}

/**
 * Seals under a key that a random token yields, so that a store that keeps the sealed text and a hash of the token
 * cannot read it.
 */
export async function sealWithToken(token: string, text: string): Promise<string> {
  const key = await keyRing(utf8.encode(token))('apisec session tokens');
  return encrypt(key, utf8.encode(text), '');
}

/** Undefined for whatever was not sealed with that token. */
export async function openWithToken(token: string, sealed: string): Promise<string | undefined> {
  return decrypt(await keyRing(utf8.encode(token))('apisec session tokens'), sealed, '');
}

type KeyRing = (context: string) => Promise<CryptoKey>;

function headerOf(version: string): string {
  return encodeBase64url(utf8.encode(JSON.stringify({ alg: 'dir', enc: 'A256GCM', kid: version })));
}

function keyRing(bytes: Uint8Array): KeyRing {
  const copy = new Uint8Array(bytes);
  let material: Promise<CryptoKey> | undefined;
  return async (context) => {
    material ??= crypto.subtle.importKey('raw', copy, 'HKDF', false, ['deriveKey']);
    const hkdf = {
      name: 'HKDF',
      hash: 'SHA-256',
      salt: new Uint8Array(0),
      info: utf8.encode(context),
    };
    const aes = { name: 'AES-GCM', length: 256 };
    return crypto.subtle.deriveKey(hkdf, await material, aes, false, ['encrypt', 'decrypt']);
  };
}

async function encrypt(
  key: CryptoKey,
  bytes: Uint8Array<ArrayBuffer>,
  header: string,
): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const additionalData = utf8.encode(header);
  const all = new Uint8Array(
    await crypto.subtle.encrypt({ name: 'AES-GCM', iv, additionalData }, key, bytes),
  );
  const at = all.length - TAG_BYTES;
  return [iv, all.subarray(0, at), all.subarray(at)].map(encodeBase64url).join('.');
}

async function decrypt(
  key: CryptoKey,
  sealed: string,
  header: string,
): Promise<string | undefined> {
  const [iv, text, tag] = sealed.split('.', 3).map((part) => decodeBase64url(part));
  if (iv?.length !== IV_BYTES || text === undefined || tag?.length !== TAG_BYTES) return undefined;
  const all = new Uint8Array(text.length + TAG_BYTES);
  all.set(text);
  all.set(tag, text.length);
  try {
    const additionalData = utf8.encode(header);
    const plain = await crypto.subtle.decrypt({ name: 'AES-GCM', iv, additionalData }, key, all);
    return new TextDecoder('utf-8', { fatal: true }).decode(plain);
  } catch {
    return undefined;
  }
}
