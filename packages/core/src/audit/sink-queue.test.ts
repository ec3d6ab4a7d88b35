import { setTimeout as wait } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { allowAnonymous } from '../authorization/allow-anonymous.ts';
import { enforce } from '../engine/enforce.ts';
import { guard } from '../engine/guard.ts';
import { audit } from './audit.ts';
import type { AuditSink } from './sink.ts';

/** A sink that takes some time for each write, and remembers how many events came in each. */
function slowSink(writeMs: number): { readonly sink: AuditSink; readonly batches: number[] } {
  const batches: number[] = [];
  let isWriting = false;
  const write = async (events: readonly unknown[]): Promise<void> => {
    expect(isWriting, 'one write at a time').toBe(false);
    isWriting = true;
    batches.push(events.length);
    await wait(writeMs);
    isWriting = false;
  };
  return { sink: { name: 'slow', write }, batches };
}

const request = { method: 'GET', url: '/', headers: new Headers() };
const facts = {
  call: { protocol: 'http', operation: 'GET /' },
  peer: { address: '192.0.2.1', id: '192.0.2.1' },
} as const;

function callsOf(log: ReturnType<typeof audit>): () => void {
  const api = guard<typeof facts>().use(log).use(allowAnonymous());
  return () => {
    const decision = api.check(request, facts);
    if ('then' in decision) throw new TypeError('These policies answer at once.');
    enforce(decision).complete({ outcome: 'succeeded', status: 200 });
  };
}

describe('events', () => {
  test('that come while others are written wait for more to be written with', async () => {
    const { sink, batches } = slowSink(50);
    const log = audit({ sinks: [sink], queue: { flushAfter: '1m' } });
    const call = callsOf(log);
    const receipt = log.record({ act: 'limit.reset' });
    await expect.poll(() => batches.length).toBe(1);
    for (let made = 0; made < 5; made++) call();
    expect(await receipt).toEqual({ ok: true });
    await wait(10);
    expect(batches).toEqual([1]);
    await log.flush();
    expect(batches).toEqual([1, 5]);
    await log.close();
  });

  test('of a full batch do not wait', async () => {
    const { sink, batches } = slowSink(1);
    const log = audit({ sinks: [sink], queue: { maxBatch: 10, flushAfter: '1m' } });
    const call = callsOf(log);
    for (let made = 0; made < 100; made++) call();
    await expect.poll(() => batches.length).toBeGreaterThan(9);
    expect(new Set(batches)).toEqual(new Set([10]));
    await log.close();
  });

  test('that wait are written with an act, which does not wait', async () => {
    const { sink, batches } = slowSink(50);
    const log = audit({ sinks: [sink], queue: { flushAfter: '1m' } });
    const call = callsOf(log);
    // Nothing waits, and the next ones are not taken for urgent.
    expect(await log.flush()).toBe(true);
    call();
    expect(await log.record({ act: 'limit.reset' })).toEqual({ ok: true });
    const second = log.record({ act: 'limit.reset' });
    await expect.poll(() => batches.length).toBe(2);
    // Comes while the second is written.
    const third = log.record({ act: 'limit.reset' });
    expect(await Promise.all([second, third])).toEqual([{ ok: true }, { ok: true }]);
    expect(batches).toEqual([2, 1, 1]);
    await log.close();
  });

  test('that could not be written are offered again, less and less often', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const offered: number[] = [];
    const write = () => {
      offered.push(Date.now());
      throw new Error('disk full');
    };
    const log = audit({ sinks: [{ name: 'full', write }], onFault: () => undefined });
    void log.record({ act: 'limit.reset' });
    await vi.advanceTimersByTimeAsync(120_000);
    const pauses = offered.slice(1).map((at, index) => at - (offered[index] ?? 0));
    const doubled = [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600];
    expect(pauses).toEqual([...doubled, 30_000, 30_000]);
  });

  test('that wait are written when they are flushed', async () => {
    const { sink, batches } = slowSink(10);
    const log = audit({ sinks: [sink], queue: { flushAfter: '1m' } });
    const call = callsOf(log);
    call();
    expect(await log.flush()).toBe(true);
    call();
    expect(await log.flush()).toBe(true);
    expect(batches).toEqual([1, 1]);
    await log.close();
  });

  test('that were written are not held until a time when no others wait', async () => {
    setFlagsFromString('--expose-gc');
    // By this name V8 has it in contexts that are made from now on.
    const collectGarbage = runInNewContext('gc') as () => void;
    const written: WeakRef<object>[] = [];
    const write: AuditSink['write'] = async (events) => {
      written.push(...events.map((event) => new WeakRef(event)));
      // Others always wait, as on a server.
      call();
      await wait(1);
    };
    const log = audit({ sinks: [{ name: 'busy', write }], queue: { flushAfter: '1m' } });
    const call = callsOf(log);
    expect(await log.record({ act: 'limit.reset' })).toEqual({ ok: true });
    expect(log.stats()[0]).toMatchObject({ written: 1, queued: 1 });
    await wait(1);
    collectGarbage();
    expect(written[0]?.deref()).toBeUndefined();
    await log.close('10ms');
  });
});
