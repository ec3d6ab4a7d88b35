import type { ApiKeyProblem } from '../../api-key.ts';

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
