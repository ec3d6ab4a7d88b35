import type { RecordOption } from '@apisec/core';
import { assertRecord, recordAct } from '@apisec/core/host';

/** Whose sessions ended; a logout at the issuer may name no subject. */
interface EndedOwner {
  readonly issuer: string;
  readonly subject: string | undefined;
}

/** Answers how many sessions ended once that is recorded; undefined where nobody knows how many there were. */
export type RecordEnded = <Count extends number | undefined>(
  ended: Count,
  owner: EndedOwner,
  how: 'logout' | 'one' | 'all' | 'issuer' | 'excess',
  record?: RecordOption['record'],
) => Promise<Count>;

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
