import { Writable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { runInNewContext } from 'node:vm';
import { expect, test, vi } from 'vitest';
import { type Audit, audit } from './audit.ts';
import type { AuditEvent } from './event.ts';
import { jsonLines } from './json-lines.ts';
import type { AuditSink } from './sink.ts';

// Sinks that do what sinks should not do: none of them stops the process, and none loses what was acknowledged.

test.each<readonly [string, (log: () => Audit) => AuditSink['write']]>([
  ['a sink that records an act of each event', (log) => () => void log().record({ act: 'a.b' })],
  [
    'a sink that records an act of each event and answers later',
    (log) => async () => void log().record({ act: 'a.b' }),
  ],
])('%s goes on for ever, and leaves time to everybody else', async (_name, writeTo) => {
  let written = 0;
  const write = writeTo(() => log);
  const log = audit({
    sinks: [
      {
        name: 'echo',
        // It ends at some time, so that a failure is one, and no test that hangs.
        write: (events, delivery) => (++written < 20_000 ? write(events, delivery) : undefined),
      },
    ],
  });
  void log.record({ act: 'a.b' });
  await wait(5);
  await vi.waitFor(() => expect(written).toBeGreaterThan(2), 20_000);
  expect(written).toBeLessThan(20_000);
  await log.close('1ms');
});

test('a sink that waits for the receipt of its own act is given up on, and its events are offered again', async () => {
  const seen: (string | undefined)[] = [];
  const receipts: unknown[] = [];
  const log = audit({
    sinks: [
      {
        name: 'waiting for itself',
        write: async (events) => {
          seen.push(...events.map(({ act }) => act));
          if (receipts.length > 0 || events[0]?.act === 'x.inner') return;
          receipts.push(await log.record({ act: 'x.inner' }));
        },
      },
    ],
    queue: { timeout: '20ms' },
  });
  expect(await log.record({ act: 'x.outer' })).toEqual({ ok: false, problem: 'late' });
  expect(await log.flush()).toBe(true);
  expect(receipts).toEqual([{ ok: false, problem: 'late' }]);
  expect(new Set(seen)).toEqual(new Set(['x.outer', 'x.inner']));
  await log.close();
});

test('an audit is closed in its time although a sink does not close', async () => {
  const faults: unknown[] = [];
  const log = audit({
    sinks: [
      { name: 'stuck', write: () => undefined, close: () => new Promise(() => undefined) },
      {
        name: 'broken',
        write: () => undefined,
        close: () => {
          throw new Error('already closed');
        },
      },
    ],
    onFault: (cause) => faults.push(cause),
  });
  await log.record({ act: 'a.b' });
  await log.close('20ms');
  expect(faults.map(String)).toEqual([
    'Error: already closed',
    'Error: audit: sink "stuck" did not close in 20 ms',
  ]);
});

test('an event that is written by a promise of another realm is acknowledged once written', async () => {
  let write: (error?: Error) => void = () => undefined;
  // Of another realm, and so not an instance of the `Promise` here.
  const OtherPromise: typeof Promise = runInNewContext('Promise');
  const start = (): Promise<void> =>
    new OtherPromise<void>((resolve, reject) => {
      write = (error) => (error ? reject(error) : resolve());
    });
  expect(new OtherPromise<void>(() => undefined)).not.toBeInstanceOf(Promise);
  const log = audit({ sinks: [jsonLines(start)] });
  const receipt = log.record({ act: 'a.b' });
  await wait(60);
  expect(log.stats()).toMatchObject([{ written: 0, queued: 1 }]);
  write(new Error('disk full'));
  await vi.waitFor(() => expect(log.stats()[0]?.healthy).toBe(false), 20_000);
  await wait(150);
  write();
  expect(await receipt).toEqual({ ok: true });
});

test('a line that was half written when the disk was full spoils none of those that follow', async () => {
  let file = '';
  let isFull = true;
  const log = audit({
    sinks: [
      jsonLines((text) => {
        file += isFull ? text.slice(0, text.length / 3) : text;
        if (isFull) throw new Error('ENOSPC');
      }),
    ],
    onFault: () => undefined,
  });
  const receipts = [1, 2].map((id) =>
    log.record({ act: 'a.b', target: { type: 'x', id: `${id}` } }),
  );
  await vi.waitFor(() => expect(log.stats()[0]?.healthy).toBe(false), 20_000);
  isFull = false;
  expect(await Promise.all(receipts)).toEqual([{ ok: true }, { ok: true }]);
  await log.record({ act: 'a.b', target: { type: 'x', id: '3' } });
  const read = file.split('\n').flatMap((line): readonly AuditEvent[] => {
    try {
      return [JSON.parse(line)];
    } catch {
      return [];
    }
  });
  expect(read.map(({ target }) => target?.id)).toEqual(['1', '2', '3']);
  // Only behind what may be half a line.
  expect(file.match(/\n\n|^\n/g)).toBeNull();
});

test('a stream that breaks is a fault, and does not end the process although nobody listens', async () => {
  const faults: unknown[] = [];
  const uncaught: unknown[] = [];
  const listen = (error: unknown): void => void uncaught.push(error);
  process.prependListener('uncaughtException', listen);
  const stream = new Writable({ write: (_chunk, _encoding, done) => done(new Error('no space')) });
  const log = audit({
    sinks: [jsonLines(stream)],
    onFault: (cause) => faults.push(cause),
    queue: { timeout: '300ms' },
  });
  expect(await log.record({ act: 'a.b' })).toEqual({ ok: false, problem: 'late' });
  await vi.waitFor(() => expect(faults.length).toBeGreaterThan(1), 20_000);
  process.off('uncaughtException', listen);
  expect(uncaught).toEqual([]);
  expect(faults[0]).toMatchObject({ message: 'no space' });
  expect(stream.listenerCount('error')).toBe(1);
  await log.close('1ms');
});
