import { assertConfiguration, ConfigurationError } from '../lib/configuration-error.ts';
import { chain, type MaybePromise } from '../lib/maybe-promise.ts';
import { type Admission, assertAdmission } from './admission.ts';
import type { Decision } from './decision.ts';
import { fault } from './denial.ts';
import { executesSeveral } from './executes-several.ts';
import type { CallFacts } from './facts.ts';
import type { BodyOutcome } from './obligations.ts';
import { denyWith, type Outcome, pass, sharedDenial } from './outcome.ts';
import { definePolicy, type Policy, type PolicyInfo } from './policy.ts';

/** What is supplied about one message. */
export interface MessageFacts {
  /** The body of a REST call, a message of a gRPC call, or the arguments of a GraphQL root field. */
  readonly message: unknown;
}

/** What a call's messages were admitted with. */
export interface Messages<out Facts> {
  /**
   * The facts of the one message of the call.
   *
   * @throws ConfigurationError if none was admitted, or several were: ask `of(message)` in streams.
   */
  readonly only: () => Readonly<Facts>;
  /**
   * The facts of this message, which must be the object that the handler was given.
   *
   * @throws ConfigurationError for one that was not admitted.
   */
  readonly of: (message: object) => Readonly<Facts>;
}

/** What {@link guardMessages} adds. */
export interface MessagesFacts<out Facts> {
  readonly messages: Messages<Facts>;
}

const NAME = 'guardMessages';

/**
 * Decides by what is in the message, which nobody has read when the call is decided: denies each message that the
 * guard denies. The guard sees the facts of the call as they are here and `message`: the body of a REST call, each
 * message of a gRPC call, the arguments of the root field of a GraphQL operation. What it adds, like an object that it
 * loaded, the handler finds in the fact `messages`.
 *
 * A check: a call without messages would never be asked about, so another policy has to grant. A REST call without a
 * body is decided with `message` undefined. `validateInput` belongs in front of it, so that what is decided is what the
 * handler gets; behind it, it denies every call with `input.uncheckable` (500). Limits, and what wants to see bodies or
 * the end of the call, belong into the guard of the call; a message whose guard obliges the server to anything is
 * denied with `policy.invalid_outcome`.
 *
 * A GraphQL operation that runs several root fields under one guard is denied (`message.repeated`, 400), since aliases
 * would be as many messages; guard such fields one by one with the option `fields`.
 *
 * @throws ConfigurationError for anything but a guard with a grant, and for one that limits, validates or filters.
 * @example
 * const ownDocument = guard<CallFacts & AuthenticatedFacts & MessageFacts>()
 *   .use(loadObject(document, { id: messageMember('documentId'), load }))
 *   .use(requireOwner(document, { owner: 'ownerId' }));
 * const share = guard()
 *   .use(authenticateJwt({ issuer, audience }))
 *   .use(guardMessages(ownDocument))
 *   .use(allowAuthenticated());
 * // In the handler:
 * const { document } = factsOf(request, share).messages.only();
 */
export function guardMessages<Host extends MessageFacts, Facts extends object>(
  admission: Admission<Host, Facts>,
): Policy<Omit<Host, 'message'> & Pick<CallFacts, 'call'>, MessagesFacts<Facts>, 'check'> {
  assertAdmission(admission, NAME);
  // A table has neither.
  const { policies = [], needs } = admission as Partial<Described>;
  for (const { name, purposes = [] } of policies) {
    assertConfiguration(
      !purposes.some((purpose) => LATE.has(purpose)),
      `${NAME}: put ${name} into the guard of the call. Here it would be asked again for each message.`,
    );
  }
  type Needs = Omit<Host, 'message'> & Pick<CallFacts, 'call'>;
  return definePolicy<Needs, MessagesFacts<Facts>, 'check'>({
    name: NAME,
    role: 'check',
    parts: policies,
    needs: ['call', 'bodies', ...(needs?.keys() ?? [])].filter((fact) => fact !== 'message'),
    adds: ['messages'],
    check: (request, facts): MaybePromise<Outcome<MessagesFacts<Facts>>> => {
      const known = Object.assign({}, facts);
      const { messages, keep } = admitted<Facts>();
      const ask = (message: unknown): MaybePromise<BodyOutcome> =>
        chain<Decision<Facts>, BodyOutcome>(
          // All that the guard needs is in `facts`, but for the message.
          () => admission.check(request, { ...known, message } as unknown as Host),
          (decision) => keep(message, decision),
          (cause) => ({ ok: false, denial: fault('policy.threw', cause) }),
        );
      if (facts.call.protocol !== 'graphql') return pass({ messages }, { onMessage: ask });
      if (executesSeveral(facts)) return REPEATED;
      // Arguments, and not variables: those are not all of the input.
      const args = facts.call.fields[0]?.args();
      return chain<BodyOutcome, Outcome<MessagesFacts<Facts>>>(
        () => ask(args),
        (outcome) => (outcome.ok ? pass({ messages }) : denyWith(outcome.denial)),
        (cause) => denyWith(fault('policy.threw', cause)),
      );
    },
  });
}

interface Described {
  readonly policies: readonly PolicyInfo[];
  readonly needs: ReadonlyMap<string, string>;
}

/** What is done once for a call, and cannot be done for a message that was let in already. */
const LATE: ReadonlySet<string> = new Set(['limit', 'input', 'output']);

const REPEATED = sharedDenial({
  kind: 'malformed',
  code: 'message.repeated',
  detail: 'One operation may run this field once.',
});

/** Keeps what the messages of one call were admitted with. */
function admitted<Facts extends object>(): {
  readonly messages: Messages<Facts>;
  readonly keep: (message: unknown, decision: Decision<Facts>) => BodyOutcome;
} {
  let count = 0;
  let first: Readonly<Facts> | undefined;
  // A stream may hold any number: each is forgotten with its message.
  const byMessage = new WeakMap<object, Readonly<Facts>>();
  return {
    messages: Object.freeze<Messages<Facts>>({
      only: () => {
        if (count === 1 && first !== undefined) return first;
        throw new ConfigurationError(
          count === 0
            ? `${NAME}: no message of this call was admitted.`
            : `${NAME}: the call has several messages. Ask messages.of(message).`,
        );
      },
      of: (message) => {
        const facts = byMessage.get(message);
        if (facts !== undefined) return facts;
        throw new ConfigurationError(
          `${NAME}: this message was not admitted. Ask with the object that the handler was given, ` +
            'and put what replaces messages, like validateInput, in front.',
        );
      },
    }),
    keep: (message, decision) => {
      if (!decision.allowed) return { ok: false, denial: decision.denial };
      if (decision.obligations.length > 0) return { ok: false, denial: OBLIGED };
      count++;
      first = count === 1 ? decision.facts : undefined;
      if (typeof message === 'object' && message !== null) byMessage.set(message, decision.facts);
      if (count > 1) return { ok: true };
      const { trace: within } = decision;
      return { ok: true, trace: [{ policy: NAME, role: 'check', verdict: 'passed', within }] };
    },
  };
}

const OBLIGED = Object.freeze(
  fault(
    'policy.invalid_outcome',
    `${NAME}: a policy of the guard obliges the server to something. Put it into the guard of the call.`,
  ),
);
