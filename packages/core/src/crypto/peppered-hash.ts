import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertSecretBytes } from '../lib/secret-bytes.ts';

/** Secrets that hashes are keyed with, by version, so that they can be changed one after the other. */
export interface Peppers {
  /** The version that new hashes are made with. */
  readonly current: string;
  /** At least 32 random bytes each; keep a version for as long as hashes made with it are in use. */
  readonly keys: Readonly<Record<string, Uint8Array>>;
}

/** Keyed hashes of a text under every version. */
export type PepperedHash = (text: string) => Promise<ReadonlyMap<string, string>>;

const HMAC = { name: 'HMAC', hash: 'SHA-256' };
/** Each hash of a text costs one HMAC for each version. */
const MAX_VERSIONS = 8;
const encoder = new TextEncoder();

/**
 * HMAC-SHA-256 under every version of a pepper, whichever will be needed: so the work is the same whatever
 * the store knows. Peppers are copied and imported once.
 */
export function pepperedHash({ current, keys }: Peppers, factory: string): PepperedHash {
  const versions = Object.entries(keys).map(([version, bytes]) => {
    assertSecretBytes(`${factory}: pepper ${JSON.stringify(version)}`, bytes);
    return { version, bytes: new Uint8Array(bytes), key: undefined as CryptoKey | undefined };
  });
  assertConfiguration(
    typeof current === 'string' && Object.hasOwn(keys, current),
    `${factory}: peppers.current must name one of peppers.keys.`,
  );
  assertConfiguration(
    versions.length <= MAX_VERSIONS,
    `${factory}: more than ${MAX_VERSIONS} peppers; remove those that no key uses any more.`,
  );
  return async (text) => {
    const data = encoder.encode(text);
    const hashes = await Promise.all(
      versions.map(async (pepper) => {
        pepper.key ??= await crypto.subtle.importKey('raw', pepper.bytes, HMAC, false, ['sign']);
        const hash = await crypto.subtle.sign('HMAC', pepper.key, data);
        return [pepper.version, hex(new Uint8Array(hash))] as const;
      }),
    );
    return new Map(hashes);
  };
}

function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}
