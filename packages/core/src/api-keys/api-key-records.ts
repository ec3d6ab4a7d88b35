import type {
  ApiKeyRecord,
  ApiKeyStore,
  NamedQuota,
  QuotaUsage,
  QuotaVerdict,
} from '../contracts/api-key-store.ts';
import { inTime } from '../lib/in-time.ts';
import { chain } from '../lib/maybe-promise.ts';
import type {
  ApiKeyChange,
  ApiKeyInfo,
  ApiKeyProblem,
  ApiKeyScope,
  ApiKeys,
  QuotaBalance,
} from './api-key.ts';
import { isId } from './api-key-format.ts';
import { rotateBy } from './api-key-judgement.ts';
import { areCosts } from './api-key-terms.ts';

/** Which records are meant, and where they are kept. */
export interface ApiKeyRecordsOptions {
  readonly store: ApiKeyStore;
  /** `prefix_environment`; a record of another one is not there. */
  readonly namespace: string;
  readonly environment: string;
  /** How old a secret may be, in milliseconds. */
  readonly rotateAfter: number | undefined;
  readonly now: () => number;
  /** Called with the id of each key that was changed. */
  readonly onChange: (id: string) => void;
}

/** The records of keys, for those who manage them. Rejects with what the store throws. */
export interface ApiKeyRecords {
  readonly find: (id: string, scope: ApiKeyScope) => Promise<ApiKeyRecord | undefined>;
  /** Replaces a record by what `edit` makes of it; again when another change came in between. */
  readonly change: (
    id: string,
    scope: ApiKeyScope,
    edit: (record: ApiKeyRecord) => ApiKeyRecord | ApiKeyProblem,
  ) => Promise<ApiKeyChange>;
}

/** How often a change is tried again when another came in between. */
const ATTEMPTS = 16;

/** Records of one namespace; those of another tenant than the scope names are not found. */
export function apiKeyRecords(options: ApiKeyRecordsOptions): ApiKeyRecords {
  const { store, namespace, now, onChange } = options;

  const find: ApiKeyRecords['find'] = async (id, scope) => {
    const record = isId(id) ? await store.get(id) : undefined;
    if (record?.namespace !== namespace) return undefined;
    return !('tenant' in scope) || scope.tenant === record.tenant ? record : undefined;
  };

  return {
    find,
    change: async (id, scope, edit) => {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const record = await find(id, scope);
        if (record === undefined) return NOT_FOUND;
        const next = edit(record);
        if ('ok' in next) return next;
        const changed = { ...next, updatedAt: now() };
        if (await store.replace(changed)) {
          onChange(id);
          return { ok: true, info: infoOf(changed, options) };
        }
      }
      return CONFLICT;
    },
  };
}

/** What managers see of a record: nothing that can verify a key. */
export function infoOf(
  record: ApiKeyRecord,
  { environment, rotateAfter }: Pick<ApiKeyRecordsOptions, 'environment' | 'rotateAfter'>,
): ApiKeyInfo {
  const { namespace: _, secret: __, version: ___, previous, ...rest } = record;
  return {
    ...rest,
    environment,
    rotateBy: rotateBy(record, rotateAfter),
    previous: previous && { until: previous.until, lastUsedAt: previous.lastUsedAt },
  };
}

const NO_COST: QuotaVerdict = Object.freeze({ ok: true, remaining: Object.freeze({}) });

/** Charges costs to the quotas that a key has; a cost without a quota, or of 0, is none. */
export function quotaConsumer(
  store: ApiKeyStore,
  timeout: number,
  now: () => number,
): ApiKeys['consumeQuota'] {
  return (key, costs) => {
    if (!areCosts(costs)) throw new RangeError('apiKeys: costs must be whole numbers by name.');
    const charges = Object.entries(costs).flatMap(([name, cost]) => {
      const quota = Object.hasOwn(key.quotas, name) ? key.quotas[name] : undefined;
      return quota === undefined || cost === 0 ? [] : [{ ...quota, name, cost }];
    });
    if (charges.length === 0) return NO_COST;
    return inTime(() => store.consume(key.id, charges, now()), timeout);
  };
}

/** Reads what is left of quotas. */
export function quotaReader(
  store: ApiKeyStore,
  timeout: number,
  now: () => number,
): ApiKeys['readQuotas'] {
  return ({ id, quotas = {} }) => {
    const named = Object.entries(quotas).map(([name, quota]) => ({ ...quota, name }));
    if (named.length === 0) return balances([], []);
    return chain(
      () => inTime(() => store.readUsage(id, named, now()), timeout),
      (usage) => balances(named, usage),
    );
  };
}

function balances(
  quotas: readonly NamedQuota[],
  usage: readonly QuotaUsage[],
): Readonly<Record<string, QuotaBalance>> {
  const entries = quotas.map(({ name, limit }, index): [string, QuotaBalance] => {
    const { used = 0, resetsAt = 0 } = usage[index] ?? {};
    return [name, { limit, used, remaining: Math.max(0, limit - used), resetsAt }];
  });
  return Object.freeze(Object.fromEntries(entries));
}

/** There is no such key, or not for who asks. */
export const NOT_FOUND: ApiKeyProblem = Object.freeze({ ok: false, reason: 'not_found' });
/** A revoked key stays as it is. */
export const REVOKED: ApiKeyProblem = Object.freeze({ ok: false, reason: 'revoked' });
/** Another change came first. */
export const CONFLICT: ApiKeyProblem = Object.freeze({ ok: false, reason: 'conflict' });

/** Says in words what is wrong with what was asked for. */
export function invalid(problem: string): ApiKeyProblem {
  return { ok: false, reason: 'invalid', problem };
}
