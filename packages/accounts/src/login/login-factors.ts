import type { Denial } from '@apisec/core';
import { equalInConstantTime, sha256 } from '@apisec/core/host';
import { headOf } from '../tickets/tickets.ts';
import type { LoginAccount } from './login-account.ts';
import { loginDenial } from './login-denial.ts';
import type { LoginFactor, LoginState, SentCode } from './login-state.ts';
import type { LoginOptions, NextStep } from './login-types.ts';

/** The result of judging an answer. */
export type Judgement =
  | {
      readonly right: true;
      readonly subject: string;
      /** A passkey that checked its user itself. */
      readonly verified: boolean;
    }
  | { readonly right: false; readonly denial: Denial };

/** What can be answered, and whether an answer is right. All of it rejects when a store fails. */
export interface LoginFactors {
  /** The second factors that an account has. */
  readonly secondOf: (account: LoginAccount) => Promise<readonly LoginFactor[]>;
  readonly judge: (
    step: NextStep,
    state: LoginState,
    account: LoginAccount | undefined,
    now: number,
  ) => Promise<Judgement>;
}

/** Six digits: five wrong answers end a login, and failures slow down the next ones. */
const CODE = /^[0-9]{6}$/;
const CODES = 1_000_000;
/** The largest multiple of the number of codes that 32 bits hold, so that all are as likely. */
const FAIR = Math.floor(2 ** 32 / CODES) * CODES;

/** A code to send. */
export function randomCode(): string {
  const word = new Uint32Array(1);
  do crypto.getRandomValues(word);
  while ((word[0] ?? FAIR) >= FAIR);
  return String((word[0] ?? 0) % CODES).padStart(6, '0');
}

/** The code cannot be derived from the store: the head of the ticket is a secret of its holder. */
export function codeHash(ticketHead: string, channel: string, code: string): Promise<string> {
  return sha256(`apisec login code\n${ticketHead}\n${channel}\n${code}`);
}

/** Asks the parts that the user supplied. */
export function loginFactors({
  passwords,
  totp,
  passkeys,
  senders = {},
}: Pick<LoginOptions<unknown>, 'passwords' | 'totp' | 'passkeys' | 'senders'>): LoginFactors {
  return {
    secondOf: async (account) => {
      const [status, keys] = await Promise.all([
        totp?.status(account.subject),
        passkeys?.list(account.subject),
      ]);
      const factors: LoginFactor[] = [];
      if (keys !== undefined && keys.length > 0) factors.push('passkey');
      if (status?.state === 'active') {
        factors.push('totp');
        if (status.backupCodesLeft > 0) factors.push('backup_code');
      }
      for (const channel of ['mail', 'sms'] as const) {
        const isOffered = senders[channel] !== undefined && account.codes?.includes(channel);
        if (isOffered === true) factors.push(channel);
      }
      return factors;
    },
    judge: async (step, state, account, now) => {
      if (step.method === 'passkey') {
        if (state.challenge === undefined || passkeys === undefined) {
          return wrong(loginDenial('sign_in.method_unavailable'));
        }
        const { subject } = state;
        const answer = await passkeys.authenticate({
          response: step.response,
          challenge: state.challenge,
          subject,
          // As the only factor it must prove both: possession of the device, and that its user holds it.
          requireUserVerification: subject === undefined,
        });
        if (!answer.ok) return wrong(answer.denial);
        return { right: true, subject: answer.subject, verified: answer.userVerified };
      }
      if (account === undefined) return wrong(loginDenial('sign_in.method_unavailable'));
      const { subject } = account;
      const right: Judgement = { right: true, subject, verified: false };
      if (step.method === 'mail' || step.method === 'sms') {
        const judged = await judgeCode(state.code, step, now);
        if (judged === true) return right;
        return wrong(loginDenial(judged === false ? 'sign_in.code_wrong' : 'sign_in.code_expired'));
      }
      const answer =
        step.method === 'password'
          ? await passwords?.verify(step.password, account.passwordHash)
          : step.method === 'totp'
            ? await totp?.verify(subject, step.code)
            : await totp?.verifyBackupCode(subject, step.code);
      if (answer === undefined) return wrong(loginDenial('sign_in.method_unavailable'));
      return answer.ok ? right : wrong(answer.denial);
    },
  };
}

function wrong(denial: Denial): Judgement {
  return { right: false, denial };
}

async function judgeCode(
  sent: SentCode | undefined,
  step: { readonly ticket: string; readonly method: 'mail' | 'sms'; readonly code: string },
  now: number,
): Promise<boolean | 'expired'> {
  if (sent?.channel !== step.method || now >= sent.expiresAt) return 'expired';
  if (typeof step.code !== 'string' || !CODE.test(step.code)) return false;
  const hash = await codeHash(headOf(step.ticket), sent.channel, step.code);
  return equalInConstantTime(hash, sent.hash);
}
