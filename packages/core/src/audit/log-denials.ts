import type { Decision } from '../engine/decision.ts';
import type { DenialLog } from '../engine/denial-log.ts';
import type { CallFacts } from '../engine/facts.ts';
import { type Completion, listObligations, type Obligations } from '../engine/obligations.ts';
import type { NoFacts } from '../engine/outcome.ts';
import { definePolicy, type SyncPolicy } from '../engine/policy.ts';
import type { RequestLike } from '../engine/request.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertKnownOptions, assertOneOf } from '../lib/options.ts';
import { AuditCall, singleCredentialHeaders } from './audit-call.ts';
import type { AuditEvent } from './event.ts';
import { eventBuilder } from './event-builder.ts';
import { jsonLine, messageOf } from './json-line.ts';
import { eventOf } from './pending-event.ts';

/** Options of {@link logDenials}. */
export interface LogDenialsOptions {
  /** Given one entry at a time, without the line break at its end. Default: `console.error`. */
  readonly write?: ((line: string) => void) | undefined;
  /** `json`: one line of JSON, for log collectors. `text`: a line or two for people. Default: `json`. */
  readonly format?: 'json' | 'text' | undefined;
  /** The most lines a second; the next line says how many were left out. Default: 50. */
  readonly maxPerSecond?: number | undefined;
  /** Headers of your own whose values are credentials: nothing of them is in a line. */
  readonly credentialHeaders?: readonly string[] | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

const NAME = 'logDenials';
const OPTIONS: readonly (keyof LogDenialsOptions)[] = [
  'write',
  'format',
  'maxPerSecond',
  'credentialHeaders',
  'now',
];

/**
 * Writes a line of JSON for each call that is denied: operation, caller, kind and code of the denial, the policy and,
 * for operators only, its cause (which issuer, audience, scope, key was expected and which was there). No token,
 * key or header value is in it; see `audit`, which this is a small part of. It denies nothing and adds nothing.
 *
 * Put it first: it logs every denial of its guard at any position, but knows the request of those calls only
 * that reached it, and with it the credentials that no line may hold.
 *
 * @throws ConfigurationError for options out of their bounds.
 * @example
 * const orders = guard().use(logDenials()).use(authenticateJwt({ issuer, audience })).use(allowAuthenticated());
 */
export function logDenials(options: LogDenialsOptions = {}): DenialLog {
  assertKnownOptions(NAME, options, OPTIONS);
  const { write = toConsole, format = 'json', maxPerSecond = 50, now = Date.now } = options;
  const { credentialHeaders = [] } = options;
  assertConfiguration(typeof write === 'function', `${NAME}: write must be a function.`);
  assertOneOf(NAME, 'format', format, ['json', 'text']);
  const print = format === 'json' ? jsonLine : textOf;
  assertConfiguration(
    Number.isSafeInteger(maxPerSecond) && maxPerSecond > 0,
    `${NAME}: maxPerSecond must be a whole number, 1 or more.`,
  );
  const build = eventBuilder({
    idPrefix: '',
    service: undefined,
    serviceVersion: undefined,
  });
  let second = 0;
  let lines = 0;
  let left = 0;

  const log = (completion: Completion, call: AuditCall | undefined): void => {
    const { denial } = completion;
    if (denial === undefined || denial.answer !== undefined) return;
    const time = now();
    if (Math.floor(time / 1_000) !== second) {
      second = Math.floor(time / 1_000);
      lines = 0;
    }
    if (++lines > maxPerSecond) {
      left++;
      return;
    }
    const event = eventOf(
      build.decision(completion, call, { time, sensitive: false, sampled: undefined }),
    );
    write(print(left === 0 ? event : { ...event, data: { notLogged: left } }));
    left = 0;
  };

  const callOptions = {
    // No proxy is configured to write one.
    requestIdHeader: undefined,
    credentialHeaders: singleCredentialHeaders(credentialHeaders.map((name) => name.toLowerCase())),
    clock: now,
    record: () => Promise.resolve({ ok: false, problem: 'lost' } as const),
  };
  const policy: SyncPolicy<CallFacts, NoFacts, 'check'> = definePolicy<CallFacts, NoFacts, 'check'>(
    {
      name: NAME,
      role: 'check',
      always: {
        // For denials of earlier policies; `check` knows more about the others.
        onComplete: (completion) => {
          if (!completion.trace.some((entry) => entry.policy === NAME)) log(completion, undefined);
        },
      },
      check: (request, facts) => {
        const call = new AuditCall(request, facts, callOptions);
        return { ok: true, obligations: { onComplete: (completion) => log(completion, call) } };
      },
    },
  );
  return Object.freeze({ ...policy, join: joinTo(policy) });
}

/** A log that hosts ask by themselves, without having it in a guard. */
function joinTo(log: SyncPolicy<CallFacts, NoFacts, 'check'>): DenialLog['join'] {
  return (decision, request) => {
    const { obligations } = decision;
    const isSettled =
      decision.allowed &&
      !obligations.some((each) => each.onMessage !== undefined || each.onRelease !== undefined);
    // Not twice if the guard has it too.
    if (isSettled || decision.trace.some(({ policy }) => policy === log.name)) return decision;
    return { ...decision, obligations: [...obligations, ...listening(decision, log, request)] };
  };
}

function listening(
  decision: Decision<object>,
  log: SyncPolicy<CallFacts, NoFacts, 'check'>,
  request: RequestLike | undefined,
): readonly Obligations[] {
  const known: object = decision.allowed ? decision.facts : decision.gathered;
  if (request === undefined || !('call' in known)) return listObligations(log.always);
  try {
    // Every host supplies `call` and `peer`, and what was gathered begins with them.
    const outcome = log.check(request, known as CallFacts);
    return outcome.ok ? listObligations(outcome.obligations) : [];
  } catch {
    return listObligations(log.always);
  }
}

/** Every text in an event is free of control characters, so nothing in it can begin a line of its own. */
function textOf(event: AuditEvent): string {
  const { cause, data } = event;
  const lines = [messageOf(event)];
  if (cause !== undefined) lines.push(`  cause: ${cause}`);
  if (data !== undefined)
    lines.push(`  and ${data['notLogged']} more denials that were not logged`);
  return lines.join('\n');
}

/** The user's own choice by having the policy: nothing else of core writes by itself. */
function toConsole(line: string): void {
  // oxlint-disable-next-line no-console -- the default that the options name
  console.error(line);
}
