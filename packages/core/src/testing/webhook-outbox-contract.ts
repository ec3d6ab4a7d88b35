import type {
  WebhookDelivery,
  WebhookEndpoint,
  WebhookOutbox,
} from '../contracts/webhook-outbox.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import { assertSame, type ContractCase, type StoreSubject } from './contract-case.ts';

/** An outbox to test, and its clock. */
export interface WebhookOutboxSubject extends StoreSubject<WebhookOutbox> {
  /** An outbox that goes by its own clock; others may use the same tables. */
  readonly create: () => MaybePromise<WebhookOutbox>;
  /** Epoch milliseconds on the store's clock. */
  readonly now: () => number;
}

const DAY = 86_400_000;
const LEASE = 1_000;
const PAUSE = 1_000;
/** Longer than a lease and a pause, also where it is really waited for. */
const LATER = 1_100;

interface Kit extends Pick<WebhookOutboxSubject, 'now' | 'pass'> {
  readonly outbox: WebhookOutbox;
  readonly endpoint: WebhookEndpoint;
  readonly delivery: (name: string, more?: Partial<WebhookDelivery>) => WebhookDelivery;
  /** The bodies that a worker gets; other cases may have left others behind. */
  readonly claim: (limit?: number, worker?: Worker) => Promise<readonly string[]>;
  readonly finish: (
    name: string,
    status: 'delivered' | 'pending' | 'failed',
    more?: Worker & {
      /** When it is to be tried again. Default: at once. */
      readonly inMs?: number;
      readonly isGone?: boolean;
      readonly isLocal?: boolean;
      readonly lease?: string;
    },
  ) => Promise<void>;
}

/** Whoever works: its clock may be another one than that of the store. */
interface Worker {
  readonly aheadMs?: number;
}

function one(name: string, run: (kit: Kit) => Promise<void>): ContractCase<WebhookOutboxSubject> {
  return {
    name,
    run: async ({ create, now, pass }) => {
      const outbox = await create();
      const id = crypto.randomUUID();
      const endpoint: WebhookEndpoint = {
        id,
        tenant: 't1',
        url: 'https://hooks.example.com/in',
        secrets: [{ id: 's1', secret: { key: 'v1', iv: 'AAAA', text: 'BBBB' } }],
        status: 'active',
        version: '1',
      };
      assertSame(await outbox.insertEndpoint(endpoint), true, 'inserted');
      const leases = new Map<string, string>();
      await run({
        outbox,
        now,
        pass,
        endpoint,
        delivery: (body, more) => ({
          id: `${id}:${body}`,
          messageId: `m-${body}`,
          endpointId: id,
          body,
          createdAtMs: now(),
          ...more,
        }),
        claim: async (limit = 10, { aheadMs = 0 } = {}) => {
          const claimed = await outbox.claim({ limit, nowMs: now() + aheadMs, leaseMs: LEASE });
          for (const each of claimed) leases.set(each.body, each.lease);
          return claimed.filter(({ endpointId }) => endpointId === id).map(({ body }) => body);
        },
        finish: async (body, status, { inMs = 0, isGone, isLocal, lease, aheadMs = 0 } = {}) => {
          const nowMs = now() + aheadMs;
          await outbox.record(
            [
              {
                id: `${id}:${body}`,
                lease: lease ?? leases.get(body) ?? '',
                endpointId: id,
                status,
                dueAtMs: nowMs + inMs,
                outcome: status === 'delivered' ? '200' : '500',
                isGone,
                isLocal,
              },
            ],
            { failures: 3, pauseUntilMs: nowMs + PAUSE },
            nowMs,
          );
        },
      });
      // Nothing is left for the next case.
      const { version = '' } = (await outbox.getEndpoint(id)) ?? {};
      const disabled = { ...endpoint, status: 'disabled', version: 'last' } as const;
      assertSame(await outbox.replaceEndpoint(disabled, version), true, 'disabled');
    },
  };
}

const same = (actual: readonly string[], expected: readonly string[], what: string): void =>
  assertSame(actual.toSorted().join(), expected.toSorted().join(), what);

/**
 * What every `WebhookOutbox` promises, as cases for any test runner.
 *
 * @example
 * for (const { name, run } of webhookOutboxContract) test(name, () => run({ create, pass, now }));
 */
export const webhookOutboxContract: readonly ContractCase<WebhookOutboxSubject>[] = Object.freeze([
  one('an endpoint is kept as it is, and its id is taken then', async ({ outbox, endpoint }) => {
    const other = { ...endpoint, tenant: 't2', url: 'https://evil.example/', version: '2' };
    assertSame(await outbox.insertEndpoint(other), false, 'inserted');
    const found = await outbox.getEndpoint(endpoint.id);
    const [{ id, secret } = { id: '', secret: undefined }] = found?.secrets ?? [];
    assertSame([id, secret?.key, secret?.iv, secret?.text].join(), 's1,v1,AAAA,BBBB', 'secrets');
    assertSame(found?.tenant, 't1', 'tenant');
    assertSame(found?.url, endpoint.url, 'url');
    assertSame(found?.version, '1', 'version');
    assertSame(await outbox.getEndpoint(`${endpoint.id}-other`), undefined, 'another');
  }),
  one(
    'of many changes of an endpoint at once exactly one is kept',
    async ({ outbox, endpoint }) => {
      const changed = await Promise.all(
        Array.from({ length: 10 }, async (_, at) =>
          outbox.replaceEndpoint({ ...endpoint, reason: `r${at}`, version: `2-${at}` }, '1'),
        ),
      );
      assertSame(changed.filter(Boolean).length, 1, 'kept');
      const found = await outbox.getEndpoint(endpoint.id);
      assertSame(found?.reason, `r${changed.indexOf(true)}`, 'the one');
      const absent = { ...endpoint, id: `${endpoint.id}-other` };
      assertSame(await outbox.replaceEndpoint(absent, '1'), false, 'one that is not there');
    },
  ),
  one(
    'a delivery is given out once, and again when its lease has passed',
    async ({ outbox, delivery, claim, pass }) => {
      assertSame(await outbox.add([delivery('a'), delivery('b')]), 2, 'added');
      same(await claim(), ['a', 'b'], 'first');
      same(await claim(), [], 'while leased');
      await pass(LATER);
      same(await claim(), ['a', 'b'], 'after the lease');
    },
  ),
  one('the same delivery is kept once', async ({ outbox, delivery, claim }) => {
    await outbox.add([delivery('a')]);
    assertSame(await outbox.add([delivery('a'), delivery('b')]), 1, 'added');
    same(await claim(), ['a', 'b'], 'claimed');
  }),
  one('many workers at once never get the same delivery', async ({ outbox, delivery, claim }) => {
    await outbox.add(Array.from({ length: 30 }, (_, at) => delivery(String(at))));
    const claims = await Promise.all(Array.from({ length: 10 }, () => claim(5)));
    const all = claims.flat();
    assertSame(new Set(all).size, all.length, 'different ones');
    const rest = await claim(30);
    assertSame(new Set([...all, ...rest]).size, 30, 'all of them');
  }),
  one(
    'what was delivered or has failed is not given out again',
    async ({ outbox, delivery, claim, finish, pass }) => {
      await outbox.add([delivery('a'), delivery('b'), delivery('c')]);
      await claim();
      await finish('a', 'delivered');
      await finish('b', 'failed');
      await finish('c', 'pending', { inMs: 1_000 });
      same(await claim(), [], 'too early');
      await pass(LATER);
      same(await claim(), ['c'], 'due');
    },
  ),
  one(
    'a worker whose lease was given to another changes nothing',
    async ({ outbox, delivery, claim, finish, pass }) => {
      await outbox.add([delivery('a')]);
      await claim();
      await finish('a', 'delivered', { lease: crypto.randomUUID() });
      await pass(LATER);
      same(await claim(), ['a'], 'still pending');
    },
  ),
  one(
    'deliveries with one order key come one after another',
    async ({ outbox, delivery, claim, finish, pass }) => {
      const orderKey = 'order-7';
      await outbox.add([delivery('1', { orderKey }), delivery('2', { orderKey }), delivery('x')]);
      same(await claim(), ['1', 'x'], 'the first');
      same(await claim(), [], 'the second waits');
      await finish('x', 'delivered');
      await finish('1', 'pending', { inMs: 1_000 });
      same(await claim(), [], 'also for a retry');
      await pass(LATER);
      same(await claim(), ['1'], 'of the first');
      await finish('1', 'delivered');
      same(await claim(), ['2'], 'then the second');
    },
  ),
  one(
    'many that cannot be sent yet do not stand in the way of others, and are sent later',
    async ({ outbox, endpoint, delivery, claim, finish, now }) => {
      const other = { ...endpoint, id: `${endpoint.id}-other`, status: 'unverified' } as const;
      await outbox.insertEndpoint(other);
      const stuck = Array.from({ length: 1_100 }, (_, at) => ({
        ...delivery(`stuck-${at}`),
        endpointId: other.id,
      }));
      const ordered = Array.from({ length: 20 }, (_, at) =>
        delivery(String(at), { orderKey: 'order-7' }),
      );
      await outbox.add([...stuck, ...ordered, delivery('x')]);
      same(await claim(), ['0', 'x'], 'the first of one key, and one without');
      await finish('0', 'delivered');
      same(await claim(), ['1'], 'the second of the key at once');
      const active = { ...other, status: 'active', version: '2' } as const;
      assertSame(await outbox.replaceEndpoint(active, other.version), true, 'activated');
      const limit = stuck.length + ordered.length;
      const request = { limit, nowMs: now(), leaseMs: LEASE };
      const late = (await outbox.claim(request)).filter(
        ({ endpointId }) => endpointId === other.id,
      );
      assertSame(late.length, stuck.length, 'claimed once that endpoint is active');
      await outbox.replaceEndpoint({ ...active, status: 'disabled', version: '3' }, '2');
    },
  ),
  one(
    'no endpoint and no tenant gets more than its share, and others come in its place',
    async ({ outbox, endpoint, delivery, finish, claim, now, pass }) => {
      const siblings = ['sibling', 'stranger'].map((name) => ({
        ...endpoint,
        id: `${endpoint.id}-${name}`,
        tenant: name === 'sibling' ? 't1' : 't2',
      }));
      for (const each of siblings) await outbox.insertEndpoint(each);
      const of = (at: number, body: string) => ({
        ...delivery(body),
        endpointId: siblings[at]?.id ?? '',
      });
      await outbox.add(Array.from({ length: 1_200 }, (_, at) => delivery(String(at))));
      await outbox.add([of(0, 's1'), of(0, 's2'), of(0, 's3'), of(1, 'x1'), of(1, 'x2')]);
      const shares = {
        perEndpoint: 3,
        endpoints: new Map([[siblings[1]?.id ?? '', 1]]),
        perTenant: 9,
        tenants: new Map([['t1', 5]]),
      };
      const request = () => ({ limit: 20, nowMs: now(), leaseMs: 60_000 });
      const claimed = await outbox.claim({ ...request(), shares });
      const bodies = claimed.map(({ body }) => body);
      same(bodies, ['0', '1', '2', 's1', 's2', 'x1'], 'by shares');
      for (const { id, lease, endpointId } of claimed.slice(0, 3)) {
        const result = { id, lease, endpointId, status: 'delivered', outcome: '200' } as const;
        const at = now();
        await outbox.record([{ ...result, dueAtMs: at }], { failures: 3, pauseUntilMs: at }, at);
      }
      same(await claim(3), ['3', '4', '5'], 'as soon as there is room');
      await finish('3', 'delivered');
      const none = { perEndpoint: 0, endpoints: new Map(), perTenant: 0, tenants: new Map() };
      assertSame((await outbox.claim({ ...request(), shares: none })).length, 0, 'no room');
      const endpoints = new Set([endpoint.id, ...siblings.map(({ id }) => id)]);
      const found = new Set<string>();
      // What was put off comes by and by, and what was claimed once its lease is over.
      for (let rounds = 0; rounds < 360 && found.size < 1_201; rounds++) {
        await pass(10_000);
        const late = await outbox.claim({ ...request(), limit: 2_000 });
        assertSame(new Set(late.map(({ id }) => id)).size, late.length, 'once each');
        for (const { id, endpointId } of late) if (endpoints.has(endpointId)) found.add(id);
      }
      assertSame(found.size, 1_201, 'nothing is lost, whoever crashes');
      for (const each of siblings) {
        const gone = { ...each, status: 'disabled', version: 'last' } as const;
        await outbox.replaceEndpoint(gone, each.version);
      }
    },
  ),
  one(
    'failures in a row pause an endpoint, a success does not let them add up',
    async ({ outbox, delivery, claim, finish, pass }) => {
      await outbox.add(['a', 'b', 'c', 'd', 'e'].map((name) => delivery(name)));
      await claim();
      await finish('a', 'pending');
      await finish('b', 'pending');
      await finish('c', 'delivered');
      same(await claim(), ['a', 'b'], 'not paused');
      await finish('a', 'pending');
      await finish('b', 'pending');
      await finish('d', 'pending');
      same(await claim(), [], 'paused');
      await pass(LATER);
      same(await claim(), ['a', 'b', 'd', 'e'], 'after the pause');
    },
  ),
  one(
    'an endpoint that is gone is disabled and gets nothing',
    async ({ outbox, endpoint, delivery, claim, finish, pass }) => {
      await outbox.add([delivery('a'), delivery('b')]);
      await claim();
      await finish('a', 'failed', { isGone: true });
      const found = await outbox.getEndpoint(endpoint.id);
      assertSame(found?.status, 'disabled', 'status');
      assertSame(found?.reason, 'gone', 'reason');
      assertSame(found?.version === endpoint.version, false, 'the same version');
      await pass(LATER);
      same(await claim(), [], 'nothing');
    },
  ),
  one(
    'what ended here is not an attempt, and not a failure of the endpoint',
    async ({ outbox, endpoint, delivery, claim, finish }) => {
      await outbox.add([delivery('a'), delivery('b')]);
      for (let times = 0; times < 4; times++) {
        same(await claim(), ['a', ...(times === 0 ? ['b'] : [])], 'not paused');
        await finish('a', 'pending', { isLocal: true });
      }
      await finish('b', 'failed', { isLocal: true });
      const log = await outbox.list({ endpointId: endpoint.id, limit: 10 });
      assertSame(log.map(({ status }) => status).join(), 'failed,pending', 'statuses');
      assertSame(log.map(({ attempts }) => attempts).join(), '0,0', 'attempts');
      assertSame(log[0]?.lastOutcome, '500', 'outcome');
    },
  ),
  one(
    'an endpoint that is not verified gets nothing',
    async ({ outbox, endpoint, delivery, claim }) => {
      await outbox.replaceEndpoint({ ...endpoint, status: 'unverified', version: '2' }, '1');
      await outbox.add([delivery('a')]);
      same(await claim(), [], 'unverified');
      await outbox.replaceEndpoint({ ...endpoint, version: '3' }, '2');
      same(await claim(), ['a'], 'active');
    },
  ),
  one(
    'the log tells what became of each, and what failed can be replayed',
    async ({ outbox, endpoint, delivery, claim, finish, now }) => {
      await outbox.add([delivery('a'), delivery('b')]);
      await claim();
      await finish('a', 'failed');
      await finish('b', 'delivered');
      const query = { endpointId: endpoint.id, limit: 10 };
      const [last, first] = await outbox.list(query);
      assertSame(last?.status, 'delivered', 'b');
      assertSame(first?.status, 'failed', 'a');
      assertSame(first?.lastOutcome, '500', 'outcome');
      assertSame(first?.attempts, 1, 'attempts');
      assertSame((await outbox.list({ ...query, status: 'failed' })).length, 1, 'filtered');
      const replay = async (endpointId: string, ids?: readonly string[]) =>
        outbox.replay({ endpointId, ids, nowMs: now() });
      assertSame(await replay(endpoint.id), 1, 'failed ones');
      same(await claim(), ['a'], 'again');
      const ids = [`${endpoint.id}:b`];
      assertSame(await replay(endpoint.id, ids), 1, 'a named one');
      assertSame(await replay('another', ids), 0, 'of another');
      same(await claim(), ['b'], 'again');
    },
  ),
  one(
    'what ended long ago is forgotten, a part at a time and by many at once, and nothing else is',
    async ({ outbox, endpoint, delivery, claim, finish, now, pass }) => {
      const prune = async (limit: number, agedMs = 500) =>
        outbox.prune({ endedBeforeMs: now() - agedMs, nowMs: now(), limit });
      // What other cases have left behind.
      while ((await prune(1_000, -1)) > 0);
      const names = ['a', 'b', 'c', 'd', 'e', 'f'];
      await outbox.add(names.map((name) => delivery(name)));
      await claim();
      for (const name of ['a', 'b', 'c', 'd']) await finish(name, 'delivered');
      // It was added as early, and is to be tried again.
      await finish('f', 'pending');
      await pass(LATER);
      await finish('e', 'failed');
      const left = async () =>
        (await outbox.list({ endpointId: endpoint.id, limit: 10 })).map(({ body }) => body);
      assertSame(await prune(1), 1, 'one');
      assertSame((await left()).length, 5, 'left');
      const counts = await Promise.all([1, 2, 3, 4].map(() => prune(10)));
      assertSame(
        counts.reduce((sum, count) => sum + count, 0),
        3,
        'by all of them together',
      );
      same(await left(), ['e', 'f'], 'what is younger, and what waits');
      assertSame(await outbox.replay({ endpointId: endpoint.id, nowMs: now() }), 1, 'replayed');
      assertSame(await prune(10, -LATER), 0, 'nothing has ended');
      same(await claim(), ['e', 'f'], 'again');
    },
  ),
  one(
    'clocks of senders and workers change nothing',
    async ({ outbox, delivery, claim, finish, now, pass }) => {
      for (const aheadMs of [DAY, -DAY]) {
        const [a, b] = [`a${aheadMs}`, `b${aheadMs}`];
        await outbox.add([delivery(a, { createdAtMs: now() + aheadMs }), delivery(b)]);
        same(await claim(), [a, b], 'given out at once, whatever the sender says');
        same(await claim(10, { aheadMs }), [], 'while leased');
        await finish(b, 'delivered', { aheadMs });
        await finish(a, 'pending', { aheadMs, inMs: 1_000 });
        same(await claim(), [], 'too early');
        same(await claim(10, { aheadMs }), [], 'too early for that worker, too');
        await pass(LATER);
        same(await claim(10, { aheadMs }), [a], 'due');
        await pass(LATER);
        same(await claim(), [a], 'after a lease that it took');
        await finish(a, 'delivered');
      }
    },
  ),
  one(
    'a pause lasts as long as the worker says, whatever its clock shows',
    async ({ outbox, delivery, claim, finish, pass }) => {
      for (const aheadMs of [DAY, -DAY]) {
        const names = ['a', 'b', 'c'].map((name) => `${name}${aheadMs}`);
        await outbox.add(names.map((name) => delivery(name)));
        same(await claim(), names, 'all of them');
        for (const name of names) await finish(name, 'pending', { aheadMs });
        same(await claim(), [], 'paused');
        same(await claim(10, { aheadMs }), [], 'paused for that worker, too');
        await pass(LATER);
        same(await claim(), names, 'after the pause');
        for (const name of names) await finish(name, 'delivered');
      }
    },
  ),
  one(
    'a worker whose clock is ahead forgets nothing before its time',
    async ({ outbox, endpoint, delivery, claim, finish, now, pass }) => {
      await outbox.add([delivery('a'), delivery('b')]);
      await claim();
      await finish('a', 'delivered');
      await finish('b', 'delivered', { aheadMs: -DAY });
      const left = async () => (await outbox.list({ endpointId: endpoint.id, limit: 10 })).length;
      for (const aheadMs of [DAY, -DAY]) {
        const nowMs = now() + aheadMs;
        await outbox.prune({ endedBeforeMs: nowMs - 500, nowMs, limit: 1_000 });
        assertSame(await left(), 2, 'too early');
      }
      await pass(LATER);
      const nowMs = now() - DAY;
      await outbox.prune({ endedBeforeMs: nowMs - 500, nowMs, limit: 1_000 });
      assertSame(await left(), 0, 'in time');
    },
  ),
]);
