import type { VerificationKey } from '../../key-source.ts';
import { boundedCache } from '../bounded-cache.ts';
import { sha256 } from '../sha256.ts';
import { thumbprintInput } from '../tokens/jwk-thumbprint.ts';

/** A key of a proof with its thumbprint. */
export interface DpopKey {
  readonly key: VerificationKey;
  readonly jkt: string;
}

/** Keys that clients prove with. */
export interface DpopKeys {
  readonly identify: (key: VerificationKey) => DpopKey | Promise<DpopKey>;
  /** Keeps a key at hand. Only for keys that a token is bound to, so that strangers leave no trace. */
  readonly remember: (known: DpopKey) => void;
}

const MAX_ENTRIES = 5_000;
const MAX_BYTES = 16_777_216;
/** An imported key, beside the text of it. */
const BYTES_PER_ENTRY = 2_000;

/** Makes the same key once: its thumbprint is computed and its import done while it is in use. */
export function dpopKeys(): DpopKeys {
  const cache = boundedCache<DpopKey>({ maxEntries: MAX_ENTRIES, maxBytes: MAX_BYTES });
  return {
    identify: (key) => {
      const input = thumbprintInput(key);
      return cache.get(input) ?? sha256(input).then((jkt) => ({ key, jkt }));
    },
    remember: (known) => {
      const input = thumbprintInput(known.key);
      if (cache.get(input) !== undefined) return;
      cache.set(input, known, input.length * 4 + BYTES_PER_ENTRY);
    },
  };
}
