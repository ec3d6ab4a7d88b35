import type { SessionRecord, SessionStore } from '@apisec/core';
import type { EndedByLogout, SessionOwner } from './session.ts';

/** Longer than a login takes from the exchange of its code to its session. */
const REMEMBERED_MS = 600_000;

/** What has ended lately, so that a session that is about to begin does not outlive a logout that came before it. */
export interface SessionEnds {
  /** All sessions of a user end, also those that are about to begin. */
  readonly markAll: (owner: SessionOwner) => Promise<void>;
  /** What a logout at the issuer is about ends, also where it is about to begin. */
  readonly markLogout: (logout: EndedByLogout) => Promise<void>;
  /** Whether a session has ended at or after `since`, before it began. To be asked once it is in the store. */
  readonly covers: (session: EndedSession, since: number) => Promise<boolean>;
}

type EndedSession = Pick<SessionRecord, 'issuer' | 'subject' | 'sid'>;

/**
 * Whoever ends sessions marks them first and deletes them then; whoever begins one writes it first and looks for marks
 * then. So one of the two sees the other in every store, whatever the order, and no transaction is needed.
 */
export function sessionEnds(store: SessionStore, now: () => number): SessionEnds {
  const mark = async (key: string, at: number): Promise<void> => {
    await store.markEnded(key, at, REMEMBERED_MS);
  };
  return {
    markAll: ({ issuer, subject }) => mark(keyOf('subject', issuer, subject), now()),
    markLogout: async ({ issuer, subject, sid, before }) => {
      // A login that begins after the logout has come is a later one, whatever clocks may differ by.
      const at = Math.min(before, now());
      const marks: Promise<void>[] = [];
      if (sid !== undefined) marks.push(mark(keyOf('sid', issuer, sid), at));
      // Where ID tokens name no session, each of them may be the one that a logout names.
      const kind = sid === undefined ? 'subject' : 'unnamed';
      if (subject !== undefined) marks.push(mark(keyOf(kind, issuer, subject), at));
      await Promise.all(marks);
    },
    covers: async ({ issuer, subject, sid }, since) => {
      const session =
        sid === undefined ? keyOf('unnamed', issuer, subject) : keyOf('sid', issuer, sid);
      const at = await store.endedAt([keyOf('subject', issuer, subject), session]);
      return at !== undefined && at >= since;
    },
  };
}

function keyOf(kind: 'subject' | 'sid' | 'unnamed', issuer: string, name: string): string {
  return JSON.stringify([kind, issuer, name]);
}
