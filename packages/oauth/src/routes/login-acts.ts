import type { AuditAct, DenialKind } from '@apisec/core';
import { assertRecord, recordAct, recordedDenial } from '@apisec/core/host';
import type { OAuthDenied } from '../client/failures.ts';

/** Records a login that failed, and answers its denial: where it was not recorded, operators read so in its cause. */
export type RecordFailedLogin = (
  failed: OAuthDenied,
  request: Request,
  subject?: string,
) => Promise<OAuthDenied>;

/** Those for which nobody but a server is to blame: no login was tried then. */
const FAULTS: ReadonlySet<DenialKind> = new Set(['unavailable', 'upstream', 'internal']);

/**
 * Records failed logins as `login.failed`: at which issuer, and why. What the browser came back with is not recorded.
 *
 * @throws ConfigurationError where `record` cannot be called.
 */
export function recordFailedLogins(
  where: string,
  record: ((act: AuditAct, request: Request) => unknown) | undefined,
  { issuer, clientId }: { readonly issuer: string; readonly clientId: string },
): RecordFailedLogin {
  assertRecord(where, record);
  return async (failed, request, subject) => {
    const { kind, code } = failed.denial;
    if (record === undefined || FAULTS.has(kind)) return failed;
    const target = subject === undefined ? undefined : { type: 'user', id: subject };
    const data = { issuer, clientId, code };
    const act: AuditAct = { act: 'login.failed', outcome: 'denied', target, data };
    const recorded = () => recordAct((each) => record(each, request), act);
    return { ok: false, denial: await recordedDenial(failed.denial, recorded) };
  };
}
