import { assertConfiguration, assertKnownOptions } from '@apisec/core/host';
import type { PasswordHasher } from './passwords.ts';
import { queue } from './queue.ts';

/** What is asked of a library for Argon2: `@node-rs/argon2` and `argon2` both have it. */
export interface Argon2Like {
  readonly hash: (password: string, options: Argon2Parameters) => Promise<string>;
  readonly verify: (hash: string, password: string) => Promise<boolean>;
}

/** Both libraries find their own name of the variant here; 2 is Argon2id to either. */
export interface Argon2Parameters {
  readonly algorithm: 2;
  readonly type: 2;
  readonly memoryCost: number;
  readonly timeCost: number;
  readonly parallelism: number;
}

/** Options of {@link argon2PasswordHasher}. */
export interface Argon2PasswordHasherOptions {
  /** The library, as it is imported: `import * as argon2 from '@node-rs/argon2'`. */
  readonly argon2: Argon2Like;
  /** Kibibytes that a hash takes, 7,168 to 1,048,576. Default: 65,536 (RFC 9106 §4). */
  readonly memoryCost?: number | undefined;
  /** Passes, 1 to 16. Default: 3. */
  readonly timeCost?: number | undefined;
  /** Threads of one hash, 1 to 16. Default: 1. */
  readonly parallelism?: number | undefined;
  /** How many run at once. Default: 2. */
  readonly concurrency?: number | undefined;
  /** How many may wait; one more is rejected at once. Default: 32. */
  readonly maxWaiting?: number | undefined;
}

const NAME = 'argon2PasswordHasher';
const OPTIONS = [
  'argon2',
  'memoryCost',
  'timeCost',
  'parallelism',
  'concurrency',
  'maxWaiting',
] as const;
const PHC =
  /^\$argon2id\$v=19\$m=([1-9][0-9]{0,6}),t=([1-9][0-9]?),p=([1-9][0-9]?)\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{22,86}$/;
/** Also applies to stored hashes: write access to the table must not be enough to exhaust the server. */
const MOST_MEMORY = 1_048_576;
const MOST_PASSES = 16;
const MOST_THREADS = 16;
const LONGEST_PASSWORD = 4_096;

/**
 * Hashes passwords with Argon2id (RFC 9106) into PHC strings, by the library that you install. A flood of logins
 * waits in a bounded queue and is rejected beyond it, as with `nodePasswordHasher`. Argon2i and Argon2d hashes are
 * denied.
 *
 * @throws ConfigurationError without a library, or for a cost or bound that cannot hold.
 * @example
 * const policy = passwords({ hasher: argon2PasswordHasher({ argon2 }) });
 */
export function argon2PasswordHasher(options: Argon2PasswordHasherOptions): PasswordHasher {
  assertKnownOptions(NAME, options, OPTIONS);
  const { argon2, memoryCost = 65_536, timeCost = 3, parallelism = 1 } = options;
  const { concurrency = 2, maxWaiting = 32 } = options;
  assertConfiguration(
    typeof argon2?.hash === 'function' && typeof argon2.verify === 'function',
    `${NAME}: argon2 must be the library: import * as argon2 from '@node-rs/argon2'.`,
  );
  const bounds = [
    ['memoryCost', memoryCost, 7_168, MOST_MEMORY],
    ['timeCost', timeCost, 1, MOST_PASSES],
    ['parallelism', parallelism, 1, MOST_THREADS],
    ['concurrency', concurrency, 1, 64],
    ['maxWaiting', maxWaiting, 0, 10_000],
  ] as const;
  for (const [name, value, least, most] of bounds) {
    assertConfiguration(
      Number.isInteger(value) && value >= least && value <= most,
      `${NAME}: ${name} must be a whole number from ${least} to ${most}.`,
    );
  }
  const enter = queue(concurrency, maxWaiting);
  const parameters = { algorithm: 2, type: 2, memoryCost, timeCost, parallelism } as const;

  return Object.freeze<PasswordHasher>({
    hash: async (password) => {
      const bounded = inBounds(password);
      return enter(() => argon2.hash(bounded, parameters));
    },
    verify: async (password, hash) => {
      const bounded = inBounds(password);
      if (parse(hash) === undefined) {
        throw new TypeError(`${NAME}: the stored hash is not an Argon2id hash within bounds.`);
      }
      return (await enter(() => argon2.verify(hash, bounded))) === true;
    },
    needsRehash: (hash) => {
      const stored = parse(hash);
      const isCurrent =
        stored?.memoryCost === memoryCost &&
        stored.timeCost === timeCost &&
        stored.parallelism === parallelism;
      return !isCurrent;
    },
  });
}

function inBounds(password: string): string {
  if (password.length > LONGEST_PASSWORD)
    throw new RangeError(`${NAME}: the password is too long.`);
  return password;
}

function parse(hash: string) {
  const [, m, t, p] = (PHC.exec(hash) ?? []).map(Number);
  if (m === undefined || t === undefined || p === undefined) return undefined;
  const isBearable = m <= MOST_MEMORY && t <= MOST_PASSES && p <= MOST_THREADS;
  return isBearable ? { memoryCost: m, timeCost: t, parallelism: p } : undefined;
}
