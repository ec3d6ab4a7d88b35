import type { Denial } from '@apisec/core';
import type { CountedAttempt } from '@apisec/core/host';
import type { Tickets } from '../tickets/tickets.ts';
import type { Timely } from '../timely.ts';
import type { LoginAccount } from './login-account.ts';
import type { LoginActs } from './login-acts.ts';
import type { CodeCounting } from './login-challenges.ts';
import type { LoginFactors } from './login-factors.ts';
import type { LoginFailures } from './login-failures.ts';
import type { LoginSettings } from './login-settings.ts';
import type { LoginTickets } from './login-tickets.ts';

/** What the steps of a login share. */
export interface LoginParts {
  readonly settings: LoginSettings;
  readonly acts: LoginActs;
  readonly logins: LoginTickets;
  readonly devices: Tickets;
  readonly sends: CodeCounting;
  readonly factors: LoginFactors;
  readonly failures: LoginFailures;
  readonly ask: Timely;
  readonly bySubject: (
    subject: string,
    tenant: string | undefined,
  ) => Promise<LoginAccount | undefined>;
}

/** An answer that was not checked is not a guess. */
export function isNoGuess({ kind }: Denial): boolean {
  return kind === 'unavailable' || kind === 'rate_limited';
}

/** A fault after a right answer is not a failed attempt: an outage locks nobody out. */
export async function uncountedWhereItFails<T>(
  attempt: CountedAttempt,
  task: () => Promise<T>,
): Promise<T> {
  try {
    return await task();
  } catch (cause) {
    await attempt.end('neither');
    throw cause;
  }
}
