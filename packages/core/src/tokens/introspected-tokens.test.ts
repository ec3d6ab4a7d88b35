import * as fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { active, type FakeIssuer, fakeIssuer, optionsFor } from '../../test/introspection-kit.ts';
import { bearer, claims, NOW } from '../../test/jwt-kit.ts';
import {
  type AuthenticateIntrospectionOptions,
  authenticateIntrospection,
} from './authenticate-introspection.ts';

/** The policy on a clock of the test, before an issuer of the test. */
function setUp(say?: FakeIssuer['say'], changes: Partial<AuthenticateIntrospectionOptions> = {}) {
  const clock = { time: NOW };
  const issuer = fakeIssuer(say ?? (() => ({ ...active, exp: NOW / 1000 + 3600 })));
  const policy = authenticateIntrospection(
    optionsFor(issuer, { now: () => clock.time, ...changes }),
  );
  const ask = async (token = 'opaque') => policy.check(bearer(token), {});
  const code = async (token = 'opaque') => {
    const outcome = await ask(token);
    return outcome.ok ? 'ok' : outcome.denial.code;
  };
  return { clock, issuer, policy, ask, code };
}
/** Lets what runs in the background come to its end. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 5));
/** The same where nothing waits for a timer. */
const settledSoon = async () => {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
};
const down = () => Promise.reject(new TypeError('fetch failed'));

describe('an active token', () => {
  test('is asked about once, and then known at once', async () => {
    const { policy, issuer, code } = setUp();
    expect(await code()).toBe('ok');
    const again = policy.check(bearer('opaque'), {});
    expect(again).toMatchObject({ ok: true });
    expect(policy.check(bearer('opaque'), {})).toBe(again);
    expect(issuer.asked).toHaveLength(1);
  });

  test('is asked about once however many calls bring it at the same moment', async () => {
    const { issuer, code } = setUp();
    const codes = await Promise.all(Array.from({ length: 50 }, () => code()));
    expect(new Set(codes)).toEqual(new Set(['ok']));
    expect(issuer.asked).toHaveLength(1);
  });

  test('is known by the whole of it and by its scheme', async () => {
    const { policy, issuer, code } = setUp(undefined, { schemes: ['Bearer', 'DPoP'] });
    const long = 'x'.repeat(4000);
    for (const token of [`${long}a`, `${long}b`, `a${long}`, `b${long}`]) await code(token);
    expect(issuer.asked).toHaveLength(4);
    const other = new Request('https://api', { headers: { authorization: `DPoP ${long}a` } });
    expect(await policy.check(other, {})).toMatchObject({ denial: { code: 'token.unconfirmed' } });
  });

  test('that was revoked is denied within the bound, asked ahead of it', async () => {
    const { clock, issuer, code } = setUp();
    await code();
    issuer.say = () => ({ active: false });
    clock.time += 14_999;
    expect(await code()).toBe('ok');
    await settled();
    expect(issuer.asked).toHaveLength(1);
    clock.time += 1;
    // Half of the time has passed: answered as it was, and asked beside.
    expect(await code()).toBe('ok');
    await settled();
    expect(issuer.asked).toHaveLength(2);
    expect(await code()).toBe('token.inactive');
  });

  test('that nobody used in between is asked about again at the bound', async () => {
    const { clock, issuer, code } = setUp();
    await code();
    issuer.say = () => ({ active: false });
    clock.time += 30_000;
    expect(await code()).toBe('token.inactive');
  });

  test('counts as of when it was asked about, not as of when the answer came', async () => {
    let answer: (said: object) => void = () => undefined;
    const { clock, issuer, code } = setUp(() => new Promise((resolve) => (answer = resolve)));
    const first = code();
    await settled();
    clock.time += 20_000;
    answer({ ...active, exp: NOW / 1000 + 3600 });
    expect(await first).toBe('ok');
    issuer.say = () => ({ active: false });
    clock.time += 10_000;
    expect(await code()).toBe('token.inactive');
  });

  test('is not remembered beyond its end, tolerance or not', async () => {
    const { clock, issuer, code } = setUp(() => ({ ...active, exp: NOW / 1000 + 2 }));
    expect(await code()).toBe('ok');
    clock.time += 1_999;
    expect(await code()).toBe('ok');
    await settled();
    const asked = issuer.asked.length;
    clock.time += 1;
    expect(await code()).toBe('ok');
    expect(issuer.asked).toHaveLength(asked + 1);
    clock.time += 5_000;
    expect(await code()).toBe('token.expired');
  });

  test('is asked about again after the clock was set back', async () => {
    const { clock, issuer, code } = setUp();
    await code();
    clock.time -= 1;
    await code();
    expect(issuer.asked).toHaveLength(2);
  });

  test('is asked about every time without a cache', async () => {
    const { issuer, code } = setUp(undefined, { cache: false });
    for (let call = 0; call < 3; call++) expect(await code()).toBe('ok');
    expect(issuer.asked).toHaveLength(3);
  });
});

describe('a token that is not active', () => {
  test('is remembered for a moment, and becomes good when the issuer says so', async () => {
    const { clock, issuer, code } = setUp(() => ({ active: false }));
    for (let call = 0; call < 3; call++) expect(await code()).toBe('token.inactive');
    expect(issuer.asked).toHaveLength(1);
    issuer.say = () => ({ ...active, exp: NOW / 1000 + 3600 });
    clock.time += 4_999;
    expect(await code()).toBe('token.inactive');
    clock.time += 1;
    expect(await code()).toBe('ok');
  });

  test('never pushes an active one out', async () => {
    const { clock, issuer, code } = setUp(
      (token) => (token === 'good' ? { ...active, exp: NOW / 1000 + 3600 } : { active: false }),
      { cache: { maxEntries: 4, maxRevocationDelay: '1h' }, maxInactivePerSecond: 1e6 },
    );
    await code('good');
    for (let guess = 0; guess < 200; guess++) await code(`guess${guess}`);
    clock.time += 1;
    const asked = issuer.asked.length;
    expect(await code('good')).toBe('ok');
    expect(issuer.asked).toHaveLength(asked);
  });
});

describe('a flood of made-up tokens', () => {
  test('costs the issuer no more than the rate, and known tokens nothing', async () => {
    const { clock, issuer, code } = setUp(
      (token) =>
        token.startsWith('good') ? { ...active, exp: NOW / 1000 + 3600 } : { active: false },
      { maxInactivePerSecond: 10 },
    );
    await code('good');
    const codes: string[] = [];
    for (let guess = 0; guess < 100; guess++) codes.push(await code(`guess${guess}`));
    expect(codes.filter((each) => each === 'token.inactive')).toHaveLength(10);
    expect(codes.filter((each) => each === 'introspection.overloaded')).toHaveLength(90);
    expect(issuer.asked).toHaveLength(11);
    expect(await code('good')).toBe('ok');
    expect(await code('good2')).toBe('introspection.overloaded');
    clock.time += 100;
    expect(await code('good2')).toBe('ok');
    // A good token takes nothing of the rate.
    expect(await code('good3')).toBe('ok');
  });

  test('costs no more than the rate either while none of the answers has come', async () => {
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const slow = () => gate.then(() => ({ active: false }));
    const { issuer, code } = setUp(slow, { maxInactivePerSecond: 50, maxConcurrent: 1_000 });
    const codes = Array.from({ length: 3_700 }, (_, index) => code(`made-up-${index}`));
    await settledSoon();
    open();
    await Promise.all(codes);
    expect(issuer.asked).toHaveLength(50);
  });

  test('of good tokens any number is asked about', async () => {
    const { code } = setUp(undefined, { maxInactivePerSecond: 2 });
    for (let index = 0; index < 50; index++) expect(await code(`good-${index}`)).toBe('ok');
  });

  test('from one address does not keep out callers from another', async () => {
    const { policy } = setUp(
      (token) =>
        token.startsWith('good') ? { ...active, exp: NOW / 1000 + 3600 } : { active: false },
      { maxInactivePerSecond: 50 },
    );
    const from = async (token: string, id: string) => {
      const outcome = await policy.check(bearer(token), { peer: { address: id, id } });
      return outcome.ok ? 'ok' : outcome.denial.code;
    };
    const flood = [];
    for (let index = 0; index < 100; index++)
      flood.push(await from(`made-up-${index}`, '192.0.2.66'));
    expect(flood.filter((code) => code === 'token.inactive')).toHaveLength(10);
    expect(flood.filter((code) => code === 'introspection.overloaded')).toHaveLength(90);
    for (let index = 0; index < 20; index++) {
      expect(await from(`good-${index}`, `198.51.100.${index}`)).toBe('ok');
    }
  });

  test('has only so many questions in flight', async () => {
    const answers: ((said: object) => void)[] = [];
    const { issuer, code } = setUp(() => new Promise((resolve) => answers.push(resolve)), {
      maxConcurrent: 5,
    });
    const calls = Array.from({ length: 20 }, (_, index) => code(`token${index}`));
    await settled();
    expect(issuer.asked).toHaveLength(5);
    for (const answer of answers) answer({ active: false });
    const codes = await Promise.all(calls);
    expect(codes.filter((each) => each === 'token.inactive')).toHaveLength(5);
    expect(codes.filter((each) => each === 'introspection.overloaded')).toHaveLength(15);
    issuer.say = () => ({ ...active });
    expect(await code('another')).toBe('ok');
  });
});

describe('while the issuer is down', () => {
  test('known tokens pass within the bound, and then every caller gets a retry time', async () => {
    const { clock, issuer, ask, code } = setUp();
    await code();
    issuer.say = down;
    for (const later of [16_000, 4_000, 4_000, 5_999]) {
      clock.time += later;
      expect(await code()).toBe('ok');
      await settled();
    }
    expect(await ask('unknown')).toMatchObject({
      denial: {
        kind: 'unavailable',
        code: 'introspection.unavailable',
        // After the fourth question without an answer it is not asked for eight seconds.
        retryAfterMs: 8_000,
      },
      conclusive: true,
    });
    clock.time += 1;
    expect(await code()).toBe('introspection.unavailable');
  });

  test('one broken connection in many is felt by nobody', async () => {
    let asked = 0;
    const { issuer, code } = setUp(() =>
      ++asked % 10 === 1 ? down() : { ...active, exp: NOW / 1000 + 3600 },
    );
    for (let index = 0; index < 40; index++) expect(await code(`good-${index}`)).toBe('ok');
    expect(issuer.asked.length).toBeGreaterThan(40);
  });

  test('known callers do not notice a temporary failure', async () => {
    const { clock, issuer, policy, code } = setUp();
    await code();
    issuer.say = down;
    clock.time += 15_000;
    await code();
    await settled();
    issuer.say = () => ({ ...active, exp: NOW / 1000 + 3600 });
    clock.time += 4_000;
    await code();
    await settled();
    // The one that broke was asked again at once.
    expect(issuer.asked).toHaveLength(4);
    clock.time += 12_000;
    expect(policy.check(bearer('opaque'), {})).toMatchObject({ ok: true });
  });

  test('nobody waits for ever for what another call began and its runtime has dropped', async () => {
    vi.useFakeTimers();
    try {
      const { clock, issuer, code } = setUp(() => new Promise(() => undefined), { timeout: '1s' });
      void code();
      await vi.advanceTimersByTimeAsync(1);
      // The call has ended, and its fetch and timer with it.
      vi.clearAllTimers();
      const answers: string[] = [];
      for (let n = 0; n < 3; n++) void code().then((answer) => answers.push(answer));
      await vi.advanceTimersByTimeAsync(2_000);
      expect(answers).toEqual([]);
      expect(issuer.asked).toHaveLength(1);
      // After the time that a question may take they ask themselves, once for all of them.
      issuer.say = () => ({ ...active, exp: NOW / 1000 + 3600 });
      clock.time += 3_000;
      await vi.advanceTimersByTimeAsync(1_000);
      expect(answers).toEqual(['ok', 'ok', 'ok']);
      expect(issuer.asked).toHaveLength(2);
    } finally {
      vi.useRealTimers();
    }
  });

  test('it is asked ever less often, one question at a time', async () => {
    const { clock, issuer, code } = setUp(down);
    for (let second = 0; second < 120; second++) {
      clock.time += 1_000;
      await Promise.all(Array.from({ length: 10 }, (_, index) => code(`token${second}-${index}`)));
    }
    // 10 at once before anybody knew, most of them again, then one after 1, 2, 4, 8, 16, 30, 30 seconds.
    expect(issuer.asked.length).toBeGreaterThanOrEqual(16);
    expect(issuer.asked.length).toBeLessThanOrEqual(28);
    issuer.say = () => active;
    clock.time = NOW + 200_000;
    issuer.say = () => ({ ...active, exp: clock.time / 1000 + 60 });
    expect(await code('one')).toBe('ok');
    expect(await Promise.all([code('two'), code('three')])).toEqual(['ok', 'ok']);
  });

  test('callers beside the one question that is tried learn that the issuer is down, not busy', async () => {
    const { clock, code } = setUp(down);
    await code('one');
    clock.time += 5_000;
    const codes = await Promise.all([code('two'), code('three')]);
    expect(codes).toEqual(['introspection.unavailable', 'introspection.unavailable']);
  });

  test('a token that the issuer cannot answer does not shut out the others', async () => {
    const { code } = setUp((token) =>
      token === 'poison' ? new Response('', { status: 500 }) : { ...active, exp: claims.exp },
    );
    for (let call = 0; call < 5; call++) {
      expect(await code('poison')).toBe('introspection.unavailable');
      expect(await code(`good${call}`)).toBe('ok');
    }
  });

  test('a clock that was set back far does not make the pause longer', async () => {
    const { clock, issuer, code } = setUp(down);
    await code('one');
    clock.time -= 86_400_000;
    issuer.say = () => ({ ...active, iat: undefined });
    expect(await code('two')).toBe('ok');
  });
});

test('whatever happens in whatever order, no answer is older than its bound', async () => {
  const step = fc.oneof(
    fc.record({ pass: fc.integer({ min: 1, max: 20_000 }) }),
    fc.record({ become: fc.constantFrom('active', 'inactive', 'down') }),
    fc.record({ ask: fc.constantFrom('a', 'b') }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { clock, issuer, code } = setUp();
      /** Since when the issuer says what; the same of both tokens. */
      const history = [{ at: NOW, state: 'active' }];
      const was = (state: string, within: number): boolean =>
        history.some((each, index) => {
          const end = history[index + 1]?.at ?? clock.time;
          return each.state === state && end > clock.time - within;
        }) || history.at(-1)?.state === state;
      for (const each of steps) {
        if ('pass' in each) clock.time += each.pass;
        else if ('become' in each) {
          history.push({ at: clock.time, state: each.become });
          if (each.become === 'down') issuer.say = down;
          else {
            const isActive = each.become === 'active';
            issuer.say = () => ({ ...active, active: isActive, exp: NOW / 1000 + 1e7 });
          }
        } else {
          const answer = await code(each.ask);
          if (answer === 'ok') expect(was('active', 30_000)).toBe(true);
          if (answer === 'token.inactive') expect(was('inactive', 5_000)).toBe(true);
          // A pause is at most half a minute longer than the outage.
          if (answer === 'introspection.unavailable') expect(was('down', 30_000)).toBe(true);
        }
        await settledSoon();
      }
    }),
    { numRuns: 200 },
  );
});

test.each<[string, Partial<AuthenticateIntrospectionOptions>, RegExp]>([
  ['room for one entry', { cache: { maxEntries: 1 } }, /cache: its bounds must be positive/],
  ['no room', { cache: { maxBytes: 0 } }, /cache: its bounds must be positive/],
  ['no question at a time', { maxConcurrent: 0 }, /maxConcurrent and maxInactivePerSecond/],
  ['no question in a second', { maxInactivePerSecond: 0 }, /maxConcurrent and maxInactive/],
  ['an unknown bound', { cache: { maxAge: '1s' } as never }, /cache: "maxAge" is not an option/],
])('cannot be constructed with %s', (_name, changes, message) => {
  expect(() => setUp(undefined, changes)).toThrow(message);
});

test('the least bounds construct', async () => {
  const least = {
    cache: { maxEntries: 2, maxBytes: 1 },
    maxConcurrent: 1,
    maxInactivePerSecond: 1,
  };
  const { issuer, code } = setUp(undefined, least);
  // Nothing fits into a byte, so each call is asked about.
  expect([await code(), await code()]).toEqual(['ok', 'ok']);
  expect(issuer.asked).toHaveLength(2);
});

test('a cache that is full forgets, and no more of it is kept', async () => {
  const { issuer, code } = setUp(undefined, { cache: { maxEntries: 2 } });
  for (const token of ['a', 'b', 'c', 'd', 'a']) await code(token);
  expect(issuer.asked).toHaveLength(5);
});
