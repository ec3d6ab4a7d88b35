import {
  type AttemptRequest,
  type CounterStore,
  type FailureRule,
  failurePause,
} from '../contracts/counter-store.ts';
import {
  assertSame,
  assertThat,
  type ContractCase,
  hostileKeys,
  inTime,
  type StoreSubject,
} from './contract-case.ts';

type Case = ContractCase<StoreSubject<CounterStore>>;

const RULE: FailureRule = {
  free: 2,
  delay: 400,
  maxDelay: 1_000,
  lockAfter: 5,
  lockFor: 2_000,
  forgetAfter: 60_000,
};
/** When each store was last asked for an attempt that it allowed, for stores whose clock goes on between two calls. */
const lastAttempts = new WeakMap<CounterStore, number>();
const AT_ONCE = 40;

function ask(over: Partial<AttemptRequest> = {}): AttemptRequest {
  return { name: 'login', key: 'alice', rule: RULE, ...over };
}

/** Makes an attempt that must be allowed, and answers its first ticket. */
async function attempt(store: CounterStore, ...requests: AttemptRequest[]): Promise<number> {
  lastAttempts.set(store, performance.now());
  const { allowed, retryAfterMs, tickets } = await store.attempt(requests);
  assertSame(allowed, true, `allowed: ${told(requests)}`);
  assertSame(retryAfterMs, 0, 'retryAfterMs');
  assertSame(tickets.length, requests.length, 'tickets');
  return tickets[0] as number;
}

async function denied(
  store: CounterStore,
  wait: number,
  ...requests: AttemptRequest[]
): Promise<void> {
  const { allowed, retryAfterMs } = await store.attempt(requests);
  assertSame(allowed, false, `denied: ${told(requests)}`);
  const passed = Math.ceil(performance.now() - (lastAttempts.get(store) ?? 0)) + 1;
  assertThat(
    retryAfterMs <= wait && retryAfterMs >= wait - passed,
    `retryAfterMs: expected ${wait} less up to ${passed} that passed, got ${retryAfterMs}`,
  );
}

function one(
  name: string,
  run: (store: CounterStore, subject: StoreSubject<CounterStore>) => Promise<void>,
): Case {
  return { name, run: async (subject) => inTime(subject, slower, run) };
}

function slower(store: CounterStore, times: number): CounterStore {
  const longer = <Request extends AttemptRequest>(requests: readonly Request[]) =>
    requests.map((request) => ({ ...request, rule: longerRule(request.rule, times) }));
  return {
    attempt: async (requests) => {
      const answer = await store.attempt(longer(requests));
      return { ...answer, retryAfterMs: answer.retryAfterMs / times };
    },
    reconcile: (requests) => store.reconcile(longer(requests)),
  };
}

function longerRule(rule: FailureRule, times: number): FailureRule {
  return {
    ...rule,
    delay: rule.delay * times,
    maxDelay: rule.maxDelay * times,
    lockFor: rule.lockFor * times,
    forgetAfter: rule.forgetAfter * times,
  };
}

/**
 * What every `CounterStore` promises, as cases for any test runner.
 *
 * @example
 * for (const { name, run } of counterStoreContract) test(name, () => run({ create, pass }));
 */
export const counterStoreContract: readonly ContractCase<StoreSubject<CounterStore>>[] =
  Object.freeze([
    one(
      'pauses grow with each failure up to the lock, and end by themselves',
      async (store, { pass }) => {
        for (let failures = 1; failures <= RULE.lockAfter + 1; failures++) {
          await attempt(store, ask());
          const pause = failurePause(RULE, failures);
          if (pause === 0) continue;
          await denied(store, pause, ask());
          await pass(pause + 20);
        }
      },
    ),
    one('a denial changes nothing', async (store, { pass }) => {
      for (let failures = 1; failures <= 3; failures++) await attempt(store, ask());
      for (let time = 0; time < 10; time++) await denied(store, 400, ask());
      await pass(420);
      await attempt(store, ask());
    }),
    one('of many attempts at once no more are allowed than in a row', async (store) => {
      const answers = await Promise.all(
        Array.from({ length: AT_ONCE }, async () => store.attempt([ask()])),
      );
      assertSame(answers.filter(({ allowed }) => allowed).length, RULE.free + 1, 'allowed');
    }),
    one('an attempt counts against all of its keys or none', async (store) => {
      const peer = ask({ name: 'peer', key: '192.0.2.1' });
      for (let failures = 1; failures <= 3; failures++) await attempt(store, ask());
      for (let time = 0; time < 5; time++) await denied(store, 400, peer, ask());
      for (let failures = 1; failures <= 3; failures++) await attempt(store, peer);
      await denied(store, 400, peer);
    }),
    one('a success begins anew', async (store) => {
      let ticket = 0;
      for (let failures = 1; failures <= 3; failures++) ticket = await attempt(store, ask());
      await denied(store, 400, ask());
      await store.reconcile([{ ...ask(), ticket, result: 'reset' }]);
      for (let failures = 1; failures <= 3; failures++) await attempt(store, ask());
      await denied(store, 400, ask());
    }),
    one('an attempt that is refunded does not count', async (store) => {
      for (let time = 0; time < 10; time++) {
        const ticket = await attempt(store, ask());
        await store.reconcile([{ ...ask(), ticket, result: 'refund' }]);
      }
      for (let failures = 1; failures <= 3; failures++) await attempt(store, ask());
      await denied(store, 400, ask());
    }),
    one('a refund takes back nothing of what came after a reset', async (store, { pass }) => {
      const ticket = await attempt(store, ask());
      await store.reconcile([{ ...ask(), ticket, result: 'reset' }]);
      await pass(20);
      for (let failures = 1; failures <= 3; failures++) await attempt(store, ask());
      for (let time = 0; time < 3; time++) {
        await store.reconcile([{ ...ask(), ticket, result: 'refund' }]);
      }
      await denied(store, 400, ask());
    }),
    one('a refund is once, however often it is told', async (store, { pass }) => {
      for (let failures = 1; failures <= 2; failures++) await attempt(store, ask());
      await pass(20);
      const ticket = await attempt(store, ask());
      for (let time = 0; time < 3; time++) {
        await store.reconcile([{ ...ask(), ticket, result: 'refund' }]);
      }
      await attempt(store, ask());
      await denied(store, 400, ask());
    }),
    one('a pause counts from the last failure that is left', async (store, { pass }) => {
      for (let failures = 1; failures <= 3; failures++) await attempt(store, ask());
      await pass(420);
      for (let time = 0; time < 3; time++) {
        const ticket = await attempt(store, ask());
        await denied(store, 800, ask());
        await store.reconcile([{ ...ask(), ticket, result: 'refund' }]);
      }
      await attempt(store, ask());
      await denied(store, 800, ask());
    }),
    one(
      'failures are forgotten after their time, whatever is refunded meanwhile',
      async (store, { pass }) => {
        const rule = { ...RULE, free: 5, lockAfter: 9, lockFor: 1_000, forgetAfter: 1_000 };
        for (let failures = 1; failures <= 3; failures++) await attempt(store, ask({ rule }));
        await pass(600);
        // Two at once, and the one that began first ends first.
        const tickets: number[] = [];
        for (let time = 0; time < 2; time++) {
          tickets.push(await attempt(store, ask({ rule })));
          await pass(10);
        }
        for (const ticket of tickets) {
          await store.reconcile([{ ...ask({ rule }), ticket, result: 'refund' }]);
        }
        await pass(420);
        for (let failures = 1; failures <= 6; failures++) await attempt(store, ask({ rule }));
        await denied(store, 400, ask({ rule }));
      },
    ),
    one('a refund does not forget what failed after it', async (store, { pass }) => {
      const rule = { ...RULE, free: 1, lockFor: 1_000, forgetAfter: 1_000 };
      const ticket = await attempt(store, ask({ rule }));
      await pass(600);
      await attempt(store, ask({ rule }));
      await store.reconcile([{ ...ask({ rule }), ticket, result: 'refund' }]);
      await pass(600);
      await attempt(store, ask({ rule }));
      await denied(store, 400, ask({ rule }));
    }),
    one('reconciling what is not there changes nothing', async (store) => {
      await store.reconcile([{ ...ask(), ticket: 1, result: 'refund' }]);
      await store.reconcile([{ ...ask(), ticket: 1, result: 'reset' }]);
      await store.reconcile([]);
      for (let failures = 1; failures <= 3; failures++) await attempt(store, ask());
      await denied(store, 400, ask());
    }),
    one(
      'failures are forgotten after their time, counted from the last',
      async (store, { pass }) => {
        const rule = { ...RULE, lockFor: 1_000, forgetAfter: 1_000 };
        await attempt(store, ask({ rule }));
        await pass(700);
        for (let failures = 2; failures <= 3; failures++) await attempt(store, ask({ rule }));
        await pass(700);
        await attempt(store, ask({ rule }));
        await denied(store, 800, ask({ rule }));
        await pass(1_020);
        for (let failures = 1; failures <= 3; failures++) await attempt(store, ask({ rule }));
        await denied(store, 400, ask({ rule }));
      },
    ),
    one('keys and names that differ stay different', async (store) => {
      const rule = { ...RULE, free: 0, delay: 50_000, maxDelay: 50_000, lockFor: 60_000 };
      for (const name of ['login', 'login2', '{login}']) {
        for (const key of hostileKeys) await attempt(store, ask({ name, key, rule }));
      }
      for (const key of hostileKeys) {
        assertSame(
          (await store.attempt([ask({ key, rule })])).allowed,
          false,
          told([ask({ key })]),
        );
      }
    }),
  ]);

function told(requests: readonly AttemptRequest[]): string {
  return requests.map(({ name, key }) => `${name} ${JSON.stringify(key.slice(0, 20))}`).join(', ');
}
