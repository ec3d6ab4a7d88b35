import type { ApiKeyRecord, ApiKeyStatus, ApiKeyStore } from '../contracts/api-key-store.ts';
import {
  type AuditAct,
  type BuiltinAct,
  type RecordOption,
  recordAct,
} from '../contracts/record-act.ts';
import type { PepperedHash } from '../crypto/peppered-hash.ts';
import { assertKnownOptions } from '../lib/options.ts';
import type {
  ApiKeyChange,
  ApiKeyEndOptions,
  ApiKeyIssue,
  ApiKeyProblem,
  ApiKeys,
  ImportedApiKey,
  NewApiKey,
} from './api-key.ts';
import { importedId, isId, makeKey, randomId } from './api-key-format.ts';
import { IMPORTED } from './api-key-judgement.ts';
import {
  apiKeyRecords,
  CONFLICT,
  infoOf,
  invalid,
  NOT_FOUND,
  quotaConsumer,
  quotaReader,
  REVOKED,
} from './api-key-records.ts';
import {
  checkTerms,
  holderProblem,
  isCount,
  isIdentifier,
  isNames,
  isText,
  TERMS,
  unknownTerm,
} from './api-key-terms.ts';

/** What the administration of keys needs; with the defaults of the factory filled in. */
export interface ApiKeyAdministrationOptions extends RecordOption {
  readonly prefix: string;
  readonly environment: string;
  readonly store: ApiKeyStore;
  readonly hash: PepperedHash;
  readonly currentPepper: string;
  readonly publishable: boolean;
  /** How old a secret may be, in milliseconds. */
  readonly rotateAfter: number | undefined;
  /** Whether keys of another product may be imported. */
  readonly takesImports: boolean;
  readonly storeTimeout: number;
  readonly now: () => number;
  /** Called with the id of each key that was changed. */
  readonly onChange: (id: string) => void;
}

/** Everything of {@link ApiKeys} but telling good keys from others. */
export type ApiKeyAdministration = Omit<
  ApiKeys,
  'prefix' | 'environment' | 'publishable' | 'pattern' | 'verify'
>;

const NAME = 'apiKeys';
/** Of a change: without this check a misspelled `tenant` would reach the keys of all. */
const ACT_OPTIONS = ['tenant', 'record'] as const;
const MAX_REASON = 512;
const MAX_HASH = 1_024;
const MAX_PAGE = 1_000;
/** A year: with an overlap that never ends nothing is rotated. */
const MAX_OVERLAP = 31_536_000_000;

/** Issues keys, imports, changes, rotates, ends and lists them, and records each act. */
export function apiKeyAdministration(options: ApiKeyAdministrationOptions): ApiKeyAdministration {
  const { prefix, environment, store, hash, currentPepper, publishable, now } = options;
  const namespace = `${prefix}_${environment}`;
  const { find, change } = apiKeyRecords({ ...options, namespace });

  /** A key with a new secret, and what is stored of it. */
  const makeSecret = async (id: string) => {
    const key = makeKey({ prefix, environment, id });
    // The current pepper is one of those that every text is hashed with.
    const keyed = (await hash(key)).get(currentPepper) as string;
    return { key, secret: { hash: keyed, pepper: currentPepper } };
  };

  /** All of a new row but its id and secret, or what is wrong with it. */
  const newRecord = ({
    owner,
    tenant,
    ...terms
  }: NewApiKey): Omit<ApiKeyRecord, 'id' | 'secret'> | ApiKeyProblem => {
    const unknown = unknownTerm(terms, TERMS);
    if (unknown !== undefined) return invalid(unknown);
    const checked = checkTerms(terms, publishable);
    if (!checked.ok) return invalid(checked.problem);
    const problem = holderProblem(owner, tenant);
    if (problem !== undefined) return invalid(problem);
    const at = now();
    return {
      ...checked.terms,
      namespace,
      tenant,
      owner: { type: owner.type, id: owner.id },
      generation: 0,
      status: 'enabled',
      createdAt: at,
      updatedAt: at,
      version: 0,
    };
  };

  /** Answers once the change that was made is recorded; each call may name who records it. */
  const recorded = async <Answer extends ApiKeyChange | ApiKeyIssue>(
    act: BuiltinAct,
    answer: Answer,
    { record = options.record }: RecordOption = {},
    { data, reason }: Pick<AuditAct, 'data' | 'reason'> = {},
  ): Promise<Answer> => {
    if (!answer.ok) return answer;
    const { id, owner, tenant } = answer.info;
    await recordAct(record, {
      act,
      target: { type: 'api_key', id },
      reason,
      data: { ownerType: owner.type, owner: owner.id, tenant, ...data },
    });
    return answer;
  };

  const setStatus = async (
    id: string,
    status: ApiKeyStatus,
    { reason, ...scope }: ApiKeyEndOptions = {},
  ): Promise<ApiKeyChange> => {
    assertKnownOptions(`${NAME}: ${status}`, scope, ACT_OPTIONS);
    if (reason !== undefined && !isText(reason, MAX_REASON)) {
      return invalid(`reason must be 1 to ${MAX_REASON} characters`);
    }
    const changed = await change(id, scope, (record) =>
      record.status === 'revoked' ? REVOKED : { ...record, status, reason },
    );
    return recorded(`api_key.${status}`, changed, scope, { reason });
  };

  return {
    issue: async (wanted: NewApiKey, act: RecordOption = {}) => {
      assertKnownOptions(`${NAME}.issue`, act, ['record']);
      const id = randomId();
      const made = newRecord(wanted);
      if ('ok' in made) return made;
      const { key, secret } = await makeSecret(id);
      const record: ApiKeyRecord = { ...made, id, secret };
      const added = await store.insert(record);
      if (!added) return CONFLICT;
      return recorded('api_key.issued', { ok: true, key, info: infoOf(record, options) }, act);
    },
    import: async (
      { lookup, hash: stored, secretMadeAt, ...wanted }: ImportedApiKey,
      act: RecordOption = {},
    ) => {
      assertKnownOptions(`${NAME}.import`, act, ['record']);
      if (!options.takesImports) return invalid('apiKeys needs imported: { lookup, verify }');
      if (!isIdentifier(lookup)) return invalid('lookup must be 1 to 256 characters');
      if (!isText(stored, MAX_HASH)) return invalid(`hash must be 1 to ${MAX_HASH} characters`);
      if (secretMadeAt !== undefined && !isCount(secretMadeAt, Number.MAX_SAFE_INTEGER)) {
        return invalid('secretMadeAt must be epoch milliseconds');
      }
      const made = newRecord(wanted);
      if ('ok' in made) return made;
      const id = await importedId(namespace, lookup);
      const secret = { hash: stored, pepper: IMPORTED };
      const record: ApiKeyRecord = { ...made, id, secret, secretMadeAt };
      if (!(await store.insert(record))) return CONFLICT;
      options.onChange(id);
      return recorded('api_key.imported', { ok: true, info: infoOf(record, options) }, act);
    },
    rotate: async (id, { overlapMs, generation: wanted, ...scope }) => {
      assertKnownOptions(`${NAME}.rotate`, scope, ACT_OPTIONS);
      if (!isCount(overlapMs, MAX_OVERLAP)) {
        return invalid('overlapMs must be whole milliseconds, at most a year');
      }
      if (!isId(id)) return NOT_FOUND;
      const { key, secret } = await makeSecret(id);
      let generation = wanted;
      const changed = await change(id, scope, (record) => {
        const at = now();
        if (record.status === 'revoked') return REVOKED;
        generation ??= record.generation;
        const overlapping = record.previous !== undefined && at < record.previous.until;
        if (record.generation !== generation || (overlapping && overlapMs > 0)) return CONFLICT;
        const previous = { ...record.secret, until: at + overlapMs };
        return { ...record, secret, previous, secretMadeAt: at, generation: generation + 1 };
      });
      const data = { overlapMs };
      return recorded('api_key.rotated', changed.ok ? { ...changed, key } : changed, scope, {
        data,
      });
    },
    endOverlap: async (id, scope = {}) => {
      assertKnownOptions(`${NAME}.endOverlap`, scope, ACT_OPTIONS);
      const changed = await change(id, scope, (record) => {
        if (record.previous === undefined) return record;
        const until = Math.min(record.previous.until, now());
        return { ...record, previous: { ...record.previous, until } };
      });
      return recorded('api_key.changed', changed, scope, { data: { changed: 'overlap' } });
    },
    update: async (id, terms, scope = {}) => {
      assertKnownOptions(`${NAME}.update`, scope, ACT_OPTIONS);
      const unknown = unknownTerm(terms, TERMS);
      if (unknown !== undefined) return invalid(unknown);
      const changed = await change(id, scope, (record) => {
        if (record.status === 'revoked') return REVOKED;
        const checked = checkTerms({ ...record, ...terms }, publishable);
        return checked.ok ? { ...record, ...checked.terms } : invalid(checked.problem);
      });
      const data = { changed: Object.keys(terms).toSorted().join(' ') };
      return recorded('api_key.changed', changed, scope, { data });
    },
    enable: (id, scope) => setStatus(id, 'enabled', scope),
    disable: (id, options) => setStatus(id, 'disabled', options),
    revoke: (id, options) => setStatus(id, 'revoked', options),
    get: async (id, scope = {}) => {
      assertKnownOptions(`${NAME}.get`, scope, ['tenant']);
      const record = await find(id, scope);
      return record && infoOf(record, options);
    },
    list: async ({ tenant, owner, after, limit = 100, ...others }) => {
      assertKnownOptions(`${NAME}.list`, others, []);
      const isNowhere = [tenant, owner?.id].some(
        (each) => each !== undefined && !isIdentifier(each),
      );
      if (isNowhere || (after !== undefined && !isId(after))) return { keys: [], next: undefined };
      const size = isCount(limit, MAX_PAGE) && limit > 0 ? limit : MAX_PAGE;
      const page = await store.list({ namespace, tenant, owner, after, limit: size });
      const keys = page.map((record) => infoOf(record, options));
      return { keys, next: keys.length < size ? undefined : keys.at(-1)?.id };
    },
    consumeQuota: quotaConsumer(store, options.storeTimeout, now),
    readQuotas: quotaReader(store, options.storeTimeout, now),
    resetQuotas: async (id, { quotas, record = options.record, ...scope } = {}) => {
      assertKnownOptions(`${NAME}.resetQuotas`, scope, ['tenant']);
      if (quotas !== undefined && !isNames(quotas))
        return invalid('quotas must be a list of names');
      if ((await find(id, scope)) === undefined) return NOT_FOUND;
      if (!(await store.resetUsage(id, quotas))) return NOT_FOUND;
      await recordAct(record, {
        act: 'quota.reset',
        target: { type: 'api_key', id },
        data: { quotas: quotas?.join(' ') ?? 'all' },
      });
      return { ok: true };
    },
  };
}
