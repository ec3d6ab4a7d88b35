import type { ApiKeyRecord, StoredSecret } from '../contracts/api-key-store.ts';
import { freezeDeep, frozenSet } from '../lib/freeze-deep.ts';
import { equalInConstantTime } from '../lib/hash.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { ApiKeyDenialCode, ApiKeyVerification, VerifiedApiKey } from './api-key.ts';

/** Codes that only a holder of the secret may learn. */
export type MatchedCode =
  | 'api_key.revoked'
  | 'api_key.disabled'
  | 'api_key.expired'
  | 'api_key.rotated';

/** Which secret of a record it is, and why the key may still be denied. */
export interface MatchedSecret {
  readonly secret: VerifiedApiKey['secret'];
  readonly problem: MatchedCode | undefined;
}

/** The version of no pepper: the hash was imported. */
export const IMPORTED = '';

/** Stand in for hashes that are not there, so that the comparison is made all the same. */
const NO_HASH = '-'.repeat(64);
const NO_STORED_HASH = '+'.repeat(64);

/** Finds the secret of a record among the hashes of a key, one for each pepper; undefined for none of them. */
export function matchSecret(
  record: ApiKeyRecord | undefined,
  hashes: ReadonlyMap<string, string>,
  currentPepper: string,
  at: number,
): MatchedSecret | undefined {
  const isSecret = (stored: StoredSecret | undefined): boolean => {
    const made = hashes.get(stored?.pepper ?? currentPepper);
    const same = equalInConstantTime(made ?? NO_HASH, stored?.hash ?? NO_STORED_HASH);
    return same && made !== undefined && stored !== undefined;
  };
  // Both are compared, whichever it is.
  const isCurrent = isSecret(record?.secret);
  const isPrevious = isSecret(record?.previous);
  if (record === undefined || !(isCurrent || isPrevious)) return undefined;
  const secret = isCurrent ? 'current' : 'previous';
  return { secret, problem: problemOf(record, isCurrent, at) };
}

/** When the secret of a key is overdue for rotation. */
export function rotateBy(
  { secretMadeAt, createdAt }: Pick<ApiKeyRecord, 'secretMadeAt' | 'createdAt'>,
  rotateAfter: number | undefined,
): number | undefined {
  return rotateAfter === undefined ? undefined : (secretMadeAt ?? createdAt) + rotateAfter;
}

/**
 * The same for hashes of another product, which its own function compares; only where one is there, so that it can be
 * told from the time that a key was imported.
 */
export async function matchImported(
  record: ApiKeyRecord | undefined,
  isOf: (hash: string) => MaybePromise<boolean>,
  at: number,
): Promise<MatchedSecret | undefined> {
  if (record === undefined) return undefined;
  for (const secret of ['current', 'previous'] as const) {
    const stored = secret === 'current' ? record.secret : record.previous;
    if (stored?.pepper !== IMPORTED || (await isOf(stored.hash)) !== true) continue;
    return { secret, problem: problemOf(record, secret === 'current', at) };
  }
  return undefined;
}

function problemOf(
  { status, expiresAt, previous }: ApiKeyRecord,
  isCurrent: boolean,
  at: number,
): MatchedCode | undefined {
  if (status === 'revoked') return 'api_key.revoked';
  if (expiresAt !== undefined && !(at < expiresAt)) return 'api_key.expired';
  if (!isCurrent && !(previous !== undefined && at < previous.until)) return 'api_key.rotated';
  return status === 'enabled' ? undefined : 'api_key.disabled';
}

/** Denies a key; `id` only where its secret was the right one. */
export function denial(
  code: Exclude<ApiKeyDenialCode, 'api_key.store_unavailable'>,
  id?: string,
): ApiKeyVerification {
  return Object.freeze({ ok: false, code, id });
}

/** A good key as policies and handlers see it. */
export function verified(
  record: ApiKeyRecord,
  environment: string,
  secret: VerifiedApiKey['secret'],
  rotateAfter: number | undefined,
): ApiKeyVerification {
  const { scopes = [], roles = [], limits = {}, quotas = {}, metadata = {} } = record;
  const { id, name, owner, tenant, allowedPeers, publishable, createdAt, expiresAt } = record;
  const key: VerifiedApiKey = Object.freeze({
    id,
    environment,
    secret,
    name,
    tenant,
    createdAt,
    expiresAt,
    rotateBy: rotateBy(record, rotateAfter),
    // The record may be the store's own.
    ...freezeDeep(structuredClone({ owner, limits, quotas, metadata, allowedPeers, publishable })),
    scopes: frozenSet(scopes),
    roles: frozenSet(roles),
  });
  return Object.freeze({ ok: true, key });
}
