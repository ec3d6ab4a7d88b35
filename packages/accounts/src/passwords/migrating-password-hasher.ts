import { assertConfiguration, assertKnownOptions } from '@apisec/core/host';
import type { PasswordHasher } from './passwords.ts';
import { queue } from './queue.ts';

/** Hashes of another kind, that are only verified. */
export interface OlderHashes {
  /** What those hashes begin with: `$2b$`, `$argon2id$`. */
  readonly prefix: string;
  /** Whether it is the password; `bcrypt.compare` fits as it is. */
  readonly verify: (password: string, hash: string) => Promise<boolean>;
}

/** Options of {@link migratingPasswordHasher}. */
export interface MigratingPasswordHasherOptions {
  /** Makes new hashes, and verifies those that are of no older kind. */
  readonly current: PasswordHasher;
  readonly older: readonly OlderHashes[];
  /** How many older hashes are verified at once. Default: 2. */
  readonly concurrency?: number | undefined;
  /** How many may wait; one more is rejected at once. Default: 32. */
  readonly maxWaiting?: number | undefined;
}

const NAME = 'migratingPasswordHasher';

/**
 * Takes over hashes that another system made: they are verified as they are, and `passwords` answers a new hash with
 * the first successful login (`rehash`), until none is left. Name each prefix: bcrypt has `$2a$`, `$2b$` and
 * `$2y$`.
 *
 * While older hashes take a different time to verify than new ones, the time of a wrong password tells which kind an
 * account has, and so that it exists. Set a date on which older hashes are removed: users who have not signed in by
 * then reset their password.
 *
 * @throws ConfigurationError for prefixes that are the same, or a bound that cannot hold.
 * @example
 * const hasher = migratingPasswordHasher({
 *   current: nodePasswordHasher(),
 *   older: [{ prefix: '$2b$', verify: (password, hash) => bcrypt.compare(password, hash) }],
 * });
 */
export function migratingPasswordHasher(options: MigratingPasswordHasherOptions): PasswordHasher {
  assertKnownOptions(NAME, options, ['current', 'older', 'concurrency', 'maxWaiting']);
  const { current, older, concurrency = 2, maxWaiting = 32 } = options;
  assertConfiguration(
    [current?.hash, current?.verify, current?.needsRehash].every(
      (each) => typeof each === 'function',
    ),
    `${NAME}: current must be the hasher of new passwords, for example nodePasswordHasher().`,
  );
  assertConfiguration(
    Array.isArray(older) && older.length > 0 && older.every(isKind),
    `${NAME}: older must list the kinds of hashes to take over, like [{ prefix: '$2b$', verify: bcrypt.compare }].`,
  );
  const prefixes = older.map(({ prefix }) => prefix);
  assertConfiguration(
    prefixes.every((one, at) =>
      prefixes.every((other, where) => at === where || !other.startsWith(one)),
    ),
    `${NAME}: a prefix must not begin another one.`,
  );
  for (const [name, value, least, most] of [
    ['concurrency', concurrency, 1, 64],
    ['maxWaiting', maxWaiting, 0, 10_000],
  ] as const) {
    assertConfiguration(
      Number.isInteger(value) && value >= least && value <= most,
      `${NAME}: ${name} must be a whole number from ${least} to ${most}.`,
    );
  }
  const kinds = older.map(({ prefix, verify }) => ({ prefix, verify }));
  const enter = queue(concurrency, maxWaiting);
  const kindOf = (hash: string): OlderHashes | undefined =>
    kinds.find(({ prefix }) => hash.startsWith(prefix));

  return Object.freeze<PasswordHasher>({
    hash: current.hash,
    verify: async (password, hash) => {
      const kind = kindOf(hash);
      if (kind === undefined) return current.verify(password, hash);
      return (await enter(() => kind.verify(password, hash))) === true;
    },
    needsRehash: (hash) => kindOf(hash) !== undefined || current.needsRehash(hash),
  });
}

function isKind(each: OlderHashes): boolean {
  return (
    typeof each?.prefix === 'string' && each.prefix !== '' && typeof each.verify === 'function'
  );
}
