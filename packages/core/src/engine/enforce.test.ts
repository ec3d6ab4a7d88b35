import { describe, expect, test } from 'vitest';
import { allowAnonymous } from '../authorization/allow-anonymous.ts';
import { UNKNOWN_PEER } from '../host/peer.ts';
import type { Decision } from './decision.ts';
import { enforce } from './enforce.ts';
import { guard } from './guard.ts';
import type { BodyOutcome, Completion, Obligations } from './obligations.ts';
import { deny, pass } from './outcome.ts';
import { definePolicy } from './policy.ts';

const trace = [{ policy: 'a', role: 'grant', verdict: 'passed' }] as const;

function allowed(...obligations: Obligations[]): Decision<{ readonly tenant: string }> {
  return { allowed: true, facts: { tenant: 'acme' }, guard: {}, obligations, trace };
}

function denied(...obligations: Obligations[]): Decision<object> {
  const denial = { kind: 'forbidden', code: 'a.b' } as const;
  return { allowed: false, denial, gathered: { tenant: 'acme' }, obligations, trace };
}

describe('bodies', () => {
  const replace = (value: unknown): Obligations => ({ onMessage: () => ({ ok: true, value }) });

  test('are of no interest where no policy asks', () => {
    const { onMessage, onRelease, awaited } = enforce(allowed({ headers: [] }));
    expect([onMessage, onRelease, awaited]).toEqual([undefined, undefined, false]);
  });

  test('go from one policy to the next, each seeing what the one before it made', async () => {
    const seen: unknown[] = [];
    const look: Obligations = {
      onMessage: (message) => {
        seen.push(message);
        return { ok: true };
      },
    };
    const { onMessage } = enforce(allowed(look, replace(2), look, replace(undefined), look));
    expect(await onMessage?.(1)).toEqual({ ok: true, value: undefined });
    expect(seen).toEqual([1, 2, undefined]);
  });

  test('stay as they are where nobody replaces them', () => {
    const { onMessage, onRelease } = enforce(
      allowed({ onMessage: () => ({ ok: true }), onRelease: () => ({ ok: true }) }),
    );
    // At once: no promise where none is needed.
    expect(onMessage?.(1)).toEqual({ ok: true });
    expect(onRelease?.(1)).toEqual({ ok: true });
  });

  test.each<[string, (body: unknown) => unknown, string]>([
    ['denies', () => ({ ok: false, denial: { kind: 'malformed', code: 'a.b' } }), 'a.b'],
    [
      'denies later',
      async () => ({ ok: false, denial: { kind: 'malformed', code: 'a.b' } }),
      'a.b',
    ],
    [
      'throws',
      () => {
        throw new Error('broken');
      },
      'policy.threw',
    ],
    ['rejects', async () => Promise.reject(new Error('broken')), 'policy.threw'],
    ['answers nothing', () => undefined, 'policy.invalid_outcome'],
    ['answers null, later', async () => null, 'policy.invalid_outcome'],
    ['answers true', () => true, 'policy.invalid_outcome'],
    ['answers a response', () => new Response(), 'policy.invalid_outcome'],
    [
      'denies with an unknown kind',
      () => ({ ok: false, denial: { kind: 'teapot', code: 'a.b' } }),
      'policy.invalid_outcome',
    ],
    ['is no function', 7 as never, 'policy.threw'],
  ])('are denied when a policy %s, and nobody after it is asked', async (_name, inspect, code) => {
    let asked = 0;
    const after: Obligations = {
      onRelease: () => {
        asked++;
        return { ok: true };
      },
    };
    const { onRelease } = enforce(allowed({ onRelease: inspect as () => BodyOutcome }, after));
    expect(await onRelease?.({})).toMatchObject({ ok: false, denial: { code } });
    expect(asked).toBe(0);
  });
});

describe('headers', () => {
  test('are edited in order', () => {
    const headers = new Headers({ server: 'x' });
    const duty: Obligations = {
      headers: [
        { op: 'delete', name: 'server' },
        { op: 'set', name: 'a', value: '1' },
        { op: 'append', name: 'a', value: '2' },
      ],
    };
    enforce(denied(duty, { headers: [{ op: 'append', name: 'a', value: '3' }] })).applyHeaders(
      headers,
    );
    expect(Object.fromEntries(headers)).toEqual({ a: '1, 2, 3' });
  });
});

describe('the end', () => {
  test('is reported to every listener once, whatever comes after', () => {
    const told: string[] = [];
    const listen = (name: string): Obligations => ({
      onComplete: ({ outcome }) => void told.push(name + outcome),
    });
    const { complete, awaited } = enforce(allowed(listen('a '), listen('b ')));
    complete({ outcome: 'aborted' });
    complete({ outcome: 'succeeded' });
    expect(told).toEqual(['a aborted', 'b aborted']);
    expect(awaited).toBe(true);
  });

  const completion = (
    decision: (listen: Obligations) => Decision<object>,
    ...ending: Parameters<ReturnType<typeof enforce>['complete']>
  ) => {
    let seen: Completion | undefined;
    enforce(
      decision({
        onComplete: (end) => {
          seen = end;
        },
      }),
    ).complete(...ending);
    return seen;
  };

  test('has the facts of an admitted call, and the denial that came late', () => {
    const denial = { kind: 'internal', code: 'release.unfilterable' } as const;
    expect(completion(allowed, { outcome: 'denied', status: 500, denial })).toEqual({
      outcome: 'denied',
      status: 500,
      denial,
      facts: { tenant: 'acme' },
      trace,
    });
  });

  test('has what a denied call had gathered, and its denial', () => {
    expect(completion(denied, { outcome: 'denied', status: 403 })).toEqual({
      outcome: 'denied',
      status: 403,
      denial: { kind: 'forbidden', code: 'a.b' },
      facts: { tenant: 'acme' },
      trace,
    });
  });

  test('has what policies in shadow mode saw in bodies', async () => {
    const seen = { policy: 'b', role: 'check', verdict: 'would_deny' } as const;
    let end: Completion | undefined;
    const { onMessage, complete } = enforce(
      allowed({
        onMessage: () => ({ ok: true, trace: [seen] }),
        onComplete: (completed) => {
          end = completed;
        },
      }),
    );
    await onMessage?.({});
    complete({ outcome: 'succeeded' });
    expect(end?.trace).toEqual([...trace, seen]);
  });

  test.each<[string, Obligations['onComplete']]>([
    [
      'throws',
      () => {
        throw new Error('log full');
      },
    ],
    ['rejects', async () => Promise.reject(new Error('log full'))],
  ])('goes on when a listener %s, and the fault is reported', async (_name, onComplete) => {
    const faults: unknown[] = [];
    let others = 0;
    const decision = allowed(
      { onComplete: onComplete as () => void },
      { onComplete: () => void others++ },
    );
    enforce(decision, (cause) => {
      faults.push(cause);
      throw new Error('nobody listens');
    }).complete({ outcome: 'succeeded' });
    enforce(decision).complete({ outcome: 'succeeded' });
    await new Promise((resolve) => setTimeout(resolve));
    expect(faults).toEqual([new Error('log full')]);
    expect(others).toBe(2);
  });
});

describe('onDecision', () => {
  const call = { call: { protocol: 'http', operation: 'GET /' }, peer: UNKNOWN_PEER } as const;

  test('receives the decision before it takes effect, allowed or denied', async () => {
    const told: unknown[] = [];
    const listener = definePolicy({
      name: 'listener',
      role: 'check',
      always: { onDecision: ({ allowed, denial }) => void told.push([allowed, denial?.code]) },
      check: () => pass(),
    });
    const closed = definePolicy({
      name: 'closed',
      role: 'check',
      check: () => deny('forbidden', 'shop.closed'),
    });
    for (const each of [
      guard().use(listener).use(allowAnonymous()),
      guard().use(closed).use(listener).use(allowAnonymous()),
      guard().use(listener, { mode: 'shadow' }).use(allowAnonymous()),
    ]) {
      enforce(await each.check(new Request('https://a.example'), call));
    }
    expect(told).toEqual([
      [true, undefined],
      [false, 'shop.closed'],
      [true, undefined],
    ]);
  });

  test('changes nothing by throwing', async () => {
    const faults: unknown[] = [];
    const broken = definePolicy({
      name: 'broken',
      role: 'check',
      always: {
        onDecision: () => {
          throw new Error('no');
        },
      },
      check: () => pass(),
    });
    const decision = await guard()
      .use(broken)
      .use(allowAnonymous())
      .check(new Request('https://a.example'), call);
    enforce(decision, (cause) => faults.push(cause));
    expect(decision.allowed).toBe(true);
    expect(faults).toHaveLength(1);
  });
});
