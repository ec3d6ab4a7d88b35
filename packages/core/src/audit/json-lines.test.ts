import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { audit } from './audit.ts';
import type { AuditEvent } from './event.ts';
import { jsonLine } from './json-line.ts';
import { jsonLines } from './json-lines.ts';

// Covers: V16.4.1
test('a file has one line for each event, with level, time and message as pino has them', async () => {
  const file = join(await mkdtemp(join(tmpdir(), 'apisec-')), 'audit.log');
  const log = audit({ sinks: [jsonLines(createWriteStream(file, { flags: 'a' }))] });
  for (const id of ['1', '2']) {
    await log.record({ act: 'api_key.revoked', target: { type: 'api_key', id } });
  }
  await log.close();
  const lines = (await readFile(file, 'utf8')).trim().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    expect.objectContaining({
      level: 30,
      time: expect.any(Number),
      msg: 'api_key.revoked succeeded: api_key 1',
    }),
    expect.objectContaining({ level: 30, msg: 'api_key.revoked succeeded: api_key 2' }),
  ]);
});

test('no more than one batch is in the buffer of a stream that stands still', async () => {
  const held: (() => void)[] = [];
  const stream = new Writable({
    highWaterMark: 1,
    write: (_chunk, _encoding, done) => void held.push(done),
  });
  const log = audit({ sinks: [jsonLines(stream)], queue: { maxBatch: 1, maxEvents: 50 } });
  const receipts = Array.from({ length: 100 }, () => log.record({ act: 'limit.reset' }));
  await new Promise((resolve) => setImmediate(resolve));
  expect(stream.writableLength).toBeLessThan(2_048);
  expect(log.stats()[0]).toMatchObject({ queued: 50, lost: 50 });
  const free = setInterval(() => held.shift()?.(), 1);
  const results = await Promise.all(receipts);
  clearInterval(free);
  expect(results.filter(({ ok }) => ok)).toHaveLength(50);
});

test('a stream that breaks is a fault, and its events are kept', async () => {
  const faults: unknown[] = [];
  const stream = new Writable({ write: (_chunk, _encoding, done) => done(new Error('no space')) });
  stream.on('error', () => undefined);
  const log = audit({
    sinks: [jsonLines(stream)],
    onFault: (cause) => faults.push(cause),
    queue: { timeout: '50ms' },
  });
  expect(await log.record({ act: 'limit.reset' })).toEqual({ ok: false, problem: 'late' });
  expect(faults[0]).toMatchObject({ message: 'no space' });
  expect(log.stats()[0]).toMatchObject({ queued: 1, healthy: false });
});

test('cannot be constructed without something to write to', () => {
  // @ts-expect-error what a JavaScript user could write
  expect(() => jsonLines('audit.log')).toThrow('give it a function');
});

test('a line says what the event says, whatever is in it', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('"', '\\', '\u2028', '\u009b'),
  );
  const lists = fc.array(texts, { maxLength: 3 });
  const data = fc.dictionary(texts, fc.oneof(texts, fc.boolean(), fc.integer()), { maxKeys: 3 });
  const members = fc.record({
    operation: texts,
    cause: texts,
    trace: lists,
    data,
    status: fc.nat(),
  });
  fc.assert(
    fc.property(members, (given) => {
      const event = { ...EVENT, ...given, data: { ...given.data } };
      const line = jsonLine(event);
      const { level, msg, ...read } = JSON.parse(line);
      expect(read).toEqual(JSON.parse(JSON.stringify(event)));
      expect([level, typeof msg]).toEqual([30, 'string']);
      expect(line).not.toMatch(/[\n\r\x7f-\x9f\u2028-\u202e\ufeff]/);
    }),
  );
});

const EVENT: AuditEvent = {
  schema: 'apisec.audit/1',
  id: 'w-1',
  time: 1,
  kind: 'decision',
  event: 'authz_success',
  severity: 'info',
  outcome: 'succeeded',
};
