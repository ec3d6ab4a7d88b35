import { tickets } from '../tickets/tickets.ts';
import { timely } from '../timely.ts';
import { type LoginAttemptBy, loginActs } from './login-acts.ts';
import { codeCounting, loginChallenges } from './login-challenges.ts';
import { loginCompletion } from './login-completion.ts';
import { loginDenial } from './login-denial.ts';
import { loginFactors } from './login-factors.ts';
import { loginFailures } from './login-failures.ts';
import { isNoGuess, type LoginParts, uncountedWhereItFails } from './login-parts.ts';
import { loginSettings } from './login-settings.ts';
import { afterRight } from './login-state.ts';
import { denied, isClient, loginTickets, unavailable } from './login-tickets.ts';
import type { Login, LoginAnswer, LoginOptions, NextStep } from './login-types.ts';
import { passwordLogin } from './password-login.ts';
import { stepUpLogin } from './step-up-login.ts';

export type { LoginAccount, LoginAccounts } from './login-account.ts';
export type { LoginFactor } from './login-state.ts';
export type {
  CodeMessage,
  Login,
  LoginAnswer,
  LoginCaller,
  LoginDenied,
  LoginDone,
  LoginOptions,
  LoginPasskeys,
  LoginPending,
  NextStep,
  PasswordStep,
  SendCode,
  StepUp,
} from './login-types.ts';
export type { SignedIn } from './signed-in.ts';

/** Wrong answers after which a login must begin again. */
const MOST_FAILURES = 5;

/**
 * Signs people in, step by step: a password or a passkey first, then a second factor where the account has one. Between
 * the steps there is a ticket. It is good once, for a few minutes, and only from the client that began; it names whose
 * login it is, what was right, and what is still needed. Nobody is signed in before an answer says `status: 'done'`.
 *
 * Every answer is counted against what was typed, its account and its peer before it is judged, and all factors count
 * as one: a holder of the password cannot guess codes any faster. A right password counts for nothing until the
 * login is done. An account that is slowed down under one name answers under another one as if the password were wrong.
 * A remembered device counts for itself, so that a stranger who locks an account does not lock it there.
 *
 * An account that does not exist, is disabled or has no password costs the work of a wrong password and is answered
 * like one. Codes that were sent are stored as hashes that only the holder of the ticket could try.
 *
 * `record` is called with each login that is done (`login.succeeded`), and with each that is denied (`login.failed`,
 * `login.throttled`, `login.locked`): whose account, by which factor, but not what was typed. A login that cannot be
 * recorded is not done (`sign_in.unavailable`).
 *
 * Answers denials, never throws for them: `sign_in.*`, those of `passwords`, `totp` and `passkeys`, and
 * `failures.throttled` (429), `failures.unavailable` (503). `sign_in.unavailable` (503) when a store, `accounts`, a
 * sender or `finish` fails.
 *
 * @throws ConfigurationError without accounts, tickets, `finish` and a first factor, or for bounds that cannot hold.
 * @example
 * const signIn = login({
 *   accounts,
 *   tickets: memoryTicketStore(),
 *   passwords: passwords({ hasher: nodePasswordHasher() }),
 *   totp: factors,
 *   finish: ({ subject, claims }) => issued.issue({ subject, clientId: 'shop', claims }),
 * });
 * const first = await signIn.password({ client, peer, identifier, password });
 * if (first.status === 'requires_mfa') {
 *   const answer = await signIn.next({ client, peer, ticket: first.ticket, method: 'totp', code });
 * }
 */
export function login<Result>(options: LoginOptions<Result>): Login<Result> {
  const settings = loginSettings(options);
  const { now, timeout } = settings;
  const { accounts } = options;
  const acts = loginActs('login', options.record);
  const failures = loginFailures(options.throttle, options.now);
  const factors = loginFactors(options);
  const ask = timely(timeout);
  const bySubject = (subject: string, tenant: string | undefined) =>
    ask(() => accounts.bySubject(subject, tenant));
  const logins = loginTickets(options.tickets, bySubject, settings);
  const devices = tickets(options.tickets, 'login.device', settings);
  const sends = codeCounting(options.throttle, options.now);
  const parts: LoginParts = {
    settings,
    acts,
    logins,
    devices,
    sends,
    factors,
    failures,
    ask,
    bySubject,
  };
  const complete = loginCompletion(options, parts);
  const password = passwordLogin(options, parts, complete);
  const stepUp = stepUpLogin(options, parts);
  const challenges = loginChallenges(options, settings, logins, sends, ask);

  const next = async (step: NextStep, by: LoginAttemptBy): Promise<LoginAnswer<Result>> => {
    const { ticket, method } = step;
    if (!isClient(step)) return denied(loginDenial('sign_in.malformed'));
    const opened = await logins.open(step, ticket, ({ needs }) => needs.includes(method));
    if ('status' in opened) return opened;
    const { state, record } = opened;
    by.subject = state.subject;
    const { peer, tenant } = step;
    const attempt = await failures.begin({ ...state, peer, tenant });
    if (!attempt.ok) return denied(attempt.denial, ticket);
    if (attempt.accountDenial !== undefined) {
      await attempt.end('neither');
      return denied(attempt.accountDenial, ticket);
    }
    // Of several at the same moment one is judged, so a ticket is one guess.
    if ((await logins.take(ticket)) === undefined) {
      await attempt.end('neither');
      return denied(loginDenial('sign_in.ticket_unknown'));
    }
    const judged = await factors
      .judge(step, state, opened.account, now())
      .catch((cause: unknown) => ({
        right: false as const,
        denial: loginDenial('sign_in.unavailable', { cause }),
      }));
    if (judged.right) {
      const { subject, verified } = judged;
      const after = afterRight({ ...state, subject }, method, verified);
      return uncountedWhereItFails(attempt, () => complete(after, attempt, step));
    }
    const { denial } = judged;
    const isGuess = !isNoGuess(denial);
    if (!isGuess) await attempt.end('neither');
    const count = state.failures + (isGuess ? 1 : 0);
    if (count >= MOST_FAILURES) return denied(loginDenial('sign_in.too_many_attempts'));
    // A challenge is signed once.
    const again = { ...state, failures: count, challenge: undefined };
    return denied(denial, await logins.reissue(again, record.expiresAt, ticket));
  };

  return Object.freeze<Login<Result>>({
    password: async (step) => {
      const by: LoginAttemptBy = { factor: 'password' };
      return acts.ended(await password(step, by).catch(unavailable), step, by);
    },
    next: async (step) => {
      const by: LoginAttemptBy = { factor: step.method };
      return acts.ended(await next(step, by).catch(unavailable), step, by);
    },
    passkeyOptions: (caller) => challenges.passkeyOptions(caller).catch(unavailable),
    sendCode: (caller) => challenges.sendCode(caller).catch(unavailable),
    stepUp: (step) => stepUp(step).catch(unavailable),
    forget: async (subject) => {
      await Promise.all([logins.removeOf(subject), devices.removeOf(subject)]);
    },
  });
}
