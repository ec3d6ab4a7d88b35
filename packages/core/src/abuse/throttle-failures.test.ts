import { describe, expect, test, vi } from 'vitest';
import { allowAnonymous } from '../authorization/allow-anonymous.ts';
import type { CounterStore } from '../contracts/counter-store.ts';
import type { CallFacts } from '../engine/facts.ts';
import { guard } from '../engine/guard.ts';
import { type Completion, listObligations, type Obligations } from '../engine/obligations.ts';
import type { Outcome } from '../engine/outcome.ts';
import { peerOf, UNKNOWN_PEER } from '../host/peer.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { memoryCounterStore } from './memory-counter-store.ts';
import { resetFailures } from './reset-failures.ts';
import {
  type AttemptFacts,
  type ThrottleFailuresOptions,
  throttleFailures,
} from './throttle-failures.ts';

const START = 1_700_000_000_000;
const post = new Request('https://api.example.com/login', { method: 'POST' });
const http = { protocol: 'http', operation: 'POST /login' } as const;
const factsOf = (address = '192.0.2.1', call: CallFacts['call'] = http): CallFacts => ({
  call,
  peer: peerOf(address),
});

/** An operation that runs `login` once for each of the arguments. */
const graphqlFacts = (...args: (object | undefined)[]): CallFacts => ({
  ...factsOf(),
  call: {
    protocol: 'graphql',
    operation: 'mutation Login',
    fields: args.map((each) => ({
      coordinate: 'Mutation.login',
      args: () => each as Readonly<Record<string, unknown>> | undefined,
    })),
  },
});

type End = Partial<Completion> | 'right' | 'wrong';

/** A login endpoint behind the policy: sends a body, ends the call, and answers the denial's code if any. */
function login(options: Partial<ThrottleFailuresOptions> = {}) {
  const clock = { time: START };
  const policy = throttleFailures({
    accountInBody: (body) => (body as { readonly user?: string }).user,
    now: () => clock.time,
    ...options,
  });
  const begin = async (user: unknown, given = factsOf(), method = 'POST') => {
    const facts = given.call.protocol === 'graphql' ? graphqlFacts({ user }) : given;
    const outcome = await policy.check({ url: post.url, headers: post.headers, method }, facts);
    if (!outcome.ok) return { outcome, denial: outcome.denial, facts };
    const message = await dutyOf(outcome).onMessage?.({ user });
    return { outcome, denial: message?.ok === false ? message.denial : undefined, facts };
  };
  type Begun = Awaited<ReturnType<typeof begin>>;
  const end = async ({ outcome, denial, facts }: Begun, how: End) => {
    const denied = denial && { outcome: 'denied', status: 429, denial };
    const rest = denied ?? ends(how);
    await dutyOf(outcome).onComplete?.({
      outcome: 'succeeded',
      facts: { ...facts },
      trace: [],
      ...rest,
    } as Completion);
    return denial?.code;
  };
  return {
    clock,
    begin,
    end,
    attempt: async (how: End, user: unknown = 'alice', facts?: CallFacts, method?: string) =>
      end(await begin(user, facts, method), how),
  };
}

function ends(how: End): Partial<Completion> {
  if (typeof how === 'object') return how;
  return { status: how === 'right' ? 200 : 401 };
}

function dutyOf(outcome: Outcome<AttemptFacts>): Obligations {
  return listObligations(outcome.obligations)[0] ?? {};
}

async function failTimes(times: number, attempt: () => Promise<string | undefined>) {
  for (let time = 0; time < times; time++) expect(await attempt()).toBeUndefined();
}

describe('an account', () => {
  test('pauses after three failures, longer each time, and is admitted exactly when announced', async () => {
    const { attempt, begin, clock } = login();
    await failTimes(4, () => attempt('wrong'));
    for (const pause of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000]) {
      const { denial } = await begin('alice');
      expect(denial).toMatchObject({
        kind: 'rate_limited',
        code: 'failures.throttled',
        problem: { type: expect.stringMatching(/#abnormal-usage-detected$/) },
      });
      expect(denial?.retryAfterMs).toBe(pause);
      clock.time += pause - 1;
      expect(await attempt('wrong')).toBe('failures.throttled');
      clock.time += 1;
      expect(await attempt('wrong')).toBeUndefined();
    }
    expect((await begin('alice')).denial?.retryAfterMs).toBe(900_000);
    clock.time += 900_000;
    expect(await attempt('right')).toBeUndefined();
    await failTimes(4, () => attempt('wrong'));
  });

  test('is reset after a success', async () => {
    const { attempt } = login();
    for (let round = 0; round < 5; round++) {
      await failTimes(3, () => attempt('wrong'));
      expect(await attempt('right')).toBeUndefined();
    }
  });

  test('is neither reset nor charged by a call that another policy denied', async () => {
    const { attempt } = login();
    await failTimes(3, () => attempt('wrong'));
    for (const status of [400, 413, 429, 503]) {
      await failTimes(1, () => attempt({ outcome: 'denied', status }));
    }
    await failTimes(1, () => attempt('wrong'));
    expect(await attempt('right')).toBe('failures.throttled');
  });

  test.each<Partial<Completion>>([
    { outcome: 'succeeded', status: 400 },
    { outcome: 'succeeded', status: 404 },
    { outcome: 'succeeded', status: 409 },
    { outcome: 'succeeded', status: 422 },
    { outcome: 'failed', status: 500 },
    { outcome: 'failed', status: 503 },
    { outcome: 'failed', status: 200 },
    { outcome: 'failed' },
  ])('counts whatever its handler answers but success: %j', async (how) => {
    const { attempt } = login();
    await failTimes(4, () => attempt(how));
    expect(await attempt('right')).toBe('failures.throttled');
  });

  test('counts nothing if the handler reports that nothing was tried', async () => {
    const { begin, end } = login();
    for (let n = 0; n < 9; n++) {
      const begun = await begin('alice');
      if (begun.outcome.ok) begun.outcome.facts?.attempt.tell('neither');
      expect(await end(begun, { outcome: 'failed', status: 503 })).toBeUndefined();
    }
  });

  test.each<[string, Partial<Completion>]>([
    ['goes away before the answer', { outcome: 'aborted' }],
    ['is denied by a later policy with 401', { outcome: 'denied', status: 401 }],
    ['is denied by a later policy with 403', { outcome: 'denied', status: 403 }],
    ['is forbidden', { outcome: 'succeeded', status: 403 }],
  ])('counts a caller who %s', async (_, how) => {
    const { attempt } = login();
    await failTimes(4, () => attempt(how));
    expect(await attempt('right')).toBe('failures.throttled');
  });

  test('is one account however its name is written', async () => {
    const { attempt } = login();
    for (const user of ['alice', 'ALICE', ' Alice ', '\uff21lice']) {
      expect(await attempt('wrong', user)).toBeUndefined();
    }
    expect(await attempt('wrong', 'aLiCe')).toBe('failures.throttled');
    expect(await attempt('wrong', 'alice2')).toBeUndefined();
  });

  test.each(['', '  ', 7, null, [], ['a', ''], 'x'.repeat(1_025), { a: 1 }])(
    'that is no name (%j) is denied',
    async (user) => {
      expect(await login().attempt('wrong', user)).toBe('failures.account_missing');
    },
  );

  test.each([[['alice']], [['alice', 'x']], [{ toString: 'alice' }], [[['alice']]]])(
    'is not a fresh one where the body has %j in its place, which a handler may take for its name',
    async (user) => {
      const { attempt } = login();
      expect(await attempt('right', user)).toBe('failures.account_missing');
      expect(await attempt('right', user, undefined, 'GET')).toBe('failures.account_missing');
      expect(await attempt('right', user, graphqlFacts())).toBe('failures.account_missing');
      expect(await attempt('right', 'alice')).toBeUndefined();
    },
  );

  test('is throttled for every caller, while other accounts are not', async () => {
    const { attempt } = login();
    for (let peer = 1; peer <= 4; peer++)
      await attempt('wrong', 'alice', factsOf(`192.0.2.${peer}`));
    expect(await attempt('right', 'alice', factsOf('192.0.2.9'))).toBe('failures.throttled');
    expect(await attempt('right', 'bob', factsOf('192.0.2.1'))).toBeUndefined();
  });

  test('of one tenant is not that of another', async () => {
    const { attempt } = login();
    const tenant = (id: string) => ({ ...factsOf(), tenant: { id } });
    await failTimes(4, () => attempt('wrong', 'alice', tenant('a')));
    expect(await attempt('wrong', 'alice', tenant('a'))).toBe('failures.throttled');
    expect(await attempt('wrong', 'alice', tenant('b'))).toBeUndefined();
  });

  test('is kept by its hash: its name does not reach the store', async () => {
    const store = memoryCounterStore();
    const attempt = vi.fn(store.attempt);
    const { begin } = login({ store: { ...store, attempt }, name: 'login' });
    await begin('alice@example.com');
    expect(JSON.stringify(attempt.mock.calls)).not.toMatch(/alice/i);
  });
});

describe('many guesses at once', () => {
  test('get no further than as many in a row', async () => {
    const { begin } = login();
    const begun = await Promise.all(Array.from({ length: 50 }, () => begin('alice')));
    expect(begun.filter(({ denial }) => denial === undefined)).toHaveLength(4);
  });

  test('an honest success among them resets the count, and the calls it delayed cost nothing', async () => {
    const { begin, end, attempt } = login();
    const begun = await Promise.all(Array.from({ length: 4 }, () => begin('alice')));
    for (const each of begun) await end(each, 'right');
    await failTimes(4, () => attempt('wrong'));
  });

  test('from one peer over many accounts are stopped as well', async () => {
    const { begin } = login();
    const begun = await Promise.all(Array.from({ length: 50 }, (_, n) => begin(`user${n}`)));
    expect(begun.filter(({ denial }) => denial === undefined)).toHaveLength(21);
  });
});

describe('a peer', () => {
  test('is not washed clean by successes with an account of its own', async () => {
    const { attempt } = login();
    for (let n = 0; n < 21; n++) {
      expect(await attempt('wrong', `user${n}`)).toBeUndefined();
      if (n < 20) expect(await attempt('right', 'own')).toBeUndefined();
    }
    expect(await attempt('right', 'own')).toBe('failures.throttled');
  });

  test('with honest users behind it is not throttled by their successes', async () => {
    const { attempt } = login();
    await failTimes(200, () => attempt('right', 'alice'));
  });

  test('is not charged for attempts that its account denied', async () => {
    const { attempt } = login({ perPeer: { free: 6, lock: { after: 7 } } });
    await failTimes(4, () => attempt('wrong'));
    for (let n = 0; n < 20; n++) expect(await attempt('wrong')).toBe('failures.throttled');
    expect(await attempt('right', 'bob')).toBeUndefined();
  });

  test('that nobody knows is denied, unless it is said what to count by', async () => {
    const unknown = { call: http, peer: UNKNOWN_PEER };
    expect(await login().attempt('right', 'alice', unknown)).toBe('failures.key_missing');
    const peer = (facts: CallFacts) => facts.peer.id ?? 'unknown';
    expect(await login({ peer }).attempt('right', 'alice', unknown)).toBeUndefined();
    expect(await login({ perPeer: 'none' }).attempt('right', 'alice', unknown)).toBeUndefined();
  });

  test('pauses after twenty failures, for up to a minute each, and for 15 from a hundred on', async () => {
    const { begin, end, clock } = login();
    let accounts = 0;
    const guess = async () => {
      // Another account each time, so that none of them has to wait.
      const begun = await begin(`user${accounts++}`);
      if (begun.denial === undefined) await end(begun, 'wrong');
      return begun.denial?.retryAfterMs ?? 0;
    };
    const seconds = async () => {
      const wait = await guess();
      clock.time += wait;
      return wait / 1_000;
    };
    for (let failure = 0; failure < 21; failure++) expect(await guess()).toBe(0);
    const pauses: number[] = [];
    for (let failure = 21; failure <= 100; failure++) {
      pauses.push(await seconds());
      expect(await guess()).toBe(0);
    }
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, ...Array.from({ length: 73 }, () => 60), 900]);
    clock.time += 86_400_000;
    for (let failure = 0; failure < 21; failure++) expect(await guess()).toBe(0);
    expect(await guess()).toBe(1_000);
  });

  test('may count alone, and then it is answered at once', () => {
    const policy = throttleFailures({ now: () => START });
    for (let n = 0; n < 21; n++) expect(policy.check(post, factsOf())).toMatchObject({ ok: true });
    expect(policy.check(post, factsOf())).toMatchObject({ ok: false });
    expect(policy.check(post, factsOf('192.0.2.2'))).toMatchObject({ ok: true });
  });
});

describe('how a call came out', () => {
  const grpc = factsOf('192.0.2.1', { protocol: 'grpc', operation: '/a.B/Login' });
  const graphql = graphqlFacts();

  test('follows the status of gRPC', async () => {
    for (const status of [16, 7]) {
      const { attempt } = login();
      await failTimes(4, () => attempt({ outcome: 'failed', status }, 'alice', grpc));
      expect(await attempt('right', 'alice', grpc)).toBe('failures.throttled');
    }
    const { attempt } = login();
    await failTimes(20, () => attempt({ outcome: 'succeeded', status: 0 }, 'alice', grpc));
    await failTimes(4, () => attempt({ outcome: 'failed', status: 3 }, 'alice', grpc));
    expect(await attempt('right', 'alice', grpc)).toBe('failures.throttled');
  });

  test('does not follow the status of GraphQL, so the call counts as failed', async () => {
    const { attempt } = login();
    await failTimes(4, () => attempt('right', 'alice', graphql));
    expect(await attempt('right', 'alice', graphql)).toBe('failures.throttled');
  });

  test('can be reported by the handler', async () => {
    const { begin, end } = login();
    for (let n = 0; n < 10; n++) {
      const begun = await begin('alice', graphql);
      if (begun.outcome.ok) begun.outcome.facts?.attempt.tell('succeeded');
      expect(await end(begun, 'right')).toBeUndefined();
    }
    for (let n = 0; n < 4; n++) {
      const begun = await begin('alice');
      if (begun.outcome.ok) begun.outcome.facts?.attempt.tell('failed');
      await end(begun, 'right');
    }
    expect((await begin('alice')).denial?.code).toBe('failures.throttled');
  });

  test('can be judged by a function, and nonsense counts as failed', async () => {
    const told = login({ judge: ({ status }) => (status === 422 ? 'failed' : 'succeeded') });
    await failTimes(3, () => told.attempt({ status: 422 }));
    await failTimes(3, () => told.attempt({ status: 401 }));
    const nonsense = login({ judge: () => 'yes' as never });
    await failTimes(4, () => nonsense.attempt('right'));
    expect(await nonsense.attempt('right')).toBe('failures.throttled');
  });

  test('counts for one message: a second one is denied', async () => {
    const { begin } = login();
    const { outcome } = await begin('alice');
    const again = await dutyOf(outcome).onMessage?.({ user: 'bob' });
    expect(again).toMatchObject({ ok: false, denial: { code: 'failures.repeated' } });
  });
});

describe('a stream of gRPC', () => {
  const grpc = factsOf('192.0.2.1', { protocol: 'grpc', operation: '/a.B/Login' });

  test('is one attempt where its metadata name the account: a second message is denied', async () => {
    const outcome = await throttleFailures({ account: () => 'alice' }).check(post, grpc);
    const { onMessage } = dutyOf(outcome);
    expect(await onMessage?.({ password: 'a' })).toEqual({ ok: true });
    for (const password of ['b', 'c']) {
      expect(await onMessage?.({ password })).toMatchObject({
        ok: false,
        denial: { kind: 'malformed', code: 'failures.repeated' },
      });
    }
  });

  test('may have as many messages as it likes where only the peer counts', async () => {
    const outcome = await throttleFailures({}).check(post, grpc);
    expect(dutyOf(outcome).onMessage).toBeUndefined();
  });
});

describe('a call that is no attempt', () => {
  const answer = (status: number) => ({ outcome: 'succeeded', status }) as const;
  const safe = ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY'];

  test.each(safe)('does not reset the account, though %s is answered 200', async (method) => {
    const { attempt } = login();
    for (let guess = 0; guess < 4; guess++) {
      expect(await attempt('wrong')).toBeUndefined();
      if (guess < 3) expect(await attempt(answer(200), 'alice', undefined, method)).toBeUndefined();
    }
    await attempt(answer(200), 'alice', undefined, method);
    expect(await attempt('wrong')).toBe('failures.throttled');
  });

  test.each(safe)('passes by %s without an account, however throttled it is', async (method) => {
    const { attempt } = login();
    await failTimes(4, () => attempt('wrong'));
    await failTimes(50, () => attempt(answer(200), null, undefined, method));
    expect(await attempt('wrong')).toBe('failures.throttled');
    const byHeader = throttleFailures({ account: ({ headers }) => headers.get('x-user') });
    const form = new Request(post.url, { method: method === 'TRACE' ? 'GET' : method });
    expect(await byHeader.check(form, factsOf())).toMatchObject({ ok: true });
  });

  test('is one after all where a safe method names an account and fails', async () => {
    const { attempt } = login();
    await failTimes(4, () => attempt('wrong', 'alice', undefined, 'GET'));
    expect(await attempt('right', 'alice', undefined, 'GET')).toBe('failures.throttled');
    expect(await attempt('right')).toBe('failures.throttled');
  });

  test('is no way around the peer: what fails by a safe method counts', async () => {
    const { attempt } = login();
    await failTimes(21, () => attempt('wrong', null, undefined, 'GET'));
    expect(await attempt('right', 'bob')).toBe('failures.throttled');
  });

  test.each([301, 302, 303, 307, 308])(
    'counts as failed when it is answered with %s, unless the handler reports otherwise',
    async (status) => {
      const { attempt } = login();
      await failTimes(4, () => attempt(answer(status)));
      expect(await attempt('right')).toBe('failures.throttled');
      const told = login();
      for (let n = 0; n < 9; n++) {
        const begun = await told.begin('alice');
        if (begun.outcome.ok) begun.outcome.facts?.attempt.tell('succeeded');
        expect(await told.end(begun, answer(status))).toBeUndefined();
      }
      expect(await told.attempt('right')).toBeUndefined();
    },
  );

  test('may ask for a form by a safe method, though the form is sent elsewhere', async () => {
    const { attempt } = login();
    for (let n = 0; n < 99; n++) {
      expect(await attempt(answer(302), null, undefined, 'GET')).toBeUndefined();
    }
    expect(await attempt('right')).toBeUndefined();
  });

  test.each(safe)(
    'has failed by %s too, where it names an account and is sent elsewhere',
    async (method) => {
      const { attempt } = login();
      await failTimes(4, () => attempt(answer(302), 'alice', undefined, method));
      expect(await attempt('right')).toBe('failures.throttled');
    },
  );

  test('may use a safe method, whatever the answer', async () => {
    const { attempt } = login();
    for (const status of [304, 400, 404, 500]) {
      await failTimes(9, () => attempt(answer(status), null, undefined, 'GET'));
    }
    expect(await attempt('right')).toBeUndefined();
  });

  test('has failed where nobody knows its status', async () => {
    const { attempt } = login();
    await failTimes(4, () => attempt({ outcome: 'succeeded', status: undefined }));
    expect(await attempt('right')).toBe('failures.throttled');
  });

  test('cannot be recognised by a gRPC method: each call is an attempt', async () => {
    const grpc = factsOf('192.0.2.1', { protocol: 'grpc', operation: '/a.B/Login' });
    expect(await login().attempt('wrong', null, grpc, 'GET')).toBe('failures.account_missing');
  });
});

describe('an operation of GraphQL', () => {
  test.each<[string, Partial<ThrottleFailuresOptions>]>([
    ['the account is in the arguments', {}],
    ['the account is in a header', { accountInBody: undefined, account: () => 'alice' }],
    ['only the peer counts', { accountInBody: undefined }],
  ])(
    'with an attempt under each of many aliases is denied, and counts nothing: %s',
    async (_, by) => {
      const store = memoryCounterStore({ now: () => START });
      const attempt = vi.fn(store.attempt);
      const policy = throttleFailures({
        accountInBody: (args) => (args as { readonly user?: string }).user,
        store: { ...store, attempt },
        name: 'login',
        ...by,
      });
      const two = graphqlFacts({ user: 'alice' }, { user: 'alice' });
      expect(await policy.check(post, two)).toMatchObject({
        ok: false,
        denial: { kind: 'malformed', code: 'failures.repeated' },
      });
      expect(attempt).not.toHaveBeenCalled();
      expect(await policy.check(post, graphqlFacts({ user: 'alice' }))).toMatchObject({ ok: true });
    },
  );

  test('is denied if the host does not supply what it runs', async () => {
    const call = { protocol: 'graphql', operation: 'mutation Login' } as CallFacts['call'];
    const policy = throttleFailures({ account: () => 'alice' });
    expect(await policy.check(post, factsOf('192.0.2.1', call))).toMatchObject({
      ok: false,
      denial: { code: 'failures.repeated' },
    });
  });

  test('is for the account that the resolver is given, and no variable is looked at', async () => {
    const policy = throttleFailures({
      accountInBody: (args) => (args as { readonly user?: string }).user,
      now: () => START,
    });
    for (let n = 0; n < 4; n++) {
      const outcome = await policy.check(post, graphqlFacts({ user: 'alice' }));
      expect(outcome).toMatchObject({ ok: true });
      expect(dutyOf(outcome).onMessage).toBeUndefined();
    }
    expect(await policy.check(post, graphqlFacts({ user: 'alice' }))).toMatchObject({
      ok: false,
      denial: { code: 'failures.throttled' },
    });
    for (const nobody of [graphqlFacts({}), graphqlFacts(undefined), graphqlFacts()]) {
      expect(await policy.check(post, nobody)).toMatchObject({
        ok: false,
        denial: { code: 'failures.account_missing' },
      });
    }
  });

  test('by GET is an attempt like any other: the method is the choice of the caller', async () => {
    const { attempt } = login();
    await failTimes(4, () => attempt('right', 'alice', graphqlFacts(), 'GET'));
    expect(await attempt('right', 'alice', graphqlFacts(), 'GET')).toBe('failures.throttled');
    expect(await attempt('right', null, graphqlFacts(), 'GET')).toBe('failures.account_missing');
  });
});

describe('an account that the request names', () => {
  test('is counted with its peer in one step', async () => {
    const policy = throttleFailures({
      account: (request) => request.headers.get('x-user'),
      perPeer: { free: 5, lock: { after: 6 } },
      now: () => START,
    });
    const ask = (user: string) =>
      policy.check(new Request(post, { headers: { 'x-user': user } }), factsOf());
    for (let n = 0; n < 4; n++) expect(await ask('alice')).toMatchObject({ ok: true });
    for (let n = 0; n < 9; n++) expect(await ask('alice')).toMatchObject({ ok: false });
    for (let n = 0; n < 2; n++) expect(await ask('bob')).toMatchObject({ ok: true });
    expect(await ask('bob')).toMatchObject({ ok: false, denial: { code: 'failures.throttled' } });
    expect(await policy.check(post, factsOf('192.0.2.2'))).toMatchObject({
      ok: false,
      denial: { kind: 'malformed', code: 'failures.account_missing' },
    });
  });
});

describe('a store', () => {
  const broken = (attempt: () => unknown): CounterStore => ({
    attempt: attempt as CounterStore['attempt'],
    reconcile: () => undefined,
  });
  const cases: [string, CounterStore][] = [
    [
      'throws',
      broken(() => {
        throw new Error('redis://secret');
      }),
    ],
    ['rejects', broken(() => Promise.reject(new Error('redis://secret')))],
    ['never answers', broken(() => new Promise(() => undefined))],
    ['answers nonsense', broken(() => ({ allowed: 'yes' }))],
    [
      'answers without tickets',
      broken(async () => ({ allowed: true, retryAfterMs: 0, tickets: [] })),
    ],
  ];

  test.each(cases)('that %s denies, and passes only where that was asked for', async (_, store) => {
    const options = { store, name: 'login', timeout: '20ms' } as const;
    const { denial } = await login(options).begin('alice');
    expect(denial).toMatchObject({
      kind: 'unavailable',
      code: 'failures.unavailable',
      problem: { type: expect.stringMatching(/#temporary-reduced-capacity$/) },
    });
    const open = await login({ ...options, onStoreFailure: 'open' }).begin('alice');
    expect(open.denial).toBeUndefined();
    expect(open.outcome).toMatchObject({ ok: true, degraded: 'failures.uncounted' });
  });

  test('that answers too late has its count taken back', async () => {
    const inner = memoryCounterStore();
    const settled = vi.fn(inner.reconcile);
    let release: (() => void) | undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const attempt: CounterStore['attempt'] = (requests) => gate.then(() => inner.attempt(requests));
    const { begin } = login({
      store: { attempt, reconcile: settled },
      name: 'login',
      timeout: '5ms',
    });
    expect((await begin('alice')).denial?.code).toBe('failures.unavailable');
    release?.();
    await vi.waitFor(() => expect(settled).toHaveBeenCalledOnce(), 20_000);
    expect(settled.mock.calls[0]?.[0]).toMatchObject([{ result: 'refund' }]);
  });
});

test('in a guard, right and wrong passwords go the same way for accounts that exist and those that do not', async () => {
  const login = guard<CallFacts>()
    .use(throttleFailures({ account: (request) => request.headers.get('x-user') }))
    .use(allowAnonymous());
  const denials: unknown[] = [];
  for (const user of ['exists', 'does-not']) {
    const request = new Request(post, { headers: { 'x-user': user } });
    for (let n = 0; n < 4; n++) expect((await login.check(request, factsOf())).allowed).toBe(true);
    const { denial } = (await login.check(request, factsOf())) as { denial: { code: string } };
    denials.push({ ...denial, retryAfterMs: undefined });
  }
  expect(denials[0]).toEqual(denials[1]);
});

test.each<[string, Partial<ThrottleFailuresOptions>]>([
  ['two sources of the account', { account: () => 'a' }],
  ['nothing to count', { accountInBody: undefined, perPeer: 'none' }],
  ['a store without a name', { store: memoryCounterStore() }],
  ['an unknown onStoreFailure', { onStoreFailure: 'maybe' as never }],
  ['a lock before the free failures end', { perAccount: { free: 5, lock: { after: 5 } } }],
  ['pauses that shrink', { perAccount: { delay: '5s', maxDelay: '1s' } }],
  ['a lock that is forgotten before it ends', { perAccount: { forgetAfter: '1s' } }],
  ['a delay without its unit', { perPeer: { delay: 1_000 as never } }],
  ['a schedule with an unknown name', { perPeer: { delays: '1s' } as never }],
  ['a lock with an unknown name', { perPeer: { lock: { after: 90, for: '1h' } } as never }],
  ['an option that it does not know', { accounts: () => 'a' } as never],
  ['a timeout of nothing', { timeout: '0ms' }],
])('%s cannot be constructed', (_, options) => {
  expect(() => throttleFailures({ accountInBody: () => 'a', ...options })).toThrow(
    ConfigurationError,
  );
});

describe('resetFailures', () => {
  const locked = async () => {
    const store = memoryCounterStore({ now: () => START });
    const { begin, end } = login({ store, name: 'login' });
    const codeOf = async (user: string, address = '192.0.2.1') =>
      end(await begin(user, factsOf(address)), 'wrong');
    for (let attempt = 0; attempt < 12; attempt++) await codeOf('Alice@example.com');
    return { store, codeOf };
  };

  test('resets one account, and records it', async () => {
    const { store, codeOf } = await locked();
    expect(await codeOf('alice@example.com', '192.0.2.9')).toBe('failures.throttled');
    const record = vi.fn<(act: object) => void>();
    await resetFailures({ store, name: 'login', account: 'alice@example.com', record });
    expect(await codeOf('alice@example.com', '192.0.2.9')).toBeUndefined();
    expect(record).toHaveBeenCalledExactlyOnceWith({
      act: 'lock.lifted',
      target: { type: 'account', id: 'alice@example.com' },
      data: { policy: 'login' },
    });
  });

  test('leaves the other accounts and other policies as they are', async () => {
    const { store, codeOf } = await locked();
    await resetFailures({ store, name: 'login', account: 'bob@example.com' });
    await resetFailures({ store, name: 'other', account: 'alice@example.com' });
    await resetFailures({ store, name: 'login', account: 'alice@example.com', tenant: 'acme' });
    await resetFailures({ store, name: 'login', peer: '192.0.2.1' });
    expect(await codeOf('alice@example.com', '192.0.2.9')).toBe('failures.throttled');
  });

  test.each([
    {},
    { account: 'a', peer: 'b' },
    { account: '' },
    { account: 'a', name: '' },
    { account: 'a', user: 'b' },
  ])('%j is not a reset', async (options) => {
    const store = memoryCounterStore();
    const reset = resetFailures({ store, name: 'login', ...options });
    await expect(reset).rejects.toThrow(ConfigurationError);
  });
});
