import type { BuiltinAct, Denial, RecordOption } from '@apisec/core';
import { assertRecord, recordAct, recordedDenial } from '@apisec/core/host';
import type { LoginFactor } from './login-state.ts';
import type { LoginAnswer, LoginCaller } from './login-types.ts';
import type { SignedIn } from './signed-in.ts';

/** What is known of who tries to sign in: filled in as it is found out. */
export interface LoginAttemptBy {
  readonly factor: LoginFactor;
  /** Whose account it is. What was typed is not recorded: people type passwords there. */
  subject?: string | undefined;
}

/** Records how logins end. */
export interface LoginActs {
  /** Rejects where it could not be recorded. */
  readonly succeeded: (signedIn: SignedIn, caller: LoginCaller) => Promise<void>;
  /** Records a denial, and answers it: where it was not recorded, operators read so in its cause. */
  readonly ended: <Result>(
    answer: LoginAnswer<Result>,
    caller: LoginCaller,
    by: LoginAttemptBy,
  ) => Promise<LoginAnswer<Result>>;
}

const ACTS: Readonly<Record<string, BuiltinAct>> = {
  'failures.throttled': 'login.throttled',
  'totp.locked': 'login.locked',
};

/** @throws ConfigurationError where `record` cannot be called. */
export function loginActs(where: string, byDefault: RecordOption['record']): LoginActs {
  assertRecord(where, byDefault);
  const record = (
    { record: own, peer, tenant }: LoginCaller,
    act: BuiltinAct,
    subject: string | undefined,
    data: Readonly<Record<string, string>>,
  ): Promise<void> =>
    recordAct(own ?? byDefault, {
      act,
      outcome: act === 'login.succeeded' ? 'succeeded' : 'denied',
      // A call that records for itself knows the address better.
      peer: own === undefined ? peer : undefined,
      tenant,
      target: subject === undefined ? undefined : { type: 'account', id: subject },
      data,
    });
  return {
    succeeded: ({ subject, kind, factors }, caller) =>
      record(caller, 'login.succeeded', subject, { kind, factors: factors.join(',') }),
    ended: async (answer, caller, { subject, factor }) => {
      const act = answer.status === 'denied' ? actOf(answer.denial) : undefined;
      if (answer.status !== 'denied' || act === undefined) return answer;
      const { denial } = answer;
      const data = { factor, code: denial.code };
      const told = await recordedDenial(denial, () => record(caller, act, subject, data));
      return { ...answer, denial: told };
    },
  };
}

/** Undefined for what was not tried: the request is malformed, or a store does not answer. */
function actOf({ code, kind }: Denial): BuiltinAct | undefined {
  if (Object.hasOwn(ACTS, code)) return ACTS[code];
  return kind === 'unauthenticated' || kind === 'forbidden' ? 'login.failed' : undefined;
}
