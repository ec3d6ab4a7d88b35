import type { BuiltinAct, RecordOption } from '@apisec/core';
import { assertRecord, recordAct } from '@apisec/core/host';

/** Whose sessions they were; a logout at the issuer may name no subject. */
interface EndedOwner {
  readonly issuer: string;
  readonly subject: string | undefined;
}

/** Answers how many sessions ended once that is recorded; undefined where nobody knows how many there were. */
export type RecordEnded = <Count extends number | undefined>(
  ended: Count,
  owner: EndedOwner,
  how: 'logout' | 'one' | 'all' | 'issuer' | 'excess' | 'late',
  record?: RecordOption['record'],
) => Promise<Count>;

/** Records that a session began, or goes on under a new id after a step-up. Rejects where that cannot be done. */
export type RecordBegun = (
  owner: { readonly issuer: string; readonly subject: string; readonly clientId: string },
  replaces: string | undefined,
  record?: RecordOption['record'],
) => Promise<void>;

/** @throws ConfigurationError where `record` cannot be called. */
export function recordBegunSessions(where: string, byDefault: RecordOption['record']): RecordBegun {
  assertRecord(where, byDefault);
  return ({ issuer, subject, clientId }, replaces, record = byDefault) => {
    const act: BuiltinAct = replaces === undefined ? 'session.created' : 'session.renewed';
    const target = { type: 'user', id: subject };
    return recordAct(record, { act, target, data: { issuer, clientId } });
  };
}

/**
 * Records sessions that ended as `session.ended`; nothing where none did.
 *
 * @throws ConfigurationError where `record` cannot be called.
 */
export function recordEndedSessions(where: string, byDefault: RecordOption['record']): RecordEnded {
  assertRecord(where, byDefault);
  return async (ended, { issuer, subject }, how, record = byDefault) => {
    if (ended !== 0) {
      const target = subject === undefined ? undefined : { type: 'user', id: subject };
      await recordAct(record, { act: 'session.ended', target, data: { issuer, ended, how } });
    }
    return ended;
  };
}
