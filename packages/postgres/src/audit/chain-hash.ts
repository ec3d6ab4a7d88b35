import { assertConfiguration, assertSecretBytes } from '@apisec/core/host';
import { sha256All } from './sha256.ts';

/** The secrets that a chain is hashed with, by version. */
export interface AuditChainKeys {
  /** The version that new blocks are hashed with. */
  readonly current: string;
  /**
   * At least 32 random bytes each, from a secret manager and never from the database: without them nobody can write
   * the trail anew. Keep a version for as long as blocks that were hashed with it are to be verified.
   */
  readonly keys: Readonly<Record<string, Uint8Array>>;
  /**
   * The last block (`seq`) that each version may have hashed, once every process hashes with another one: `{ 1: 4711
   * }`. Whoever finds an old key later could add blocks to the end otherwise, and they would verify. Default: none.
   */
  readonly retired?: Readonly<Record<string, number>> | undefined;
}

/** What a block says of itself, and all of it is hashed. */
export interface BlockHead {
  readonly chain: string;
  readonly seq: number;
  readonly keyId: string;
  readonly writtenAt: number;
  readonly writer: string;
  readonly first: number;
  readonly count: number;
  readonly accepted: number;
  readonly lost: number;
  readonly closing: boolean;
}

/** SHA-256 and HMAC-SHA-256 as a chain needs them. */
export interface ChainHash {
  readonly current: string;
  /** Whether a block comes behind the last one that its version may have hashed. */
  readonly isRetired: (head: BlockHead) => boolean;
  /** The hashes of events, one behind the other. */
  readonly leaves: (events: readonly string[]) => Uint8Array<ArrayBuffer>;
  /** Undefined for a version that is not there. */
  readonly block: (
    head: BlockHead,
    previous: Uint8Array,
    leaves: Uint8Array,
  ) => Promise<Uint8Array<ArrayBuffer> | undefined>;
}

export const HASH_BYTES = 32;
const HMAC = { name: 'HMAC', hash: 'SHA-256' };
const encoder = new TextEncoder();

/** @throws ConfigurationError for keys that are not valid. */
export function chainHash(where: string, given: AuditChainKeys): ChainHash {
  // JavaScript can leave it out.
  const { current, keys, retired = {} } = given ?? { current: '', keys: {} };
  const imported = new Map<string, Promise<CryptoKey>>();
  for (const [version, bytes] of Object.entries(keys ?? {})) {
    const what = `${where}: key ${JSON.stringify(version)}`;
    assertSecretBytes(what, bytes);
    const key = crypto.subtle.importKey('raw', new Uint8Array(bytes), HMAC, false, ['sign']);
    imported.set(version, key);
  }
  assertConfiguration(
    imported.has(current),
    `${where}: keys.current must name one of keys.keys: { current: '1', keys: { 1: randomBytes(32) } }.`,
  );
  const last = new Map(Object.entries(retired));
  for (const [version, seq] of last) {
    assertConfiguration(
      imported.has(version) && version !== current && Number.isSafeInteger(seq) && seq >= 0,
      `${where}: keys.retired must name old versions of keys.keys with their last block: { 1: 4711 }.`,
    );
  }
  return {
    current,
    isRetired: ({ keyId, seq }) => seq > (last.get(keyId) ?? Number.POSITIVE_INFINITY),
    leaves: sha256All,
    block: async (head, previous, leaves) => {
      const key = await imported.get(head.keyId);
      if (key === undefined) return undefined;
      // A list, so that no text can pass for two: and a length in front of what is no text.
      const text = JSON.stringify([
        'apisec.audit-chain/1',
        head.chain,
        head.seq,
        head.keyId,
        head.writtenAt,
        head.writer,
        head.first,
        head.count,
        head.accepted,
        head.lost,
        head.closing,
        previous.length,
        leaves.length,
      ]);
      const start = encoder.encode(text);
      const bytes = new Uint8Array(start.length + previous.length + leaves.length);
      bytes.set(start);
      bytes.set(previous, start.length);
      bytes.set(leaves, start.length + previous.length);
      return new Uint8Array(await crypto.subtle.sign(HMAC.name, key, bytes));
    },
  };
}

/** Drivers answer `bytea` as a `Buffer`, a `Uint8Array`, or in hexadecimal. */
export function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  const hex = typeof value === 'string' && value.startsWith('\\x') ? value.slice(2) : '';
  return Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}

export function hexOf(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}
