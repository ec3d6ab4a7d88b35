import type { Denial } from '@apisec/core';
import type { CountedAttempt } from '@apisec/core/host';
import type { Tickets } from '../tickets/tickets.ts';
import type { Timely } from '../timely.ts';
import type { LoginAccount } from './login-account.ts';
import type { LoginActs } from './login-acts.ts';
import type { codeCounting } from './login-challenges.ts';
import type { loginFactors } from './login-factors.ts';
import type { loginFailures } from './login-failures.ts';
import type { loginSettings } from './login-settings.ts';
import type { loginTickets } from './login-tickets.ts';

/** What the steps of a login share. */
export interface LoginParts {
  readonly settings: ReturnType<typeof loginSettings>;
  readonly acts: LoginActs;
  readonly logins: ReturnType<typeof loginTickets>;
  readonly devices: Tickets;
  readonly sends: ReturnType<typeof codeCounting>;
  readonly factors: ReturnType<typeof loginFactors>;
  readonly failures: ReturnType<typeof loginFailures>;
  readonly ask: Timely;
  readonly bySubject: (
    subject: string,
    tenant: string | undefined,
  ) => Promise<LoginAccount | undefined>;
}

/** What was not tried is not a guess. */
export function isNoGuess({ kind }: Denial): boolean {
  return kind === 'unavailable' || kind === 'rate_limited';
}

/** What fails behind a right answer does not count as a failed attempt: an outage locks nobody out. */
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
