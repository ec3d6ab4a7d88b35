import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { apisec } from '@apisec/apollo';
import {
  allowAnonymous,
  type Completion,
  definePolicy,
  deny,
  guard,
  type Obligations,
  pass,
} from '@apisec/core';
import type { ApolloServerOptions } from '@apollo/server';
import { describe, expect, onTestFinished, test } from 'vitest';
import { base, headersOf, oblige, serve, shop, typeDefs } from './harness.ts';

type Ended = Pick<Completion, 'outcome' | 'denial'>;

function recording(): { readonly ended: Ended[]; readonly duty: Obligations } {
  const ended: Ended[] = [];
  return { ended, duty: { onComplete: (completion) => void ended.push(completion) } };
}

/** Whoever looks again and again does not mind a busy machine. */
const PATIENCE = { timeout: 10_000 };

/** Sends one operation and leaves the connection in the hands of the test. */
function send(url: string, accept = 'application/json', query = '{ me { name email } }') {
  const call: ClientRequest = request(url, {
    method: 'POST',
    headers: { ...headersOf('ann:read'), accept },
    agent: false,
  });
  call.on('error', () => undefined);
  call.end(JSON.stringify({ query }));
  onTestFinished(() => void call.destroy());
  return call;
}

function latch() {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

/** Resolvers of which `me` waits. */
function slow(waiting: { readonly open: () => void }, going: Promise<void>) {
  // Its resolvers are one object, by type and field.
  const resolvers = shop().resolvers as Record<string, Record<string, unknown>>;
  const me = async () => {
    waiting.open();
    await going;
    return { id: 'ann', name: 'ann' };
  };
  return { typeDefs, resolvers: { ...resolvers, Query: { ...resolvers['Query'], me } } };
}

describe('a caller who leaves while a resolver is at work', () => {
  const ways: readonly [string, { context?: (args: any) => Promise<object> }, boolean][] = [
    ['is noticed through the request in the context', {}, true],
    ['is not noticed without it', { context: async () => ({}) }, false],
  ];
  test.each(ways)('%s', async (_, options, heard) => {
    const { ended, duty } = recording();
    const [started, going] = [latch(), latch()];
    const admission = guard().use(oblige(duty)).use(allowAnonymous());
    const { url } = await serve([apisec({ admission })], {
      ...slow(started, going.opened),
      ...options,
    });
    const call = send(url);
    await started.opened;
    call.destroy();
    if (heard) await expect.poll(() => ended, PATIENCE).toMatchObject([{ outcome: 'aborted' }]);
    else await sleep(50);
    going.open();
    if (!heard) await expect.poll(() => ended, PATIENCE).toMatchObject([{ outcome: 'succeeded' }]);
    await sleep(20);
    expect(ended).toHaveLength(1);
  });

  test('is noticed through a signal, where the host has one', async () => {
    const { ended, duty } = recording();
    const [started, going] = [latch(), latch()];
    const leaving = new AbortController();
    const admission = guard().use(oblige(duty)).use(allowAnonymous());
    const plugin = apisec({ admission, signal: () => leaving.signal });
    const { url } = await serve([plugin], slow(started, going.opened));
    const call = send(url);
    await started.opened;
    expect(ended).toEqual([]);
    leaving.abort();
    expect(ended).toMatchObject([{ outcome: 'aborted' }]);
    going.open();
    await once(call, 'response');
    expect(ended).toHaveLength(1);
  });

  test('is waited for no longer than the operation takes', async () => {
    const { signal } = new AbortController();
    const listeners = new Set<unknown>();
    signal.addEventListener = (_: string, listener: unknown) => void listeners.add(listener);
    signal.removeEventListener = (_: string, listener: unknown) => void listeners.delete(listener);
    let most = 0;
    const counting = definePolicy({
      name: 'counting',
      role: 'grant',
      check: () => {
        most = Math.max(most, listeners.size);
        return pass();
      },
    });
    const admission = guard().use(counting);
    const { call } = await serve([apisec({ admission, signal: () => signal })]);
    for (const query of ['{ me { name } }', '{ crash }', '{ nothing }', '{']) {
      await call(undefined, query);
      expect(listeners.size).toBe(0);
    }
    expect(most).toBe(1);
  });

  test('costs nobody the answer where the signal cannot be had', async () => {
    const { ended, duty } = recording();
    const faults: unknown[] = [];
    const plugin = apisec({
      admission: guard().use(oblige(duty)).use(allowAnonymous()),
      signal: () => {
        throw new Error('no signal');
      },
      onFault: (cause) => void faults.push(cause),
    });
    const { call } = await serve([plugin]);
    expect((await call(undefined, '{ me { name } }')).status).toBe(200);
    expect(ended).toMatchObject([{ outcome: 'succeeded' }]);
    expect(faults).toMatchObject([{ message: 'no signal' }]);
  });

  test('ends what field policies began, before and after', async () => {
    const { ended, duty } = recording();
    const [started, going] = [latch(), latch()];
    const obliging = definePolicy({
      name: 'obliging',
      role: 'check',
      check: () => pass({}, duty),
    });
    const plugin = apisec({
      admission: guard().use(allowAnonymous()),
      fields: { 'Query.me': obliging, 'User.email': obliging },
    });
    const { url } = await serve([plugin], slow(started, going.opened));
    const call = send(url);
    await started.opened;
    call.destroy();
    await expect.poll(() => ended, PATIENCE).toMatchObject([{ outcome: 'aborted' }]);
    going.open();
    await expect
      .poll(() => ended, PATIENCE)
      .toMatchObject([{ outcome: 'aborted' }, { outcome: 'aborted' }]);
  });

  test('and is denied after that is recorded as denied', async () => {
    const { ended, duty } = recording();
    const [started, going] = [latch(), latch()];
    const late = definePolicy({
      name: 'late',
      role: 'grant',
      check: async () => {
        started.open();
        await going.opened;
        return deny('forbidden', 'shop.closed');
      },
    });
    const { url } = await serve([apisec({ admission: base.use(oblige(duty)).use(late) })]);
    const call = send(url);
    await started.opened;
    call.destroy();
    await sleep(50);
    going.open();
    await expect
      .poll(() => ended, PATIENCE)
      .toMatchObject([{ outcome: 'denied', denial: { code: 'shop.closed' } }]);
  });
});

test('a caller with more than a hundred operations on one connection is cut off, and holds no place', async () => {
  const { ended, duty } = recording();
  const going = latch();
  const { url } = await serve(
    [apisec({ admission: guard().use(oblige(duty)).use(allowAnonymous()) })],
    slow(latch(), going.opened),
  );
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  // Cut, so with an error as well.
  socket.on('error', () => undefined);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  const body = JSON.stringify({ query: '{ me { id } }' });
  const head = ['POST / HTTP/1.1', 'host: a', 'content-type: application/json'];
  const one = [...head, `content-length: ${body.length}`, '', body].join('\r\n');
  socket.write(one.repeat(1_000));
  await closed;
  await expect.poll(() => ended.length, PATIENCE).toBeGreaterThan(100);
  await sleep(50);
  // Those that had begun when it was cut; Node had read a few more by then.
  expect(ended.length).toBeLessThan(300);
  expect(new Set(ended.map(({ outcome }) => outcome))).toEqual(new Set(['aborted']));
  going.open();
});

describe('a caller who leaves in the middle of an incremental answer', () => {
  const accept = 'multipart/mixed; deferSpec=20220824';

  const PARTS = 100;

  /** Goes on for as long as anybody reads, and for a second at most. */
  function endless(
    stopped: { open: () => void; parts?: number },
    begin: () => Promise<void> = async () => undefined,
  ): Partial<ApolloServerOptions<any>> {
    const execute = async (): Promise<any> => ({
      initialResult: await begin().then(() => ({ data: { me: { name: 'ann' } }, hasNext: true })),
      subsequentResults: (async function* () {
        try {
          for (let part = 1; part <= PARTS; part++) {
            await sleep(10);
            stopped.parts = part;
            yield { incremental: [{ data: { email: 'e' }, path: ['me'] }], hasNext: part < PARTS };
          }
        } finally {
          stopped.open();
        }
      })(),
    });
    return { legacyExperimentalExecuteIncrementally: execute } as object;
  }

  test('is noticed, and the executor stops', async () => {
    const { ended, duty } = recording();
    const stopped: ReturnType<typeof latch> & { parts?: number } = latch();
    const admission = guard().use(oblige(duty)).use(allowAnonymous());
    const { url } = await serve([apisec({ admission })], endless(stopped));
    const call = send(url, accept);
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    await once(response, 'data');
    expect(ended).toEqual([]);
    call.destroy();
    await stopped.opened;
    expect(ended).toMatchObject([{ outcome: 'aborted' }]);
    expect(stopped.parts).toBeLessThan(PARTS);
  });

  test('or before it begins, is noticed, and hardly any part is produced', async () => {
    const { ended, duty } = recording();
    const stopped: ReturnType<typeof latch> & { parts?: number } = latch();
    const [started, begin] = [latch(), latch()];
    const admission = guard().use(oblige(duty)).use(allowAnonymous());
    const options = endless(stopped, () => {
      started.open();
      return begin.opened;
    });
    const { url } = await serve([apisec({ admission })], options);
    const call = send(url, accept);
    await started.opened;
    call.destroy();
    await expect.poll(() => ended, PATIENCE).toMatchObject([{ outcome: 'aborted' }]);
    begin.open();
    await sleep(100);
    expect(stopped.parts ?? 0).toBeLessThan(2);
  });

  test('is not where the context does not hold the request', async () => {
    const { ended, duty } = recording();
    const stopped = latch();
    const admission = guard().use(oblige(duty)).use(allowAnonymous());
    const { url } = await serve([apisec({ admission })], {
      ...endless(stopped),
      context: async () => ({}),
    });
    const call = send(url, accept);
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    await once(response, 'data');
    call.destroy();
    await stopped.opened;
    await expect.poll(() => ended, PATIENCE).toMatchObject([{ outcome: 'succeeded' }]);
  });
});
