import type { Denial, Duration, MaybePromise, RecordOption, TicketStore } from '@apisec/core';
import {
  assertConfiguration,
  assertKnownOptions,
  assertRecord,
  type CountFailuresOptions,
  countFailures,
  durationMs,
  recordAct,
} from '@apisec/core/host';
import { isName, isTenant } from '../names.ts';
import { assertTicketStore, isTicket, tickets } from '../tickets/tickets.ts';
import { timely } from '../timely.ts';
import { wordedDenials } from '../worded-denials.ts';

/** Whether a proof shows who somebody is: a password, a link in a mail, the confirmation of your support staff. */
export type RecoveryProof = (
  subject: string,
  evidence: unknown,
  tenant: string | undefined,
) => MaybePromise<boolean>;

/** What the user must hear of, on every channel there is. */
export interface RecoveryEvent {
  readonly kind: 'begun' | 'cancelled' | 'done';
  readonly subject: string;
  /** When it can be completed, for `begun`. Epoch milliseconds. */
  readonly readyAt?: number | undefined;
  /** Where it was begun. Unknown for `cancelled`, which ends those of every tenant. */
  readonly tenant?: string | undefined;
}

/** Options of {@link accountRecovery}. */
export interface AccountRecoveryOptions extends RecordOption {
  readonly tickets: TicketStore;
  /** At least two, by name. One begins a recovery, another one completes it. */
  readonly proofs: Readonly<Record<string, RecoveryProof>>;
  /** Removes the second factors of an account: TOTP, passkeys. Ends its sessions as well. */
  readonly removeFactors: (subject: string, tenant: string | undefined) => MaybePromise<unknown>;
  /** Notifies the user. A recovery does not begin if its user cannot be notified. */
  readonly notify: (event: RecoveryEvent) => MaybePromise<unknown>;
  /** From the first proof to the second, from `1h` to `30d`. Default: `24h`. */
  readonly delay?: Duration | undefined;
  /** How long it can be completed after that, from `1h` to `30d`. Default: `3d`. */
  readonly window?: Duration | undefined;
  /**
   * How wrong proofs slow down an account and a peer. Recoveries that are begun slow down their account in the same
   * way, right as their proofs are.
   */
  readonly throttle?: CountFailuresOptions | undefined;
  /** How long stores, proofs and `notify` may take, from `1ms` to `1m`. Default: `10s`. */
  readonly timeout?: Duration | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** Why it does not go on. */
export interface RecoveryDenial {
  readonly ok: false;
  /** To deny with: `denyWith(result.denial)`. */
  readonly denial: Denial;
}

interface ProofRequest {
  /** The name of the proof. */
  readonly proof: string;
  readonly evidence: unknown;
  readonly peer: string | undefined;
  /**
   * The tenant whose pages these are, where there are several: a recovery is completed where it was begun, and failures
   * count apart. Default: none.
   */
  readonly tenant?: string | undefined;
}

/** Recovers accounts; see {@link accountRecovery}. Nothing but `cancel` rejects. */
export interface AccountRecovery {
  /** Takes the first proof. The token is for the person who recovers the account. */
  readonly begin: (request: { readonly subject: string } & ProofRequest) => Promise<
    | {
        readonly ok: true;
        readonly token: string;
        readonly readyAt: number;
        readonly expiresAt: number;
      }
    | RecoveryDenial
  >;
  /** Takes another proof after the delay, and removes the second factors, once. */
  readonly complete: (
    request: { readonly token: string } & ProofRequest,
  ) => Promise<{ readonly ok: true; readonly subject: string } | RecoveryDenial>;
  /**
   * Ends the recoveries of a user; tells how many. For the link in the message that tells of one; a `login` that is
   * given this does it where somebody signs in with a second factor. Rejects when the store fails.
   */
  readonly cancel: (subject: string) => Promise<number>;
}

const NAME = 'accountRecovery';
const OPTIONS = [
  'tickets',
  'proofs',
  'removeFactors',
  'notify',
  'delay',
  'window',
  'throttle',
  'timeout',
  'now',
  'record',
] as const;

/**
 * Gets people back into an account whose second factor is lost, and keeps others out: it takes two proofs of different
 * kinds, a delay between them, and a message to the user, who can cancel it. Nothing is removed before that.
 *
 * Denials: `recovery.malformed` (400), `recovery.proof_wrong` and `recovery.unknown` (401), `recovery.proof_repeated`
 * and `recovery.too_early` (403), `failures.throttled` (429), `recovery.unavailable` (503; from `complete` also where
 * the factors are gone and the user could not be told, or `record` failed).
 *
 * @throws ConfigurationError with fewer than two proofs, or where a function is missing.
 * @example
 * const recovery = accountRecovery({
 *   tickets,
 *   proofs: {
 *     password: async (subject, password) =>
 *       (await policy.verify(String(password), (await accounts.bySubject(subject))?.passwordHash)).ok,
 *     mail: async (subject, token) => {
 *       const used = await recoveryLinks.use(String(token));
 *       return used.ok && used.subject === subject;
 *     },
 *   },
 *   removeFactors: (subject) => factors.remove(subject),
 *   notify: (event) => tellByMailAndPush(event),
 * });
 */
export function accountRecovery(options: AccountRecoveryOptions): AccountRecovery {
  assertKnownOptions(NAME, options, OPTIONS);
  const { removeFactors, notify, now = () => Date.now() } = options;
  assertTicketStore(NAME, options.tickets);
  const proofs = new Map(Object.entries(options.proofs ?? {}));
  assertConfiguration(
    proofs.size >= 2 && [...proofs.values()].every((each) => typeof each === 'function'),
    `${NAME}: proofs must hold two functions or more. One proof alone never removes a second factor.`,
  );
  assertConfiguration(
    typeof removeFactors === 'function' && typeof notify === 'function',
    `${NAME}: removeFactors must remove second factors, and notify must tell the user.`,
  );
  assertRecord(NAME, options.record);
  const bounds = { min: '1h', max: '30d' } as const;
  const delay = durationMs(NAME, 'delay', options.delay ?? '24h', bounds);
  const window = durationMs(NAME, 'window', options.window ?? '3d', bounds);
  const timeout = durationMs(NAME, 'timeout', options.timeout ?? '10s', { max: '1m' });
  const failures = countFailures(`${NAME}: throttle`, options.throttle ?? {}, options.now);
  const begun = countFailures(
    `${NAME}: throttle`,
    { ...options.throttle, perPeer: 'none' },
    options.now,
  );
  const kept = tickets(options.tickets, 'recovery', { timeout, now });
  const ask = timely(timeout);

  /** Undefined where the proof is valid. */
  const problemOf = async (
    subject: string,
    { proof, evidence, peer, tenant }: ProofRequest,
  ): Promise<RecoveryDenial | undefined> => {
    const judge = proofs.get(proof);
    if (judge === undefined) return recoveryDenial('recovery.malformed');
    const attempt = await failures.begin({ account: ['recovery', subject], peer, tenant });
    if (!attempt.ok) return { ok: false, denial: attempt.denial };
    if ((await ask(() => judge(subject, evidence, tenant))) !== true) {
      return recoveryDenial('recovery.proof_wrong');
    }
    await attempt.end('neither');
    return undefined;
  };

  const begin: AccountRecovery['begin'] = async (request) => {
    const { subject, proof, tenant } = request;
    if (!isName(subject) || !isTenant(tenant)) return recoveryDenial('recovery.malformed');
    const problem = await problemOf(subject, request);
    if (problem !== undefined) return problem;
    // Never reset: each recovery is kept for days, and its user is notified.
    const counted = await begun.begin({
      account: ['recovery_begun', subject],
      peer: undefined,
      tenant,
    });
    if (!counted.ok) return { ok: false, denial: counted.denial };
    const readyAt = now() + delay;
    const expiresAt = readyAt + window;
    // Stored before the notification, so that its reader can cancel it.
    const { ticket } = await kept.issue({ subject, data: { proof, readyAt, tenant }, expiresAt });
    try {
      await ask(() => notify({ kind: 'begun', subject, readyAt, tenant }));
    } catch (cause) {
      // A recovery without a notification must not exist. Where this fails too, nobody has received the token.
      await kept.take(ticket);
      throw cause;
    }
    if ((await kept.read(ticket)) === undefined) return recoveryDenial('recovery.unknown');
    return { ok: true, token: ticket, readyAt, expiresAt };
  };

  const complete: AccountRecovery['complete'] = async (request) => {
    const { token, proof, tenant } = request;
    if (!isTicket(token)) return recoveryDenial('recovery.malformed');
    const found = await kept.read(token);
    if (found?.subject === undefined) return recoveryDenial('recovery.unknown');
    const { subject, data } = found;
    if (data['tenant'] !== tenant) return recoveryDenial('recovery.unknown');
    const readyAt = Number(data['readyAt']);
    if (!(now() >= readyAt)) {
      return recoveryDenial('recovery.too_early', { retryAfterMs: readyAt - now() });
    }
    if (data['proof'] === proof) return recoveryDenial('recovery.proof_repeated');
    const problem = await problemOf(subject, request);
    if (problem !== undefined) return problem;
    if ((await kept.take(token)) === undefined) return recoveryDenial('recovery.unknown');
    await ask(() => removeFactors(subject, tenant));
    // The factors have been removed, whichever of these fails.
    const followed = await Promise.allSettled([
      kept.removeOf(subject),
      ask(() => notify({ kind: 'done', subject, tenant })),
      recordAct(options.record, {
        act: 'factor.reset',
        tenant,
        target: { type: 'account', id: subject },
        data: { how: 'recovery' },
      }),
    ]);
    const failed = followed.find((each) => each.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return { ok: true, subject };
  };

  return Object.freeze<AccountRecovery>({
    begin: (request) => begin(request).catch(unavailable),
    complete: (request) => complete(request).catch(unavailable),
    cancel: async (subject) => {
      const ended = await kept.removeOf(subject);
      if (ended > 0) await ask(() => notify({ kind: 'cancelled', subject }));
      return ended;
    },
  });
}

type RecoveryDenialCode =
  | 'recovery.malformed'
  | 'recovery.unknown'
  | 'recovery.too_early'
  | 'recovery.proof_wrong'
  | 'recovery.proof_repeated'
  | 'recovery.unavailable';

const worded = wordedDenials<RecoveryDenialCode>({
  'recovery.malformed': ['malformed', 'The request is not well formed.'],
  'recovery.unknown': ['unauthenticated', 'The recovery was cancelled, completed, or has expired.'],
  'recovery.too_early': ['forbidden', 'The recovery cannot be completed yet.'],
  'recovery.proof_wrong': ['unauthenticated', 'The proof is not valid.'],
  'recovery.proof_repeated': ['forbidden', 'A proof of another kind is needed.'],
  'recovery.unavailable': ['unavailable', 'The account cannot be recovered at the moment.'],
});

function recoveryDenial(
  code: RecoveryDenialCode,
  more: { readonly retryAfterMs?: number; readonly cause?: unknown } = {},
): RecoveryDenial {
  return { ok: false, denial: worded(code, more) };
}

function unavailable(cause: unknown): RecoveryDenial {
  return recoveryDenial('recovery.unavailable', { cause });
}
