import type {
  WebhookDelivery,
  WebhookEndpoint,
  WebhookOutbox,
} from '../contracts/webhook-outbox.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import { assertSame, type ContractCase } from './contract-case.ts';

/** An outbox to test. */
export interface WebhookOutboxSubject {
  /** An outbox; others may use the same tables. */
  readonly create: () => MaybePromise<WebhookOutbox>;
}

const NOW = 1_800_000_000_000;
/** Older than what other cases leave behind. */
const LONG_AGO = 1_000_000_000_000;
const CIRCUIT = { failures: 3, pauseUntilMs: NOW + 60_000 };
const CLAIM = { limit: 10, nowMs: NOW, leaseMs: 30_000 };

interface Kit {
  readonly outbox: WebhookOutbox;
  readonly endpoint: WebhookEndpoint;
  readonly delivery: (name: string, more?: Partial<WebhookDelivery>) => WebhookDelivery;
  /** The bodies that a worker gets; other cases may have left others behind. */
  readonly claim: (at?: number, limit?: number) => Promise<readonly string[]>;
  readonly finish: (
    name: string,
    status: 'delivered' | 'pending' | 'failed',
    more?: { readonly dueAtMs?: number; readonly isGone?: boolean; readonly lease?: string },
  ) => Promise<void>;
}

function one(name: string, run: (kit: Kit) => Promise<void>): ContractCase<WebhookOutboxSubject> {
  return {
    name,
    run: async ({ create }) => {
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
        endpoint,
        delivery: (body, more) => ({
          id: `${id}:${body}`,
          messageId: `m-${body}`,
          endpointId: id,
          body,
          createdAtMs: NOW,
          ...more,
        }),
        claim: async (nowMs = NOW, limit = 10) => {
          const claimed = await outbox.claim({ ...CLAIM, nowMs, limit });
          for (const each of claimed) leases.set(each.body, each.lease);
          return claimed.filter(({ endpointId }) => endpointId === id).map(({ body }) => body);
        },
        finish: async (body, status, { dueAtMs = NOW, isGone, lease } = {}) => {
          await outbox.record(
            [
              {
                id: `${id}:${body}`,
                lease: lease ?? leases.get(body) ?? '',
                endpointId: id,
                status,
                dueAtMs,
                outcome: status === 'delivered' ? '200' : '500',
                isGone,
              },
            ],
            CIRCUIT,
            NOW,
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
 * for (const { name, run } of webhookOutboxContract) test(name, () => run({ create }));
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
    async ({ outbox, delivery, claim }) => {
      assertSame(await outbox.add([delivery('a'), delivery('b')]), 2, 'added');
      same(await claim(), ['a', 'b'], 'first');
      same(await claim(), [], 'while leased');
      same(await claim(NOW + 30_000), ['a', 'b'], 'after the lease');
    },
  ),
  one('the same delivery is kept once', async ({ outbox, delivery, claim }) => {
    await outbox.add([delivery('a')]);
    assertSame(await outbox.add([delivery('a'), delivery('b')]), 1, 'added');
    same(await claim(), ['a', 'b'], 'claimed');
  }),
  one('many workers at once never get the same delivery', async ({ outbox, delivery, claim }) => {
    await outbox.add(Array.from({ length: 30 }, (_, at) => delivery(String(at))));
    const claims = await Promise.all(Array.from({ length: 10 }, () => claim(NOW, 5)));
    const all = claims.flat();
    assertSame(new Set(all).size, all.length, 'different ones');
    const rest = await claim(NOW, 30);
    assertSame(new Set([...all, ...rest]).size, 30, 'all of them');
  }),
  one(
    'what was delivered or has failed is not given out again',
    async ({ outbox, delivery, claim, finish }) => {
      await outbox.add([delivery('a'), delivery('b'), delivery('c')]);
      await claim();
      await finish('a', 'delivered');
      await finish('b', 'failed');
      await finish('c', 'pending', { dueAtMs: NOW + 5_000 });
      same(await claim(NOW + 4_999), [], 'too early');
      same(await claim(NOW + 5_000), ['c'], 'due');
    },
  ),
  one(
    'a worker whose lease was given to another changes nothing',
    async ({ outbox, delivery, claim, finish }) => {
      await outbox.add([delivery('a')]);
      await claim();
      await finish('a', 'delivered', { lease: crypto.randomUUID() });
      same(await claim(NOW + 30_000), ['a'], 'still pending');
    },
  ),
  one(
    'deliveries with one order key come one after another',
    async ({ outbox, delivery, claim, finish }) => {
      const orderKey = 'order-7';
      await outbox.add([delivery('1', { orderKey }), delivery('2', { orderKey }), delivery('x')]);
      same(await claim(), ['1', 'x'], 'the first');
      same(await claim(), [], 'the second waits');
      await finish('1', 'pending', { dueAtMs: NOW + 1_000 });
      same(await claim(), [], 'also for a retry');
      same(await claim(NOW + 1_000), ['1'], 'of the first');
      await finish('1', 'delivered');
      same(await claim(NOW + 1_000), ['2'], 'then the second');
    },
  ),
  one(
    'many that cannot be sent yet do not stand in the way of others, and are sent later',
    async ({ outbox, endpoint, delivery, claim, finish }) => {
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
      const request = { ...CLAIM, limit };
      const late = (await outbox.claim(request)).filter(
        ({ endpointId }) => endpointId === other.id,
      );
      assertSame(late.length, stuck.length, 'claimed once that endpoint is active');
      await outbox.replaceEndpoint({ ...active, status: 'disabled', version: '3' }, '2');
    },
  ),
  one(
    'no endpoint and no tenant gets more than its share, and others come in its place',
    async ({ outbox, endpoint, delivery, finish, claim }) => {
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
      const claimed = await outbox.claim({ ...CLAIM, limit: 20, shares });
      const bodies = claimed.map(({ body }) => body);
      same(bodies, ['0', '1', '2', 's1', 's2', 'x1'], 'by shares');
      for (const { id, lease, endpointId } of claimed.slice(0, 3)) {
        const result = { id, lease, endpointId, status: 'delivered', outcome: '200' } as const;
        await outbox.record([{ ...result, dueAtMs: NOW }], CIRCUIT, NOW);
      }
      same(await claim(NOW, 3), ['3', '4', '5'], 'as soon as there is room');
      await finish('3', 'delivered');
      const none = { perEndpoint: 0, endpoints: new Map(), perTenant: 0, tenants: new Map() };
      assertSame((await outbox.claim({ ...CLAIM, shares: none })).length, 0, 'no room');
      const hour = NOW + 3_600_000;
      const late = await outbox.claim({ ...CLAIM, limit: 2_000, nowMs: hour });
      const ids = new Set(late.map(({ id }) => id));
      const endpoints = new Set([endpoint.id, ...siblings.map(({ id }) => id)]);
      const found = late.filter(({ endpointId }) => endpoints.has(endpointId)).length;
      assertSame(found, 1_201, 'nothing is lost, whoever crashes');
      assertSame(ids.size, late.length, 'once each');
      for (const each of siblings) {
        const gone = { ...each, status: 'disabled', version: 'last' } as const;
        await outbox.replaceEndpoint(gone, each.version);
      }
    },
  ),
  one(
    'failures in a row pause an endpoint, a success does not let them add up',
    async ({ outbox, delivery, claim, finish }) => {
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
      same(await claim(CIRCUIT.pauseUntilMs), ['a', 'b', 'd', 'e'], 'after the pause');
    },
  ),
  one(
    'an endpoint that is gone is disabled and gets nothing',
    async ({ outbox, endpoint, delivery, claim, finish }) => {
      await outbox.add([delivery('a'), delivery('b')]);
      await claim();
      await finish('a', 'failed', { isGone: true });
      const found = await outbox.getEndpoint(endpoint.id);
      assertSame(found?.status, 'disabled', 'status');
      assertSame(found?.reason, 'gone', 'reason');
      assertSame(found?.version === endpoint.version, false, 'the same version');
      same(await claim(NOW + 60_000), [], 'nothing');
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
    async ({ outbox, endpoint, delivery, claim, finish }) => {
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
      assertSame(await outbox.replay({ endpointId: endpoint.id, nowMs: NOW }), 1, 'failed ones');
      same(await claim(), ['a'], 'again');
      const ids = [`${endpoint.id}:b`];
      assertSame(
        await outbox.replay({ endpointId: endpoint.id, ids, nowMs: NOW }),
        1,
        'a named one',
      );
      assertSame(await outbox.replay({ endpointId: 'another', ids, nowMs: NOW }), 0, 'of another');
      same(await claim(), ['b'], 'again');
    },
  ),
  one(
    'what ended long ago is forgotten, a part at a time and by many at once, and nothing else is',
    async ({ outbox, endpoint, delivery, claim, finish }) => {
      const names = ['a', 'b', 'c', 'd', 'e', 'f'];
      await outbox.add(names.map((name) => delivery(name, { createdAtMs: LONG_AGO })));
      await claim();
      for (const name of ['a', 'b', 'c']) await finish(name, 'delivered', { dueAtMs: LONG_AGO });
      await finish('d', 'delivered', { dueAtMs: LONG_AGO + 1 });
      await finish('e', 'failed', { dueAtMs: LONG_AGO + 2 });
      // It is as old, and to be tried again.
      await finish('f', 'pending', { dueAtMs: LONG_AGO });
      const endedBeforeMs = LONG_AGO + 2;
      const left = async () =>
        (await outbox.list({ endpointId: endpoint.id, limit: 10 })).map(({ body }) => body);
      assertSame(await outbox.prune({ endedBeforeMs, limit: 1 }), 1, 'one');
      assertSame((await left()).length, 5, 'left');
      const counts = await Promise.all(
        [1, 2, 3, 4].map(async () => outbox.prune({ endedBeforeMs, limit: 10 })),
      );
      assertSame(
        counts.reduce((sum, count) => sum + count, 0),
        3,
        'by all of them together',
      );
      same(await left(), ['e', 'f'], 'what is younger, and what waits');
      assertSame(await outbox.replay({ endpointId: endpoint.id, nowMs: NOW }), 1, 'replayed');
      assertSame(await outbox.prune({ endedBeforeMs: NOW, limit: 10 }), 0, 'nothing has ended');
      same(await claim(), ['e', 'f'], 'again');
    },
  ),
]);
