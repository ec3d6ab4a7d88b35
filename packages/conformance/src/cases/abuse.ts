import { type Case, type Expectation, honest, once } from '../case.ts';
import { ACCOUNT_HEADER, FREE_FAILURES, OBJECT_HEADER, OBJECTS } from '../limit-policies.ts';

const WRONG = { amount: 401 };
const RIGHT = { amount: 1 };

const forbidden = (code: string) => ({ allowed: false, kind: 'forbidden', code }) as const;

const throttled: Expectation = {
  allowed: false,
  kind: 'rate_limited',
  code: 'failures.throttled',
  retryAfter: true,
};

const account = (name: string) => ({ headers: [[ACCOUNT_HEADER, name]] }) as const;
const solved = (token: string) => ({ headers: [['x-human-token', token]] }) as const;

/** One subject for all calls of a case. */
const oneCaller = (): NonNullable<Case['authorization']> =>
  once(({ token }) => token({ claims: { sub: crypto.randomUUID() } }).then((it) => `Bearer ${it}`));

const alice: NonNullable<Case['authorization']> = async ({ token }) => `Bearer ${await token()}`;

/** The token of a step that this caller has taken. */
function taken(by: string): NonNullable<Case['headers']> {
  return once(async ({ steps }) => [['x-step-token', await steps.issue('cart', by)]]);
}

/** Guesses, scans, scripts and callers who are not wanted. */
export const abuseCases: readonly Case[] = [
  {
    name: 'a peer whose address is denied',
    operation: 'notLocal',
    expect: forbidden('peer.denied'),
  },
  {
    name: 'a peer whose address is denied, who says that it has another',
    operation: 'notLocal',
    headers: [
      ['x-forwarded-for', '198.51.100.7'],
      ['forwarded', 'for=198.51.100.7'],
    ],
    expect: forbidden('peer.denied'),
  },
  {
    name: 'a peer whose address is not denied',
    operation: 'notRemote',
    expect: { allowed: true },
  },
  {
    name: 'the last wrong password before a pause',
    operation: 'signInTold',
    ...account('last'),
    message: WRONG,
    after: FREE_FAILURES,
    expect: { allowed: true },
  },
  {
    name: 'one wrong password more, where the handler tells',
    operation: 'signInTold',
    ...account('told'),
    message: WRONG,
    after: FREE_FAILURES + 1,
    expect: throttled,
  },
  {
    name: 'right passwords, where the handler tells',
    operation: 'signInTold',
    ...account('told and right'),
    message: RIGHT,
    after: FREE_FAILURES + 2,
    expect: { allowed: true },
  },
  {
    name: 'one wrong password more, where the status tells',
    operation: 'signIn',
    ...account('by status'),
    message: WRONG,
    after: FREE_FAILURES + 1,
    needs: 'statuses',
    expect: throttled,
  },
  {
    name: 'right passwords, where the status tells',
    operation: 'signIn',
    ...account('by status and right'),
    message: RIGHT,
    after: FREE_FAILURES + 2,
    needs: 'statuses',
    expect: { allowed: true },
  },
  {
    name: 'one wrong password more, for an account that the body names',
    operation: 'signInByBody',
    message: WRONG,
    after: FREE_FAILURES + 1,
    expect: throttled,
  },
  {
    name: 'right passwords, for an account that the body names',
    operation: 'signInByBody',
    message: RIGHT,
    after: FREE_FAILURES + 2,
    expect: { allowed: true },
  },
  {
    name: 'a password for no account',
    operation: 'signInTold',
    message: RIGHT,
    expect: { allowed: false, kind: 'malformed', code: 'failures.account_missing' },
  },
  {
    name: 'as many objects as one caller may ask for',
    operation: 'enumerated',
    authorization: oneCaller(),
    after: OBJECTS - 1,
    expect: { allowed: true },
  },
  {
    name: 'one object after the other',
    operation: 'enumerated',
    authorization: oneCaller(),
    // Objects whose hashes meet count as one, so it takes a few more than the limit.
    after: 4 * OBJECTS,
    expect: {
      allowed: false,
      kind: 'rate_limited',
      code: 'enumeration.detected',
      retryAfter: true,
    },
  },
  {
    name: 'one object again and again',
    operation: 'enumerated',
    authorization: oneCaller(),
    headers: [[OBJECT_HEADER, 'order-1']],
    after: 4 * OBJECTS,
    expect: { allowed: true },
  },
  {
    name: 'a solved challenge',
    operation: 'people',
    ...solved('solved-1'),
    expect: { allowed: true },
  },
  { name: 'no challenge', operation: 'people', expect: forbidden('human.missing') },
  {
    name: 'a challenge that nobody solved',
    operation: 'people',
    ...solved('made-up'),
    expect: forbidden('human.denied'),
  },
  {
    name: 'a solved challenge for the second time',
    operation: 'people',
    ...solved('solved-2'),
    after: 1,
    expect: forbidden('human.replayed'),
  },
  {
    name: 'the step before, taken',
    operation: 'payment',
    authorization: alice,
    headers: taken('alice'),
    expect: { allowed: true },
  },
  {
    name: 'the step before, not taken',
    operation: 'payment',
    authorization: alice,
    expect: forbidden('step.missing'),
  },
  {
    name: 'the step before, taken by somebody else',
    operation: 'payment',
    authorization: honest,
    headers: taken('alice'),
    expect: forbidden('step.denied'),
  },
  {
    name: 'the step before, followed for the second time',
    operation: 'payment',
    authorization: alice,
    headers: taken('alice'),
    after: 1,
    expect: forbidden('step.replayed'),
  },
];
