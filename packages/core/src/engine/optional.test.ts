import { expect, test } from 'vitest';
import { allowAnonymous } from '../authorization/allow-anonymous.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { anyOf } from './combine.ts';
import { guard } from './guard.ts';
import { optional } from './optional.ts';
import { deny, type Outcome, pass } from './outcome.ts';
import { definePolicy } from './policy.ts';

const request = new Request('https://api.example.com/orders');
const seed = {
  call: { protocol: 'http', operation: 'GET /' },
  peer: { address: undefined, id: undefined },
} as const;

const answering = (answer: () => Outcome<{ user: string }> | Promise<Outcome<{ user: string }>>) =>
  definePolicy<object, { user: string }, 'check'>({ name: 'who', role: 'check', check: answer });
const missing = () => deny('unauthenticated', 'credentials.missing');
const bad: Outcome<never> = {
  ok: false,
  conclusive: true,
  denial: { kind: 'unauthenticated', code: 'token.expired' },
};

test('a caller with credentials is known', async () => {
  const policy = optional(answering(() => pass({ user: 'ann' })));
  const decision = await guard().use(policy).use(allowAnonymous()).check(request, seed);
  expect(decision).toMatchObject({ allowed: true, facts: { user: 'ann' } });
});

test.each([
  ['at once', missing],
  ['later', async () => missing()],
])(
  'a caller without credentials passes as unknown, and the trace says so: %s',
  async (_name, answer) => {
    const policy = optional(answering(answer));
    const decision = await guard().use(policy).use(allowAnonymous()).check(request, seed);
    expect(decision.allowed).toBe(true);
    expect(decision.allowed && 'user' in decision.facts).toBe(false);
    expect(decision.trace[0]).toMatchObject({ policy: 'optional(who)', verdict: 'skipped' });
  },
);

test.each<[string, () => Outcome<{ user: string }>]>([
  ['bad credentials', () => bad],
  [
    'a denial for want of credentials that is conclusive',
    () => ({ ...missing(), conclusive: true }),
  ],
  ['another denial', () => deny('forbidden', 'user.blocked')],
  ['any other 401', () => deny('unauthenticated', 'token.expired')],
  ['a fault of ours', () => deny('unavailable', 'keys.unavailable')],
  [
    'a throw',
    () => {
      throw new Error('boom');
    },
  ],
  ['what is no outcome', () => undefined as never],
])('%s is denied as ever', async (_name, answer) => {
  const policy = optional(answering(answer));
  const decision = await guard().use(policy).use(allowAnonymous()).check(request, seed);
  expect(decision.allowed).toBe(false);
});

test('one of several ways may be left out', async () => {
  const either = anyOf(answering(missing), answering(missing));
  expect(await optional(either).check(request, seed)).toMatchObject({ ok: true, facts: {} });
  for (const other of [
    anyOf(
      answering(missing),
      answering(() => deny('unauthenticated', 'session.expired')),
    ),
    anyOf(
      answering(() => deny('unauthenticated', 'session.expired')),
      answering(missing),
    ),
  ]) {
    expect(await optional(other).check(request, seed)).toMatchObject({
      ok: false,
      denial: { code: 'session.expired' },
    });
  }
  const broken = anyOf(
    answering(missing),
    answering(() => bad),
  );
  expect(await optional(broken).check(request, seed)).toMatchObject({ ok: false });
});

test('what a part took is given back after it denied', async () => {
  const ended: string[] = [];
  const policy = optional(
    answering(() => ({
      ...missing(),
      obligations: { onComplete: () => void ended.push('ended') },
    })),
  );
  const outcome = await policy.check(request, seed);
  const [duty] = [outcome.obligations].flat();
  await duty?.onComplete?.({ outcome: 'succeeded', facts: {}, trace: [] });
  expect(ended).toEqual(['ended']);
});

test('admits nobody by itself, whatever it holds', () => {
  expect(optional(allowAnonymous()).role).toBe('check');
  expect(() => optional({} as never)).toThrow(ConfigurationError);
});
