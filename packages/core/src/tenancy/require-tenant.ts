import {
  frozenTenant,
  isTenantRecord,
  type TenantRecord,
  type TenantStore,
} from '../contracts/tenant-store.ts';
import { deny, type Outcome, pass, sharedDenial } from '../engine/outcome.ts';
import { definePolicy, type Policy } from '../engine/policy.ts';
import { boundedCache } from '../lib/bounded-cache.ts';
import { isOlder, withinTime } from '../lib/clock.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { type Flight, isStalled, joinFlight } from '../lib/flight.ts';
import { isThenable, type MaybePromise } from '../lib/maybe-promise.ts';
import { assertKnownOptions, assertMethods } from '../lib/options.ts';
import { ANY_TENANT_ID, isTenantId, LONGEST_TENANT_ID, type TenantFacts } from './tenant-id.ts';

/** Options of {@link requireTenant}. */
export interface RequireTenantOptions {
  readonly store: Pick<TenantStore, 'read'>;
  /**
   * How long an answer of the store is used, counted from the question: a tenant that is suspended can go on calling
   * for that long. From `1ms` to `5m`. Default: `'5s'`. That a tenant does not exist is remembered for a tenth of it.
   */
  readonly cacheFor?: Duration | undefined;
  /** The most tenants whose answers are kept; the most recently used stay. Default: 10,000. */
  readonly maxCached?: number | undefined;
  /** How long the store may take. Default: `'1s'`. */
  readonly timeout?: Duration | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** What {@link requireTenant} adds. */
export interface TenantRecordFacts {
  /** The tenant as the store knows it; its status is `active`. */
  readonly tenantRecord: TenantRecord;
}

type Answer = Outcome<TenantRecordFacts>;

interface Kept {
  readonly answer: Answer;
  readonly asked: number;
  readonly forMs: number;
}

/** Questions to the store that may be open at once; each is about another tenant. */
const MOST_FLIGHTS = 1_000;

/**
 * Denies calls of tenants that do not exist, are suspended or closed, and adds what the store knows of the tenant as
 * `tenantRecord`. Answers are kept for `cacheFor`; however many calls of a tenant come at once, the store is asked
 * once. Nothing is kept longer because the store is down.
 *
 * Denies with `tenant.unknown` (403), `tenant.suspended` (403), `tenant.closed` (410), `tenant.malformed` (400) for a
 * fact that is not an id, and `tenant.unavailable` (503) where the store fails, takes too long, or answers another
 * tenant or something that is not one.
 *
 * @throws ConfigurationError without a store, and for options out of range.
 * @example
 * const tenants = requireTenant({ store: postgresTenantStore(pool), cacheFor: '5s' });
 * guard().use(authenticateJwt(trusted)).use(resolveTenant({ from: [tenantFrom.principal()] })).use(tenants);
 */
export function requireTenant(
  options: RequireTenantOptions,
): Policy<TenantFacts, TenantRecordFacts, 'check'> {
  const where = 'requireTenant';
  assertKnownOptions(where, options, ['store', 'cacheFor', 'maxCached', 'timeout', 'now']);
  const { store, maxCached = 10_000, now = () => Date.now() } = options;
  assertMethods(where, 'store', store ?? {}, ['read'], 'memoryTenantStore()');
  assertConfiguration(
    Number.isInteger(maxCached) && maxCached >= 2 && maxCached <= 10_000_000,
    `${where}: maxCached must be a whole number of tenants from 2 to 10,000,000.`,
  );
  assertConfiguration(
    typeof now === 'function',
    `${where}: now must be a function that answers epoch milliseconds.`,
  );
  const cacheMs = durationMs(where, 'cacheFor', options.cacheFor ?? '5s', { max: '5m' });
  const timeoutMs = durationMs(where, 'timeout', options.timeout ?? '1s', { max: '1m' });
  // Both kinds have room of their own: made-up tenants push out none that exist.
  const known = boundedCache<Kept>({ maxEntries: maxCached, maxBytes: Number.MAX_SAFE_INTEGER });
  const unknown = boundedCache<Kept>({ maxEntries: 1_000, maxBytes: Number.MAX_SAFE_INTEGER });
  const flights = new Map<string, Flight<Answer>>();

  const keep = (id: string, answer: Answer, asked: number): Answer => {
    if (answer === UNKNOWN) {
      known.delete(id);
      unknown.set(id, { answer, asked, forMs: cacheMs / 10 }, 1);
    } else {
      unknown.delete(id);
      known.set(id, { answer, asked, forMs: cacheMs }, 1);
    }
    return answer;
  };

  const ask = (id: string, asked: number): MaybePromise<Answer> => {
    let read: MaybePromise<TenantRecord | undefined>;
    try {
      read = store.read(id);
      if (!isThenable(read)) return keep(id, answerTo(id, read), asked);
    } catch (cause) {
      return unavailable(cause);
    }
    const answer: Promise<Answer> = withinTime(Promise.resolve(read), timeoutMs).then(
      (tenant) => {
        // What comes after another question was begun is older than its answer.
        const isLatest = flights.get(id)?.landing === answer;
        if (isLatest) flights.delete(id);
        try {
          return isLatest ? keep(id, answerTo(id, tenant), asked) : answerTo(id, tenant);
        } catch (cause) {
          return unavailable(cause);
        }
      },
      (cause) => {
        if (flights.get(id)?.landing === answer) flights.delete(id);
        return unavailable(cause);
      },
    );
    // Behind all older ones, also where it replaces a dead one.
    flights.delete(id);
    flights.set(id, { landing: answer, startedAt: asked });
    return answer;
  };

  return definePolicy<TenantFacts, TenantRecordFacts, 'check'>({
    name: where,
    role: 'check',
    needs: ['tenant'],
    adds: ['tenantRecord'],
    check: (_request, { tenant }): MaybePromise<Answer> => {
      const time = now();
      if (typeof tenant === 'string') {
        const kept = known.get(tenant) ?? unknown.get(tenant);
        if (kept !== undefined && !isOlder(kept.asked, kept.forMs, time)) return kept.answer;
      }
      // The form is that of resolveTenant, or one of the user's own; the rest is not an id in any.
      if (!isTenantId(tenant, ANY_TENANT_ID)) return MALFORMED;
      const flight = flights.get(tenant);
      const joined = joinFlight(flight, timeoutMs, time);
      if (joined !== undefined) return joined.catch(unavailable);
      if (flights.size >= MOST_FLIGHTS && flight === undefined) {
        dropDead(flights, time, timeoutMs);
        if (flights.size >= MOST_FLIGHTS) return BUSY;
      }
      return ask(tenant, time);
    },
  });
}

function dropDead(flights: Map<string, Flight<Answer>>, time: number, timeoutMs: number): void {
  for (const [id, flight] of flights) {
    if (!isStalled(flight, timeoutMs, time)) return;
    flights.delete(id);
  }
}

function answerTo(id: string, tenant: unknown): Answer {
  if (tenant === undefined || tenant === null) return UNKNOWN;
  if (!isTenantRecord(tenant))
    throw new TypeError('the store answered something that is not a tenant');
  // A database that ignores case finds another one; a store may simply be wrong.
  if (tenant.id !== id) throw new TypeError('the store answered another tenant');
  if (tenant.status === 'suspended') return SUSPENDED;
  if (tenant.status === 'closed') return CLOSED;
  return Object.freeze(pass({ tenantRecord: frozenTenant(tenant) }));
}

function unavailable(cause: unknown): Answer {
  return deny('unavailable', 'tenant.unavailable', { retryAfterMs: 1_000, cause });
}

const UNKNOWN = sharedDenial({
  kind: 'forbidden',
  code: 'tenant.unknown',
  detail: 'There is no such tenant.',
  cause: 'the store has no tenant of that id',
});
const SUSPENDED = sharedDenial({
  kind: 'forbidden',
  code: 'tenant.suspended',
  detail: 'The tenant is suspended.',
});
const CLOSED = sharedDenial({
  kind: 'gone',
  code: 'tenant.closed',
  detail: 'The tenant was closed.',
});
const MALFORMED = sharedDenial({
  kind: 'malformed',
  code: 'tenant.malformed',
  detail: `The tenant must be a text of at most ${LONGEST_TENANT_ID} characters.`,
});
const BUSY = sharedDenial({
  kind: 'unavailable',
  code: 'tenant.unavailable',
  retryAfterMs: 1_000,
  cause: Object.freeze(new Error('more tenants are asked about at once than may be')),
});
