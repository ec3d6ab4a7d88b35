import type { ApiKeyChange, ApiKeyInfo, ApiKeyProblem, ApiKeyScope } from '../../api-key.ts';
import type { ApiKeyRecord, ApiKeyStore } from '../../stores/api-key-store.ts';
import { isId } from './api-key-format.ts';
import { CONFLICT, NOT_FOUND } from './api-key-problems.ts';

/** Which records are meant, and where they are kept. */
export interface ApiKeyRecordsOptions {
  readonly store: ApiKeyStore;
  /** `prefix_environment`; a record of another one is not there. */
  readonly namespace: string;
  readonly environment: string;
  readonly now: () => number;
  /** Told of each key that was changed. */
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
  const { store, namespace, environment, now, onChange } = options;

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
          return { ok: true, info: infoOf(changed, environment) };
        }
      }
      return CONFLICT;
    },
  };
}

/** What managers see of a record: nothing that can verify a key. */
export function infoOf(record: ApiKeyRecord, environment: string): ApiKeyInfo {
  const { namespace: _, secret: __, version: ___, previous, ...rest } = record;
  return {
    ...rest,
    environment,
    previous: previous && { until: previous.until, lastUsedAt: previous.lastUsedAt },
  };
}
