import type { Denial } from '@apisec/core';
import { type CountedAttempt, sha256 } from '@apisec/core/host';
import { isName } from '../names.ts';
import { tickets } from '../tickets/tickets.ts';
import { timely } from '../timely.ts';
import { type LoginAttemptBy, loginActs } from './login-acts.ts';
import { codeCounting, loginChallenges } from './login-challenges.ts';
import { loginDenial } from './login-denial.ts';
import { loginFactors } from './login-factors.ts';
import { loginFailures } from './login-failures.ts';
import { loginSettings } from './login-settings.ts';
import { afterRight, amrOf, heldOf, type LoginFactor, type LoginState } from './login-state.ts';
import {
  denied,
  isClient,
  loginTickets,
  markOf,
  pendingAnswer,
  unavailable,
} from './login-tickets.ts';
import type {
  Login,
  LoginAccount,
  LoginAnswer,
  LoginCaller,
  LoginOptions,
  NextStep,
  PasswordStep,
  SignedIn,
} from './login-types.ts';

export type { LoginFactor } from './login-state.ts';
export type {
  CodeMessage,
  Login,
  LoginAccount,
  LoginAccounts,
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
  SignedIn,
  StepUp,
} from './login-types.ts';

const FACTORS: readonly LoginFactor[] = [
  'password',
  'passkey',
  'totp',
  'backup_code',
  'mail',
  'sms',
];
const SECOND: readonly LoginFactor[] = FACTORS.slice(1);
/** Devices of an account that are remembered at once. */
const MOST_DEVICES = 20;
/** Wrong answers after which a login must begin again. */
const MOST_FAILURES = 5;

/** A password that was right for what is stored. */
interface RightPassword {
  readonly account: LoginAccount;
  readonly stored: string;
  /** What to store in its place. */
  readonly rehash: string | undefined;
  /** The remembered device that it came from. */
  readonly deviceId: string | undefined;
}

/**
 * Signs people in, step by step: a password or a passkey first, then a second factor where the account has one. Between
 * the steps there is a ticket. It is good once, for a few minutes, and only from the client that began; it names whose
 * login it is, what was right, and what is still needed. Nobody is signed in before an answer says `status: 'done'`.
 *
 * Every answer is counted against what was typed, its account and its peer before it is judged, and all factors count
 * as one: whoever has the password cannot guess codes any faster. A password that is right counts for nothing until the
 * login is done. An account that is slowed down under one name answers under another one as if the password were wrong.
 * A remembered device counts for itself, so that a stranger who locks an account does not lock it there.
 *
 * An account that does not exist, is disabled or has no password costs the work of a wrong password and is answered
 * like one. Codes that were sent are stored as hashes that only the holder of the ticket could try.
 *
 * `record` is told of each login that is done (`login.succeeded`), and of each that is denied (`login.failed`,
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
  const { acr, lifetime, now, remembered, timeout } = settings;
  const { accounts, finish, passwords } = options;
  const acts = loginActs('login', options.record);
  const failures = loginFailures(options.throttle, options.now);
  const factors = loginFactors(options);
  const ask = timely(timeout);
  const bySubject = (subject: string, tenant: string | undefined) =>
    ask(() => accounts.bySubject(subject, tenant));
  const logins = loginTickets(options.tickets, bySubject, settings);
  const devices = tickets(options.tickets, 'login.device', settings);
  const sends = codeCounting(options.throttle, options.now);
  const challenges = loginChallenges(options, settings, logins, sends, ask);

  const complete = async (
    state: LoginState,
    attempt: CountedAttempt,
    caller: LoginCaller & Pick<NextStep, 'remember'>,
  ): Promise<LoginAnswer<Result>> => {
    const { subject, tenant } = state;
    const { remember = false } = caller;
    // Nobody is found right without one.
    if (subject === undefined) throw new TypeError('no account');
    const amr = amrOf(state);
    const isMulti = amr.includes('mfa');
    // Whoever has a second factor needs no recovery: it is somebody else's.
    if (isMulti) await options.recovery?.cancel(subject);
    const isNew = remembered !== undefined && remember && isMulti && state.device === undefined;
    const device = isNew
      ? await devices.issueWithin(
          { subject, data: { tenant }, expiresAt: now() + remembered },
          MOST_DEVICES,
        )
      : undefined;
    // Looked up last, since all of this takes a while. Whoever changes a password or disables an account meanwhile ends
    // sessions right then, and this one would begin behind that.
    const account = await logins.accountOf(state);
    if (account === undefined) return denied(loginDenial('sign_in.ticket_unknown'));
    const signedIn: SignedIn = Object.freeze({
      kind: state.kind,
      subject,
      tenant,
      account,
      factors: Object.freeze([...state.done]),
      claims: Object.freeze({
        acr: isMulti ? acr.multi : acr.single,
        amr,
        auth_time: Math.floor(now() / 1000),
      }),
      session: state.session,
    });
    const result = await ask(() => finish(signedIn));
    // Where it is not recorded, nobody gets what was made.
    await acts.succeeded(signedIn, caller);
    await attempt.end('succeeded');
    if (state.done.some((factor) => factor === 'mail' || factor === 'sms')) {
      await sends.clear(account, tenant);
    }
    const done = { status: 'done' as const, result, signedIn };
    if (device === undefined) return done;
    return { ...done, device: { token: device.ticket, expiresAt: device.expiresAt } };
  };

  /** Goes on where the password is the one that is stored. */
  const afterPassword = async (
    step: PasswordStep,
    { account: usable, stored, rehash, deviceId }: RightPassword,
    attempt: CountedAttempt,
  ): Promise<LoginAnswer<Result>> => {
    const { client, tenant, identifier } = step;
    const { replaceHash } = accounts;
    let hash = stored;
    if (rehash !== undefined && replaceHash !== undefined) {
      const replaced = await ask(() => replaceHash(usable.subject, rehash, stored)).catch(
        () => false,
      );
      if (replaced !== false) hash = rehash;
    }
    // Verifying is slow, and the password may have been changed meanwhile, by whoever ends sessions right now.
    const current = await bySubject(usable.subject, tenant);
    const is = current?.passwordHash;
    const stands =
      current?.subject === usable.subject &&
      current.disabled !== true &&
      (is === stored || is === hash);
    if (!stands || is === undefined) return denied(loginDenial('sign_in.ticket_unknown'));
    const state: LoginState = {
      kind: 'login',
      subject: usable.subject,
      identifier,
      client: await sha256(client),
      tenant,
      needs: [],
      done: ['password'],
      held: [],
      failures: 0,
      sent: 0,
      mark: await sha256(is),
      device: deviceId,
    };
    const needs = deviceId === undefined ? await factors.secondOf(usable) : [];
    if (needs.length === 0) {
      if (deviceId === undefined && settings.secondFactor === 'required') {
        await attempt.end('neither');
        return denied(loginDenial('sign_in.second_factor_missing'));
      }
      return complete(state, attempt, step);
    }
    const waiting = { ...state, needs };
    const issued = await logins.begin(waiting, now() + lifetime);
    await attempt.end('neither');
    return pendingAnswer(waiting, issued);
  };

  const password = async (step: PasswordStep, by: LoginAttemptBy): Promise<LoginAnswer<Result>> => {
    const { identifier, device, peer, tenant } = step;
    if (passwords === undefined) return denied(loginDenial('sign_in.method_unavailable'));
    if (!isName(identifier) || !isClient(step)) return denied(loginDenial('sign_in.malformed'));
    const found = await ask(() => accounts.byIdentifier(identifier, tenant));
    const known =
      device === undefined || remembered === undefined ? undefined : await devices.read(device);
    const isKnown =
      found !== undefined && known?.subject === found.subject && known.data['tenant'] === tenant;
    const deviceId = isKnown ? known.id : undefined;
    const subject = found?.subject;
    by.subject = subject;
    const who = { identifier, subject, device: deviceId, peer, tenant };
    const attempt = await failures.begin(who);
    if (!attempt.ok) return denied(attempt.denial);
    const isUsable = found?.disabled !== true && attempt.accountDenial === undefined;
    const usable = isUsable ? found : undefined;
    const stored = usable?.passwordHash;
    const verified = await passwords.verify(step.password, stored);
    if (!verified.ok) {
      if (isNoGuess(verified.denial)) await attempt.end('neither');
      return denied(verified.denial);
    }
    // Nobody is found right without one.
    if (usable === undefined || stored === undefined) throw new TypeError('no account');
    const right = { account: usable, stored, rehash: verified.rehash, deviceId };
    return uncountedWhereItFails(attempt, () => afterPassword(step, right, attempt));
  };

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

  const stepUp: Login<Result>['stepUp'] = async (step) => {
    const { subject, session, tenant, factors: wanted } = step;
    if (!isClient(step) || !isName(subject)) return denied(loginDenial('sign_in.malformed'));
    const account = await bySubject(subject, tenant);
    if (account?.subject !== subject || account.disabled === true) {
      return denied(loginDenial('sign_in.ticket_unknown'));
    }
    const second = await factors.secondOf(account);
    const has = (factor: LoginFactor): boolean =>
      factor === 'password'
        ? passwords !== undefined && account.passwordHash !== undefined
        : second.includes(factor);
    // A password does not step up an account that has more to show, unless the caller says so.
    const asked = wanted ?? (second.length > 0 ? SECOND : FACTORS);
    const needs = FACTORS.filter((factor) => asked.includes(factor) && has(factor));
    if (needs.length === 0) return denied(loginDenial('sign_in.method_unavailable'));
    const state: LoginState = {
      kind: 'step_up',
      subject,
      client: await sha256(step.client),
      tenant,
      needs,
      done: [],
      held: heldOf(step.amr),
      session,
      failures: 0,
      sent: 0,
      mark: await markOf(account),
    };
    return pendingAnswer(state, await logins.begin(state, now() + lifetime));
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

/** What was not tried is no guess. */
function isNoGuess({ kind }: Denial): boolean {
  return kind === 'unavailable' || kind === 'rate_limited';
}

/** What fails behind a right answer does not count as a failed attempt: an outage locks nobody out. */
async function uncountedWhereItFails<T>(
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
