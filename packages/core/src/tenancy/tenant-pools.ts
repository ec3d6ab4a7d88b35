import { isOlder, later, withinTime } from '../lib/clock.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import { assertKnownOptions, assertMethods } from '../lib/options.ts';
import { ANY_TENANT_ID, isTenantId } from './tenant-id.ts';

/** Options of {@link tenantPools}. */
export interface TenantPoolsOptions<P> {
  /** Opens the pool, connection or client of one tenant, in bounded time. */
  readonly open: (tenant: string) => MaybePromise<P>;
  /**
   * Asks what was opened whose it is: by a row, a setting or the name of its database. Anything but `true` closes it
   * again. Security depends on it, so there is no default.
   */
  readonly belongsTo: (pool: P, tenant: string) => MaybePromise<boolean>;
  /** Closes what was opened. */
  readonly close: (pool: P) => MaybePromise<unknown>;
  /** The most pools that are open, opening or closing. The one idle longest makes room. Default: 100. */
  readonly maxOpen?: number | undefined;
  /** How long nobody needs a pool before it is closed. Default: `'5m'`. */
  readonly idleAfter?: Duration | undefined;
  /** How long a caller waits for a pool. Default: `'5s'`. */
  readonly timeout?: Duration | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** Why a tenant has no pool. */
export type TenantPoolProblem =
  /** Its id is not one. */
  | 'tenant.malformed'
  /** As many pools as may be are open, and all of them are in use. */
  | 'tenant.pools_exhausted'
  /** What was opened belongs to another tenant. */
  | 'tenant.pool_foreign'
  /** It could not be opened or checked, or not in time, or everything was closed. */
  | 'tenant.unavailable';

/** Pools, one for each tenant. Made by {@link tenantPools}. */
export interface TenantPools<P> {
  /**
   * Does work with the pool of a tenant, which stays open while it runs. Rejects with an error whose `code` is a
   * {@link TenantPoolProblem} where there is no pool, and with whatever the work throws.
   */
  readonly use: <T>(tenant: string, work: (pool: P) => MaybePromise<T>) => Promise<T>;
  /** Closes the pool of one tenant once its work is done, as for offboarding. */
  readonly close: (tenant: string) => Promise<void>;
  /** Takes no more work, and closes all once their work is done. */
  readonly closeAll: () => Promise<void>;
  /** How many are open, opening or closing now. */
  readonly size: () => number;
}

interface Entry<P> {
  readonly tenant: string;
  readonly opened: Promise<P>;
  isOpen: boolean;
  users: number;
  idleSince: number;
  /** Set once nobody may begin to use it. */
  closing: boolean;
  /** Set once waiting for it to close has timed out. It keeps its place, but nobody waits for it again. */
  stuck: boolean;
  /** Settled once it is closed; never rejects. */
  readonly gone: Promise<void>;
  readonly end: () => void;
}

/**
 * Keeps a database, connection or client for each tenant: opened when it is needed first and once however many ask,
 * checked to belong to the tenant before anybody gets it, closed when nobody has needed it for a while, and never more
 * of them than `maxOpen`. A pool is never closed under those who use it, and one that comes too late is closed.
 *
 * @throws ConfigurationError without `open`, `belongsTo` and `close`, and for options out of range.
 * @example
 * const databases = tenantPools({
 *   open: (tenant) => new Pool({ connectionString: urls.get(tenant), max: 5 }),
 *   belongsTo: async (pool, tenant) => {
 *     const { rows } = await pool.query('SELECT id FROM this_tenant');
 *     return rows.length === 1 && rows[0].id === tenant;
 *   },
 *   close: (pool) => pool.end(),
 * });
 * const orders = await databases.use(tenant, (pool) => pool.query('SELECT * FROM orders'));
 */
export function tenantPools<P>(options: TenantPoolsOptions<P>): TenantPools<P> {
  const where = 'tenantPools';
  assertKnownOptions(where, options, [
    'open',
    'belongsTo',
    'close',
    'maxOpen',
    'idleAfter',
    'timeout',
    'now',
  ]);
  assertMethods(
    where,
    'options',
    options,
    ['open', 'belongsTo', 'close'],
    '{ open, belongsTo, close }',
  );
  const { open, belongsTo, close, maxOpen = 100, now = () => Date.now() } = options;
  assertConfiguration(
    Number.isInteger(maxOpen) && maxOpen >= 1 && maxOpen <= 10_000,
    `${where}: maxOpen must be a whole number of pools from 1 to 10,000.`,
  );
  const idleMs = durationMs(where, 'idleAfter', options.idleAfter ?? '5m', { max: '7d' });
  const timeoutMs = durationMs(where, 'timeout', options.timeout ?? '5s', { max: '5m' });
  const byTenant = new Map<string, Entry<P>>();
  const all = new Set<Entry<P>>();
  let isClosed = false;
  let isSweeping = false;
  let sweptAt = now();

  const make = (tenant: string): Entry<P> => {
    let end = nothing;
    const gone = new Promise<void>((resolve) => {
      end = resolve;
    });
    const opened = openChecked(tenant);
    const entry: Entry<P> = {
      tenant,
      opened,
      isOpen: false,
      users: 0,
      idleSince: now(),
      closing: false,
      stuck: false,
      gone,
      end,
    };
    byTenant.set(tenant, entry);
    all.add(entry);
    // One that did not open is over at once, so that the next call tries again.
    const note = async (): Promise<void> => {
      try {
        await opened;
        entry.isOpen = true;
      } catch {
        forget(entry);
      }
    };
    void note();
    return entry;
  };
  const openChecked = async (tenant: string): Promise<P> => {
    let pool: P;
    try {
      pool = await open(tenant);
    } catch (cause) {
      throw problem('tenant.unavailable', tenant, cause);
    }
    let answer: unknown;
    try {
      answer = await belongsTo(pool, tenant);
    } catch (cause) {
      await discard(pool);
      throw problem('tenant.unavailable', tenant, cause);
    }
    if (answer === true) return pool;
    await discard(pool);
    throw problem('tenant.pool_foreign', tenant);
  };
  const discard = async (pool: P): Promise<void> => {
    try {
      await close(pool);
    } catch {
      // What cannot be closed is not used either: nobody has it.
    }
  };
  const forget = (entry: Entry<P>): void => {
    if (byTenant.get(entry.tenant) === entry) byTenant.delete(entry.tenant);
    all.delete(entry);
    entry.closing = true;
    entry.end();
  };
  /** Nobody begins to use it any more; it is closed once those who do are done. */
  const retire = (entry: Entry<P>): void => {
    if (byTenant.get(entry.tenant) === entry) byTenant.delete(entry.tenant);
    if (entry.closing) return;
    entry.closing = true;
    if (entry.users === 0) finish(entry);
  };
  const finish = (entry: Entry<P>): void => {
    // Also while it still opens: it keeps its place until it is closed.
    entry.opened.then(discard).then(
      () => forget(entry),
      () => forget(entry),
    );
  };
  const sweep = (): void => {
    const time = now();
    sweptAt = time;
    for (const entry of all) {
      // A clock that was set back makes nothing idle for ever.
      const idle = time - entry.idleSince;
      if (entry.users === 0 && (idle >= idleMs || idle < 0)) retire(entry);
    }
  };
  const sweepLater = (): void => {
    if (isSweeping || byTenant.size === 0) return;
    isSweeping = true;
    later(() => {
      isSweeping = false;
      sweep();
      sweepLater();
    }, idleMs);
  };
  /** The one that leaves to make room: one that is closing, or else the one idle longest. */
  const makeRoom = (): Entry<P> | undefined => {
    let oldest: Entry<P> | undefined;
    for (const entry of all) {
      // One that still opens may do so for long: it keeps its place, and nobody waits for that.
      if (entry.users > 0 || !entry.isOpen || entry.stuck) continue;
      if (entry.closing) return entry;
      if (oldest === undefined || entry.idleSince < oldest.idleSince) oldest = entry;
    }
    if (oldest !== undefined) retire(oldest);
    return oldest;
  };
  const acquire = async (tenant: string): Promise<Entry<P>> => {
    const until = now() + timeoutMs;
    for (;;) {
      if (isClosed) throw problem('tenant.unavailable', tenant, new Error(`${where}: closed`));
      const entry = byTenant.get(tenant) ?? (all.size < maxOpen ? make(tenant) : undefined);
      if (entry !== undefined) {
        entry.users++;
        return entry;
      }
      const leaving = now() > until ? undefined : makeRoom();
      if (leaving === undefined) throw problem('tenant.pools_exhausted', tenant);
      try {
        // A part of the time, so that another one can leave where this one hangs.
        await withinTime(leaving.gone, Math.max(1, Math.min(timeoutMs / 4, until - now())));
      } catch (cause) {
        leaving.stuck = true;
        if (now() >= until) throw problem('tenant.unavailable', tenant, cause);
      }
    }
  };
  const inTime = async <T>(task: Promise<T>, tenant: string, until: number): Promise<T> => {
    let isLate = true;
    const watched = task.finally(() => {
      isLate = false;
    });
    try {
      return await withinTime(watched, Math.max(1, until - now()));
    } catch (cause) {
      throw isLate ? problem('tenant.unavailable', tenant, cause) : cause;
    }
  };
  const release = (entry: Entry<P>): void => {
    entry.users--;
    entry.idleSince = now();
    if (entry.users === 0 && entry.closing && all.has(entry)) finish(entry);
    sweepLater();
  };

  return Object.freeze<TenantPools<P>>({
    use: async (tenant, work) => {
      if (!isTenantId(tenant, ANY_TENANT_ID)) throw problem('tenant.malformed', String(tenant));
      if (isOlder(sweptAt, idleMs / 4, now())) sweep();
      const entry = await acquire(tenant);
      try {
        const pool = await inTime(entry.opened, tenant, now() + timeoutMs);
        return await work(pool);
      } finally {
        release(entry);
      }
    },
    close: async (tenant) => {
      const entries = [...all].filter((entry) => entry.tenant === tenant);
      for (const entry of entries) retire(entry);
      await Promise.all(entries.map(({ gone }) => gone));
    },
    closeAll: async () => {
      isClosed = true;
      const entries = [...all];
      for (const entry of entries) retire(entry);
      await Promise.all(entries.map(({ gone }) => gone));
    },
    size: () => all.size,
  });
}

function nothing(): void {}

function problem(code: TenantPoolProblem, tenant: string, cause?: unknown): Error {
  const named = tenant.length > 128 ? `${tenant.slice(0, 128)}…` : tenant;
  const error = new Error(`tenantPools: ${code} (${JSON.stringify(named)})`, { cause });
  return Object.assign(error, { code });
}
