import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { assertConfiguration, assertKnownOptions } from '@apisec/core/host';
import type { PasswordHasher } from './passwords.ts';
import { queue } from './queue.ts';

/** How much work a hash is (RFC 7914 §2). Memory: `128 * r * 2 ** ln` bytes for each that runs. */
export interface ScryptCost {
  /** The logarithm of N. */
  readonly ln: number;
  readonly r: number;
  readonly p: number;
}

/** Options of {@link nodePasswordHasher}. */
export interface NodePasswordHasherOptions {
  /** What new hashes cost; older ones are verified with their own. Default: ln 16, r 8, p 2 (64 MiB). */
  readonly cost?: ScryptCost | undefined;
  /** How many run at once; each takes a thread of Node's pool, which has four. Default: 2. */
  readonly concurrency?: number | undefined;
  /** How many may wait; one more is rejected at once. Default: 32. */
  readonly maxWaiting?: number | undefined;
}

interface StoredHash extends ScryptCost {
  readonly salt: Buffer;
  readonly key: Buffer;
}

const PHC =
  /^\$scrypt\$ln=([1-9][0-9]?),r=([1-9][0-9]?),p=([1-9][0-9]?)\$([A-Za-z0-9+/]{22,86})\$([A-Za-z0-9+/]{43,86})$/;
const SALT_BYTES = 16;
const KEY_BYTES = 32;
/** Also applies to stored hashes: write access to the table must not be enough to exhaust the server. */
const MOST_MEMORY = 268_435_456;
const MOST_PASSES = 16;
/** A cheaper hash is no obstacle to an attacker. */
const LEAST_LN = 13;
/** No password policy allows more, and hashing must not begin with megabytes. */
const LONGEST_PASSWORD = 4_096;

/**
 * Hashes passwords with the scrypt of `node:crypto` (RFC 7914) into PHC strings, `$scrypt$ln=16,r=8,p=2$salt$hash`.
 * A flood of logins waits in a bounded queue and is rejected beyond it, so memory stays at `concurrency` times
 * that of one hash; `passwords` answers `password.unavailable` (503) then.
 *
 * @throws ConfigurationError for a cost or bound that cannot hold.
 * @example
 * const policy = passwords({ hasher: nodePasswordHasher(), context: ['acme'] });
 */
export function nodePasswordHasher(options: NodePasswordHasherOptions = {}): PasswordHasher {
  assertKnownOptions('nodePasswordHasher', options, ['cost', 'concurrency', 'maxWaiting']);
  const { cost = { ln: 16, r: 8, p: 2 }, concurrency = 2, maxWaiting = 32 } = options;
  assertConfiguration(
    Number.isInteger(cost.ln) && cost.ln >= LEAST_LN && isBearable(cost),
    'nodePasswordHasher: cost must be { ln, r, p } with ln 13 or more, p 16 at most, and at most 256 MiB.',
  );
  assertConfiguration(
    Number.isInteger(concurrency) && concurrency >= 1 && concurrency <= 64,
    'nodePasswordHasher: concurrency must be a whole number from 1 to 64.',
  );
  assertConfiguration(
    Number.isInteger(maxWaiting) && maxWaiting >= 0 && maxWaiting <= 10_000,
    'nodePasswordHasher: maxWaiting must be a whole number from 0 to 10,000.',
  );
  const { ln, r, p } = cost;
  const enter = queue(concurrency, maxWaiting);
  const derive = (password: string, salt: Buffer, length: number, by: ScryptCost) => {
    // scrypt takes a password as the key of a MAC, where a NUL behind it changes nothing.
    if (password.length > LONGEST_PASSWORD || password.includes('\0')) {
      return Promise.reject(
        new RangeError('nodePasswordHasher: the password is too long, or contains a NUL.'),
      );
    }
    return enter(() => run(password, salt, length, by));
  };

  return Object.freeze<PasswordHasher>({
    hash: async (password) => {
      const salt = randomBytes(SALT_BYTES);
      const key = await derive(password, salt, KEY_BYTES, { ln, r, p });
      return `$scrypt$ln=${ln},r=${r},p=${p}$${base64(salt)}$${base64(key)}`;
    },
    verify: async (password, hash) => {
      const stored = parse(hash);
      if (stored === undefined) {
        throw new TypeError(
          'nodePasswordHasher: the stored hash is not a scrypt hash in PHC format.',
        );
      }
      const key = await derive(password, stored.salt, stored.key.length, stored);
      return timingSafeEqual(key, stored.key);
    },
    needsRehash: (hash) => {
      const stored = parse(hash);
      const isCurrent =
        stored?.ln === ln &&
        stored.r === r &&
        stored.p === p &&
        stored.salt.length >= SALT_BYTES &&
        stored.key.length >= KEY_BYTES;
      return !isCurrent;
    },
  });
}

function parse(hash: string): StoredHash | undefined {
  const [, ln, r, p, salt = '', key = ''] = PHC.exec(hash) ?? [];
  const cost = { ln: Number(ln), r: Number(r), p: Number(p) };
  if (!isBearable(cost)) return undefined;
  const [saltBytes, keyBytes] = [Buffer.from(salt, 'base64'), Buffer.from(key, 'base64')];
  // Only the canonical encoding: a different text for the same bytes was not written here.
  if (base64(saltBytes) !== salt || base64(keyBytes) !== key) return undefined;
  return { ...cost, salt: saltBytes, key: keyBytes };
}

/** False for NaN as well. */
function isBearable({ ln, r, p }: ScryptCost): boolean {
  return (
    [ln, r, p].every((each) => Number.isInteger(each) && each >= 1) &&
    memoryOf({ ln, r, p }) <= MOST_MEMORY &&
    p <= MOST_PASSES
  );
}

function memoryOf({ ln, r }: ScryptCost): number {
  return 128 * r * 2 ** ln;
}

function run(password: string, salt: Buffer, length: number, cost: ScryptCost): Promise<Buffer> {
  const { r, p } = cost;
  // Node counts a little more than the table itself.
  const options = { N: 2 ** cost.ln, r, p, maxmem: memoryOf(cost) + 128 * r * (p + 2) + 1_024 };
  return new Promise((resolve, reject) => {
    scrypt(password, salt, length, options, (cause, key) => {
      if (cause === null) resolve(key);
      else reject(cause);
    });
  });
}

/** The base64 of PHC strings has no padding. */
function base64(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '');
}
