import type { AttemptRequest } from '../contracts/counter-store.ts';
import { executesSeveral } from '../engine/executes-several.ts';
import type { CallFacts } from '../engine/facts.ts';
import type { BodyOutcome, Completion, Obligations } from '../engine/obligations.ts';
import { type Outcome, pass } from '../engine/outcome.ts';
import { definePolicy, type Policy } from '../engine/policy.ts';
import type { RequestLike } from '../engine/request.ts';
import { settingsOf } from '../engine/settings.ts';
import { tenantOf } from '../engine/tenant-of.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { SAFE_METHODS } from '../lib/safe-methods.ts';
import type { LimitKey } from '../limits/limit-key.ts';
import {
  type AttemptResult,
  type HeldAttempt,
  judgeAttempt,
  type Reserved,
  textOnly,
} from './attempt-counting.ts';
import { type FailureCountingOptions, failureRules } from './failure-counting.ts';
import { ACCOUNT_MISSING, deniedBody, KEY_MISSING, oneMessage, REPEATED } from './failures.ts';

/** The attempt that a call makes, for handlers whose status does not tell how it came out. */
export interface Attempt {
  /** What the handler reports takes precedence over the status. */
  readonly tell: (result: AttemptResult) => void;
}

/** What {@link throttleFailures} adds. */
export interface AttemptFacts {
  readonly attempt: Attempt;
}

/** Options of {@link throttleFailures}. */
export interface ThrottleFailuresOptions<in Needs extends CallFacts = CallFacts>
  extends FailureCountingOptions {
  /**
   * The account that the call wants to get into, where request and facts tell it. Told apart without regard
   * to case, width and spaces around; never looked up, so unknown accounts are no different. A call that
   * names none is denied, unless its HTTP method is safe: a form that is shown is no attempt. A second
   * message of a gRPC stream is denied.
   */
  readonly account?: ((request: RequestLike, facts: Readonly<Needs>) => LimitKey) | undefined;
  /**
   * The same where only the body tells it. It must see every account that the handler could try by this
   * body; to one call there is one attempt, so a second message is denied. On GraphQL it is shown the
   * arguments of the one root field, as its resolver gets them: of variables the caller makes up the names.
   *
   * What is no text is denied: a list that the caller wrote would be an account of its own here, and the one
   * in it to many a handler. Where an account has several parts, check that each is text before you join them.
   */
  readonly accountInBody?:
    | ((body: unknown, facts: Readonly<Needs>) => string | null | undefined)
    | undefined;
  /**
   * Who counts as one peer. Nothing denies the call (`failures.key_missing`). Default: `facts.peer.id`.
   */
  readonly peer?: ((facts: Readonly<Needs>) => LimitKey) | undefined;
  /**
   * How a call came out. Default:
   * - succeeded are calls that the handler answered with 2xx (gRPC: `OK`);
   * - neither are calls that another policy denied, but with 401 or 403 (gRPC: `UNAUTHENTICATED`,
   *   `PERMISSION_DENIED`); and calls with a safe HTTP method that name no account, whatever the answer to them but
   *   those two. A safe method never succeeds: anybody can make such calls, and servers answer `OPTIONS` by themselves;
   * - failed are all others: every other status, also 400, 404, 422, redirects and faults of the server, and calls that
   *   were aborted. The status of GraphQL tells nothing, so there all count as failed.
   *
   * Where the status tells something else, judge it, or let the handler `tell`: a form login answers right and wrong
   * passwords with a redirect, so it tells both; a handler that cannot reach its database tells `neither`.
   */
  readonly judge?: ((completion: Completion) => AttemptResult) | undefined;
  /** Epoch milliseconds, for a memory store made here. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

const NAME = 'throttleFailures';
const OPTIONS = [
  'account',
  'accountInBody',
  'perAccount',
  'perPeer',
  'peer',
  'judge',
  'name',
  'store',
  'onStoreFailure',
  'timeout',
  'now',
] as const;

/**
 * Slows down guessing: after some failures an account and a peer pause, longer each time, up to a lock that
 * ends by itself. Failures are learned from how calls end. Each call counts as failed until it has ended,
 * so that of many guesses at once no more get through than of as many in a row; a denial counts nothing.
 *
 * A success resets the failures of the account. It never helps the peer, who could otherwise clear failures with an
 * account of their own. So mount it on the operation that checks the password and on nothing else: a form for lost
 * passwords that answers everybody with 200 would reset the failures of every account.
 *
 * A call with a safe HTTP method (`GET`, `HEAD`, `OPTIONS`, `TRACE`, `QUERY`) need not name an account, so
 * whoever is throttled still sees the form; then only its peer counts. Where it names one, as by Basic
 * authentication, its failures count like others, and its successes do not reset the account.
 *
 * A GraphQL operation that runs several root fields under one guard is denied, since aliases are as many
 * attempts. Fields below a root field are not counted: a login is guarded where it is a root field itself.
 *
 * A gRPC stream is one attempt. Where it names the account it may hold one message; where only peers are counted it may
 * hold any number, since its credential is in the metadata: do not take guesses in messages there.
 *
 * There is no exemption from the pauses of an account: a stranger who knows its name can keep it locked, for
 * `lock.duration` at a time, and nobody gets in meanwhile. Keep the lock short, tell the user on another way,
 * or let those who were here before in by another guard (a passkey, a device that is known).
 *
 * A store that fails cannot be stood in for by each process alone, as limits can (`degrade`): every process
 * would give the free failures once more, and after an outage nobody would know of what was tried.
 *
 * Denials: `failures.throttled` (429, with the exact `retryAfterMs`), `failures.account_missing` and
 * `failures.repeated` (400), `failures.key_missing` (500: nobody knows the peer), `failures.unavailable`
 * (503: the store failed and `onStoreFailure` is `closed`).
 *
 * @throws ConfigurationError when nothing would be counted, a schedule is out of its bounds, or a store is
 * given without a name.
 * @example
 * const login = guard()
 *   .use(throttleFailures({ accountInBody: (body) => (body as { email?: string }).email }))
 *   .use(allowAnonymous());
 */
export function throttleFailures<Needs extends CallFacts = CallFacts>(
  options: ThrottleFailuresOptions<Needs>,
): Policy<Needs, AttemptFacts, 'check'> {
  assertKnownOptions(NAME, options, OPTIONS);
  const { account, accountInBody, judge, now } = options;
  const { peer = (facts: Readonly<Needs>) => facts.peer.id } = options;
  assertConfiguration(
    account === undefined || accountInBody === undefined,
    `${NAME}: give account or accountInBody, not both.`,
  );
  const byAccount = account !== undefined || accountInBody !== undefined;
  assertConfiguration(
    byAccount || options.perPeer !== 'none',
    `${NAME}: nothing would be counted. Say which account a call is for, or count by peer.`,
  );
  const { reserve, accountRequest, addPeer, namesAccount, settle } = failureRules(
    NAME,
    options,
    now,
  );

  /** What to count for an account: nothing if a call need not name one, undefined if it must. */
  const accountRequests = async (
    key: LimitKey,
    facts: Readonly<Needs>,
    safe: boolean,
  ): Promise<readonly AttemptRequest[] | undefined> => {
    if (safe && (key === undefined || key === null || key === '')) return [];
    const counted = await accountRequest(key, tenantOf(facts));
    return counted && [counted];
  };

  return definePolicy<Needs, AttemptFacts, 'check'>({
    name: NAME,
    role: 'check',
    settings: settingsOf(options, [
      'perAccount',
      'perPeer',
      'free',
      'delay',
      'maxDelay',
      'lock',
      'after',
      'duration',
      'forgetAfter',
      'onStoreFailure',
    ]),
    purposes: ['limit'],
    needs: accountInBody ? ['call', 'bodies'] : ['call'],
    adds: ['attempt'],
    check: (request, facts): MaybePromise<Outcome<AttemptFacts>> => {
      if (executesSeveral(facts)) return REPEATED;
      const requests: AttemptRequest[] = [];
      if (!addPeer(requests, peer(facts), tenantOf(facts))) return KEY_MISSING;
      const held: HeldAttempt[] = [];
      // Methods mean nothing in other protocols: the caller chooses that of GraphQL.
      const safe = facts.call.protocol === 'http' && SAFE_METHODS.has(request.method);
      const inMessage = facts.call.protocol === 'graphql' ? undefined : accountInBody;
      let said: AttemptResult | undefined;
      const attempt: Attempt = Object.freeze<Attempt>({
        tell: (result) => {
          said = result;
        },
      });
      const onComplete = (completion: Completion): MaybePromise<void> => {
        const result =
          said ?? (judge ? judge(completion) : judgeAttempt(completion, safe, namesAccount(held)));
        // Anything else stays counted as failed.
        if (held.length === 0 || (result !== 'succeeded' && result !== 'neither')) return undefined;
        return settle(held, result);
      };
      const obligations: Obligations = {
        confirmConnected: true,
        onComplete,
        ...(inMessage && { onMessage: onMessage(inMessage, facts, safe, held) }),
        // A stream could hold a guess in each message, all of them for the account that the metadata name.
        ...(account && facts.call.protocol === 'grpc' && { onMessage: oneMessage(goOn) }),
      };
      const conclude = (reserved: Reserved): Outcome<AttemptFacts> =>
        reserved.ok ? { ...pass({ attempt }, obligations), degraded: reserved.degraded } : reserved;
      const begin = (): MaybePromise<Outcome<AttemptFacts>> => {
        const reserved: MaybePromise<Reserved> =
          requests.length === 0 ? { ok: true } : reserve(requests, held);
        return reserved instanceof Promise ? reserved.then(conclude) : conclude(reserved);
      };
      if (!byAccount || inMessage) return begin();
      const key = account ? account(request, facts) : accountInArguments(facts);
      return accountRequests(key, facts, safe).then((known) => {
        if (known === undefined) return ACCOUNT_MISSING;
        requests.push(...known);
        return begin();
      });
    },
  });

  function accountInArguments(facts: Readonly<Needs>): LimitKey {
    const args = facts.call.protocol === 'graphql' ? facts.call.fields[0]?.args() : undefined;
    return args && textOnly(accountInBody?.(args, facts));
  }
  function onMessage(
    accountOf: NonNullable<typeof accountInBody>,
    facts: Readonly<Needs>,
    safe: boolean,
    held: HeldAttempt[],
  ): (body: unknown) => MaybePromise<BodyOutcome> {
    return oneMessage(async (body) => {
      // No body, no account: most calls with a safe method have none.
      const nothing = safe && (body === undefined || body === null);
      const key = nothing ? '' : textOnly(accountOf(body, facts));
      const known = await accountRequests(key, facts, safe);
      if (known === undefined) return deniedBody(ACCOUNT_MISSING);
      if (known.length === 0) return { ok: true };
      const reserved = await reserve(known, held);
      if (!reserved.ok) return deniedBody(reserved);
      const { degraded } = reserved;
      if (degraded === undefined) return { ok: true };
      return { ok: true, trace: [{ policy: NAME, role: 'check', verdict: 'passed', degraded }] };
    });
  }
}

function goOn(): BodyOutcome {
  return { ok: true };
}
