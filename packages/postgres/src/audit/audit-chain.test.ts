import { randomBytes, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { type AuditOptions, type AuditReceipt, audit } from '@apisec/core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { databases, databaseUrl, newSchema, type TestDatabase } from '../../test/databases.ts';
import {
  type AuditChainKeys,
  exportChain,
  type PostgresAuditSinkOptions,
  type PostgresClient,
  postgresAuditSink,
  verifyChain,
  verifyChainExport,
} from '../index.ts';

const schema = newSchema();

if (databaseUrl === undefined)
  test.skip('PostgreSQL: set DATABASE_URL to test on a server as well');

describe.each(databases)('%s', (_name, open) => {
  const keys: AuditChainKeys = { current: '1', keys: { 1: randomBytes(32) } };
  let database: TestDatabase;
  let chain: string;

  beforeAll(async () => {
    database = await open(schema);
  });
  afterAll(() => database?.end());
  beforeEach(() => {
    chain = randomUUID();
  });

  const rows = async (text: string, params: unknown[] = []) =>
    (await database.client.query(text.replaceAll('$S', `"${schema}"`), params)).rows as Record<
      string,
      unknown
    >[];
  /** As the owner of the database can. */
  const tamper = async (text: string, params: unknown[] = []): Promise<void> => {
    for (const table of ['audit_blocks', 'audit_events']) {
      await rows(`ALTER TABLE $S.${table} DISABLE TRIGGER USER`);
    }
    try {
      await rows(text, params);
    } finally {
      for (const table of ['audit_blocks', 'audit_events']) {
        await rows(`ALTER TABLE $S.${table} ENABLE TRIGGER USER`);
      }
    }
  };
  const sink = (options: Partial<PostgresAuditSinkOptions> = {}) =>
    postgresAuditSink(database.client, { schema, chain, keys, ...options });
  const writer = (options: Partial<AuditOptions> = {}) => audit({ sinks: [sink()], ...options });
  const verify = (options = {}) =>
    verifyChain(database.client, { schema, chain, keys, ...options });
  const exported = async (): Promise<string[]> => {
    const lines: string[] = [];
    for await (const line of exportChain(database.client, { schema, chain })) {
      expect(line.endsWith('\n')).toBe(true);
      lines.push(line.trimEnd());
    }
    return lines;
  };
  const verifyLines = (lines: readonly string[], options = {}) =>
    verifyChainExport(Readable.from(lines), { keys, ...options });
  const act = (log: ReturnType<typeof writer>, id: number): Promise<AuditReceipt> =>
    log.record({ act: 'limit.reset', target: { type: 'limit', id: String(id) } });

  /** Three blocks of one event each. */
  const written = async () => {
    const log = writer();
    for (let id = 0; id < 3; id++) await act(log, id);
    await log.close();
  };

  // Covers: V16.4.2
  test('a written chain verifies, and is complete', async () => {
    await written();
    expect(await verify()).toMatchObject({
      ok: true,
      complete: true,
      blocks: 4,
      events: 3,
      head: { seq: 4 },
      problems: [],
      writers: [{ written: 3, unwritten: 0, lost: 0, closed: true }],
    });
  });

  test('events can be read as JSON', async () => {
    await written();
    const log = await rows(
      `SELECT event ->> 'act' AS act, time FROM $S.audit_log WHERE chain = $1`,
      [chain],
    );
    expect(log).toHaveLength(3);
    expect(log[0]).toMatchObject({ act: 'limit.reset', time: expect.any(Date) });
  });

  test('honest programs can only add', async () => {
    await written();
    for (const statement of [
      `UPDATE $S.audit_events SET event = '{}'`,
      'DELETE FROM $S.audit_events',
      'TRUNCATE $S.audit_blocks',
    ]) {
      await expect(rows(statement)).rejects.toThrow('only ever added to');
    }
  });

  test.each<readonly [string, string, object]>([
    [
      'an event that was changed',
      `UPDATE $S.audit_events SET event = replace(event, '"1"', '"2"') WHERE chain = $1 AND seq = 2`,
      { kind: 'event_changed', seq: 2, index: 0 },
    ],
    [
      'an event that was left out',
      'DELETE FROM $S.audit_events WHERE chain = $1 AND seq = 2',
      { kind: 'event_missing', seq: 2, index: 0 },
    ],
    [
      'an event that was added',
      `INSERT INTO $S.audit_events VALUES ($1, 2, 1, '{}')`,
      { kind: 'event_added', seq: 2, index: 1 },
    ],
    [
      'an event that was added without a block',
      `INSERT INTO $S.audit_events VALUES ($1, 0, 0, '{}'), ($1, -1, 0, '{}'), ($1, 2, -1, '{}')`,
      { kind: 'event_added', seq: 2, index: -1 },
    ],
    [
      'an event that stands in front of the first block',
      `INSERT INTO $S.audit_events VALUES ($1, 0, 0, '{}')`,
      { kind: 'event_added', seq: 0, index: 0 },
    ],
    [
      'a block that stands in front of the first one',
      `INSERT INTO $S.audit_blocks SELECT chain, -7, previous, hash, key_id, written_at, writer, first + 900, count, accepted, lost, closing, leaves FROM $S.audit_blocks WHERE chain = $1 AND seq = 1`,
      { kind: 'block_changed', seq: -7 },
    ],
    [
      'an event that stands behind the end',
      `INSERT INTO $S.audit_events VALUES ($1, 99, 0, '{}')`,
      { kind: 'event_added', seq: 99, index: 0 },
    ],
    [
      'two events of one block that were exchanged',
      `UPDATE $S.audit_events SET index = index + 100 WHERE chain = $1 AND seq = 5; UPDATE $S.audit_events SET index = 101 - index WHERE chain = '$C' AND seq = 5`,
      { kind: 'event_changed', seq: 5, index: 1 },
    ],
    [
      'two blocks that were exchanged',
      `UPDATE $S.audit_blocks SET seq = 102 WHERE chain = $1 AND seq = 2; UPDATE $S.audit_blocks SET seq = 2 WHERE chain = '$C' AND seq = 3; UPDATE $S.audit_blocks SET seq = 3 WHERE chain = '$C' AND seq = 102; UPDATE $S.audit_events SET seq = 102 WHERE chain = '$C' AND seq = 2; UPDATE $S.audit_events SET seq = 2 WHERE chain = '$C' AND seq = 3; UPDATE $S.audit_events SET seq = 3 WHERE chain = '$C' AND seq = 102`,
      { kind: 'block_changed', seq: 2 },
    ],
    [
      'a block that was left out, with those behind it moved up',
      `DELETE FROM $S.audit_blocks WHERE chain = $1 AND seq = 2; DELETE FROM $S.audit_events WHERE chain = '$C' AND seq = 2; UPDATE $S.audit_blocks SET seq = seq - 1 WHERE chain = '$C' AND seq > 2; UPDATE $S.audit_events SET seq = seq - 1 WHERE chain = '$C' AND seq > 2; UPDATE $S.audit_chains SET seq = seq - 1 WHERE chain = '$C'`,
      { kind: 'link_broken', seq: 2 },
    ],
    [
      'a block that was added at the end, with the head moved on',
      `INSERT INTO $S.audit_blocks SELECT chain, 7, hash, sha256(hash), key_id, written_at, writer, first + 900, count, accepted, lost, closing, leaves FROM $S.audit_blocks WHERE chain = $1 AND seq = 6; UPDATE $S.audit_chains SET seq = 7, hash = (SELECT hash FROM $S.audit_blocks WHERE chain = '$C' AND seq = 7) WHERE chain = '$C'`,
      { kind: 'block_changed', seq: 7 },
    ],
    [
      'events and hashes that were written anew without the key',
      `UPDATE $S.audit_events SET event = '{}' WHERE chain = $1 AND seq = 2; UPDATE $S.audit_blocks SET leaves = sha256('{}'), hash = sha256(previous || sha256('{}')) WHERE chain = '$C' AND seq = 2; UPDATE $S.audit_blocks SET previous = (SELECT hash FROM $S.audit_blocks WHERE chain = '$C' AND seq = 2) WHERE chain = '$C' AND seq = 3`,
      { kind: 'block_changed', seq: 2 },
    ],
    [
      'two events that were exchanged',
      `UPDATE $S.audit_events SET seq = CASE seq WHEN 1 THEN 102 ELSE 101 END WHERE chain = $1 AND seq IN (1, 2); UPDATE $S.audit_events SET seq = seq - 100 WHERE chain = '$C' AND seq > 100`,
      { kind: 'event_changed', seq: 1, index: 0 },
    ],
    [
      'a block that was left out',
      'DELETE FROM $S.audit_blocks WHERE chain = $1 AND seq = 2',
      { kind: 'block_missing', seq: 2 },
    ],
    [
      'a block whose time was changed',
      'UPDATE $S.audit_blocks SET written_at = 0 WHERE chain = $1 AND seq = 2',
      { kind: 'block_changed', seq: 2 },
    ],
    [
      'a block whose writer was changed',
      `UPDATE $S.audit_blocks SET writer = 'x' WHERE chain = $1 AND seq = 2`,
      { kind: 'block_changed', seq: 2 },
    ],
    [
      'a loss that was hidden',
      'UPDATE $S.audit_blocks SET accepted = 9 WHERE chain = $1 AND seq = 2',
      { kind: 'block_changed', seq: 2 },
    ],
    [
      'a count that is huge',
      'UPDATE $S.audit_blocks SET count = 2147483647 WHERE chain = $1 AND seq = 2',
      { kind: 'block_changed', seq: 2 },
    ],
    [
      'a block that was hashed without the key',
      `UPDATE $S.audit_blocks SET hash = sha256(leaves) WHERE chain = $1 AND seq = 2`,
      { kind: 'block_changed', seq: 2 },
    ],
    [
      'a block that is said to be hashed with another key',
      `UPDATE $S.audit_blocks SET key_id = '0' WHERE chain = $1 AND seq = 2`,
      { kind: 'key_unknown', seq: 2 },
    ],
    [
      'an end that was cut off',
      'DELETE FROM $S.audit_blocks WHERE chain = $1 AND seq = 6',
      { kind: 'block_missing', seq: 6 },
    ],
    [
      'a head that was changed',
      `UPDATE $S.audit_chains SET hash = sha256('x') WHERE chain = $1`,
      { kind: 'head_changed', seq: 6 },
    ],
    [
      'a head that was removed',
      'DELETE FROM $S.audit_chains WHERE chain = $1',
      { kind: 'head_changed', seq: 6 },
    ],
  ])('shows %s', async (_name, statement, problem) => {
    await written();
    // Two more blocks, the first of them with two events.
    const log = writer();
    await Promise.all([3, 4].map((id) => act(log, id)));
    await log.close();
    for (const each of statement.split(';')) {
      await tamper(each.replaceAll('$C', chain), each.includes('$1') ? [chain] : []);
    }
    const report = await verify();
    expect(report.ok).toBe(false);
    expect(report.problems).toContainEqual(problem);
    expect(await verifyLines(await exported())).toEqual(report);
  });

  test('shows a block that was copied from another chain with the same keys', async () => {
    await written();
    const other = randomUUID();
    for (const table of ['audit_chains', 'audit_blocks', 'audit_events']) {
      const columns = { audit_chains: 'seq, hash', audit_events: 'seq, index, event' }[table];
      const rest =
        columns ??
        'seq, previous, hash, key_id, written_at, writer, first, count, accepted, lost, closing, leaves';
      await rows(
        `INSERT INTO $S.${table} SELECT '${other}', ${rest} FROM $S.${table} WHERE chain = $1`,
        [chain],
      );
    }
    const report = await verifyChain(database.client, { schema, chain: other, keys });
    expect(report.problems.map(({ kind }) => kind)).toEqual(Array(4).fill('block_changed'));
  });

  test('takes nothing for added that writers write while it is verified', async () => {
    await written();
    const log = writer();
    let id = 10;
    const client: PostgresClient = {
      query: async (text, params) => {
        // Between the blocks of a page and their events.
        if (text.includes('audit_events')) await act(log, id++);
        return database.client.query(text, params);
      },
    };
    expect(await verifyChain(client, { schema, chain, keys })).toMatchObject({ ok: true });
    expect(id).toBeGreaterThan(10);
    await log.close();
  });

  test('shows a flood of events that were added, without reading them all', async () => {
    await written();
    const count = 50_000;
    await rows(
      `INSERT INTO $S.audit_events SELECT $1, 99, number, '{}' FROM generate_series(1, ${count}) AS number`,
      [chain],
    );
    let most = 0;
    const client: PostgresClient = {
      query: async (text, params) => {
        const result = await database.client.query(text, params);
        most = Math.max(most, result.rows.length);
        return result;
      },
    };
    const report = await verifyChain(client, { schema, chain, keys });
    expect(report.problems[0]).toEqual({ kind: 'event_added', seq: 99, index: 1 });
    expect(most).toBeLessThan(count / 2);
  });

  test('a holder of the key can rewrite a chain, and an anchor reveals it', async () => {
    await written();
    const { head } = await verify();
    for (const table of ['audit_chains', 'audit_blocks', 'audit_events']) {
      await tamper(`DELETE FROM $S.${table} WHERE chain = $1`, [chain]);
    }
    await written();
    const forged = await verify();
    expect(forged).toMatchObject({ ok: true, complete: true, head: { seq: 4 } });
    for (const anchors of [[head], [head, forged.head], [forged.head, head]]) {
      expect(await verify({ anchors })).toMatchObject({
        ok: false,
        problems: [{ kind: 'anchor_missing', seq: 4 }],
      });
    }
    expect(await verify({ anchors: [forged.head] })).toMatchObject({ ok: true });
  });

  test('a chain that is longer than a page verifies, and written out as JSON lines does so without the database', async () => {
    const log = writer({ queue: { maxBatch: 1 } });
    await Promise.all(Array.from({ length: 230 }, (_, id) => act(log, id)));
    await log.close();
    const lines = await exported();
    expect(lines).toHaveLength(232);
    const report = await verifyLines(lines);
    expect(report).toMatchObject({ ok: true, complete: true, blocks: 231, events: 230 });
    expect(report).toEqual(await verify());
    expect(await verifyLines(lines, { anchors: [report.head] })).toMatchObject({ ok: true });
  });

  test.each<readonly [string, (lines: string[]) => void, object]>([
    [
      'an event that was changed',
      (lines) => {
        lines[2] = (lines[2] ?? '').replace('limit.reset', 'limit.reser');
      },
      { kind: 'event_changed', seq: 2, index: 0 },
    ],
    ['a line that was taken out', (lines) => lines.splice(2, 1), { kind: 'block_missing', seq: 2 }],
    ['an end that was cut off', (lines) => lines.splice(4), { kind: 'block_missing', seq: 4 }],
    [
      'two lines that were exchanged',
      (lines) => lines.splice(1, 2, lines[2] ?? '', lines[1] ?? ''),
      { kind: 'block_missing', seq: 1 },
    ],
    [
      'a line that stands twice',
      (lines) => lines.splice(2, 0, lines[2] ?? ''),
      { kind: 'block_missing', seq: 3 },
    ],
    [
      'an event that stands twice in its block',
      (lines) => {
        lines[2] = (lines[2] ?? '').replace(/"events":\[(.*)\]\}$/, '"events":[$1,$1]}');
      },
      { kind: 'event_added', seq: 2, index: 0 },
    ],
    [
      'an event that was added behind the end',
      (lines) => lines.push('{"added":[99,0,"{}"]}'),
      { kind: 'event_added', seq: 99, index: 0 },
    ],
  ])('lines show %s', async (_name, tamper, problem) => {
    await written();
    const lines = await exported();
    tamper(lines);
    const report = await verifyLines(lines);
    expect(report.ok).toBe(false);
    expect(report.problems).toContainEqual(problem);
  });

  test('a file that is not such an export is not verified', async () => {
    await written();
    const lines = await exported();
    for (const wrong of [
      [],
      ['{}'],
      ['{"format":"apisec.audit-export/2"}'],
      [...lines.slice(0, 2), '{"block":'],
      [...lines.slice(0, 2), '[]'],
      [...lines.slice(0, 2), '{"block":{}}'],
      [...lines.slice(0, 2), '{"block":{"seq":2},"events":[["0",1]]}'],
    ]) {
      await expect(verifyLines(wrong)).rejects.toThrow(/line|list|index/);
    }
    await expect(verifyLines(lines, { chain: 'other' })).rejects.toThrow(
      'the file holds the chain',
    );
  });

  test('an end that was cut off with the head set back shows by an anchor, and by it alone', async () => {
    await written();
    const { head } = await verify();
    await tamper('DELETE FROM $S.audit_blocks WHERE chain = $1 AND seq > 2', [chain]);
    await tamper('DELETE FROM $S.audit_events WHERE chain = $1 AND seq > 2', [chain]);
    await tamper(
      'UPDATE $S.audit_chains SET (seq, hash) = (SELECT seq, hash FROM $S.audit_blocks WHERE chain = $1 AND seq = 2) WHERE chain = $1',
      [chain],
    );
    expect(await verify()).toMatchObject({ ok: true, complete: false });
    expect(await verify({ anchors: [head] })).toMatchObject({
      ok: false,
      problems: [{ kind: 'anchor_missing', seq: 4 }],
    });
  });

  // Covers: V16.4.2
  test('a writer notices that its chain was cut back, and writes no more', async () => {
    const faults: unknown[] = [];
    const log = writer({ onFault: (cause) => faults.push(cause), queue: { timeout: '300ms' } });
    for (let id = 0; id < 3; id++) await act(log, id);
    await tamper('DELETE FROM $S.audit_blocks WHERE chain = $1 AND seq > 1', [chain]);
    await tamper(
      'UPDATE $S.audit_chains SET (seq, hash) = (SELECT seq, hash FROM $S.audit_blocks WHERE chain = $1 AND seq = 1) WHERE chain = $1',
      [chain],
    );
    expect(await act(log, 3)).toEqual({ ok: false, problem: 'late' });
    expect(String(faults[0])).toContain('was cut back from block 3 to 1');
  });

  test('many writers at once lose nothing, and every event is there once', async () => {
    // What is late is not lost: without an end, a busy machine fails no receipt.
    const queue = { maxBatch: 7, timeout: '5m' } as const;
    const logs = Array.from({ length: 6 }, () => writer({ queue }));
    const receipts = await Promise.all(
      Array.from({ length: 300 }, (_, id) => act(logs[id % logs.length] as (typeof logs)[0], id)),
    );
    expect(receipts.filter(({ ok }) => !ok)).toEqual([]);
    for (const log of logs) await log.close();
    const report = await verify();
    expect(report).toMatchObject({ ok: true, complete: true, events: 300 });
    expect(report.writers).toHaveLength(6);
    const ids = await rows(
      `SELECT event -> 'target' ->> 'id' AS id FROM $S.audit_log WHERE chain = $1`,
      [chain],
    );
    expect(new Set(ids.map(({ id }) => id)).size).toBe(300);
  }, 120_000);

  test('an answer that was lost on its way makes no event come twice', async () => {
    let losing = true;
    const client: PostgresClient = {
      query: async (text, params) => {
        const result = await database.client.query(text, params);
        if (losing && text.includes('INSERT INTO') && text.includes('audit_events')) {
          losing = false;
          throw new Error('connection reset');
        }
        return result;
      },
    };
    const log = audit({ sinks: [postgresAuditSink(client, { schema, chain, keys })] });
    const receipts = await Promise.all([0, 1, 2].map((id) => act(log, id)));
    expect(receipts.every(({ ok }) => ok)).toBe(true);
    await log.close();
    expect(losing).toBe(false);
    expect(await verify()).toMatchObject({ ok: true, complete: true, events: 3 });
  });

  test('a database that is away for a while costs nothing that was accepted', async () => {
    let away = true;
    const client: PostgresClient = {
      query: (text, params) =>
        away ? Promise.reject(new Error('ECONNREFUSED')) : database.client.query(text, params),
    };
    const log = audit({ sinks: [postgresAuditSink(client, { schema, chain, keys })] });
    const receipts = [0, 1, 2].map((id) => act(log, id));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(log.stats()[0]).toMatchObject({ queued: 3, healthy: false });
    away = false;
    expect(await Promise.all(receipts)).toEqual([{ ok: true }, { ok: true }, { ok: true }]);
    await log.close();
    expect(await verify()).toMatchObject({ complete: true, events: 3 });
  });

  test('events that were dropped show as lost', async () => {
    const log = writer({ queue: { maxEvents: 10 } });
    const receipts = await Promise.all(Array.from({ length: 40 }, (_, id) => act(log, id)));
    expect(receipts.filter(({ ok }) => !ok)).toHaveLength(30);
    await log.close();
    const report = await verify();
    expect(report).toMatchObject({ ok: true, complete: false });
    expect(report.writers).toMatchObject([{ lost: 30, closed: true }]);
  });

  test('keys can be changed, as long as the old ones are known', async () => {
    await written();
    const both: AuditChainKeys = { current: '2', keys: { ...keys.keys, 2: randomBytes(32) } };
    const log = audit({ sinks: [sink({ keys: both })] });
    await act(log, 9);
    await log.close();
    expect(await verify({ keys: both })).toMatchObject({ ok: true, events: 4 });
    expect((await verify()).problems).toContainEqual({ kind: 'key_unknown', seq: 5 });
  });

  test('shows blocks that somebody hashed with an old key after it was retired', async () => {
    await written();
    const both: AuditChainKeys = { current: '2', keys: { ...keys.keys, 2: randomBytes(32) } };
    const retired: AuditChainKeys = { ...both, retired: { 1: 4 } };
    const log = audit({ sinks: [sink({ keys: retired })] });
    await act(log, 9);
    await log.close();
    expect(await verify({ keys: retired })).toMatchObject({ ok: true, blocks: 6 });
    // The thief has the old key, and may write to the database.
    const thief = writer();
    await act(thief, 10);
    await thief.close();
    expect((await verify({ keys: both })).ok).toBe(true);
    expect((await verify({ keys: retired })).problems).toEqual([
      { kind: 'key_retired', seq: 7 },
      { kind: 'key_retired', seq: 8 },
    ]);
    for (const wrong of [{ 2: 4 }, { 3: 4 }, { 1: -1 }, { 1: 1.5 }, { 1: '4' as never }]) {
      expect(() => sink({ keys: { ...both, retired: wrong } })).toThrow('keys.retired');
    }
  });

  test('another key verifies nothing', async () => {
    await written();
    const others: AuditChainKeys = { current: '1', keys: { 1: randomBytes(32) } };
    expect((await verify({ keys: others })).problems).toHaveLength(4);
  });

  test('hostile text is written and read as it is', async () => {
    const log = writer();
    const id = `'); DROP TABLE x; --\u0000\u001b[2J"\\`;
    await log.record({ act: 'limit.reset', target: { type: 'x', id }, reason: '{"a":1},' });
    await log.close();
    expect(await verify()).toMatchObject({ ok: true, complete: true });
    const [row] = await rows(
      `SELECT event -> 'target' ->> 'id' AS id FROM $S.audit_log WHERE chain = $1`,
      [chain],
    );
    expect(row?.['id']).toBe(`'); DROP TABLE x; --\\u0000\\u001b[2J"\\`);
  });

  test('no planted secret is in the database', async () => {
    const log = writer();
    const secret = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl';
    await log.record({
      act: 'a.b',
      reason: `was ${secret}`,
      data: { password: 'hunter2', note: secret },
    });
    await log.close();
    const all = JSON.stringify(
      await rows('SELECT event FROM $S.audit_events WHERE chain = $1', [chain]),
    );
    expect(all).toContain('[redacted]');
    expect(all).not.toMatch(/hunter2|c2lnbmF0dXJl/);
  });
});

describe('configuration', () => {
  const client: PostgresClient = { query: async () => ({ rows: [] }) };
  test.each([
    ['no keys', {}, 'keys'],
    ['a short key', { keys: { current: '1', keys: { 1: new Uint8Array(16) } } }, 'random bytes'],
    ['a key of zeros', { keys: { current: '1', keys: { 1: new Uint8Array(32) } } }, 'not random'],
    [
      'a current key that is not there',
      { keys: { current: '2', keys: { 1: randomBytes(32) } } },
      'keys.current',
    ],
    [
      'a chain that is none',
      { keys: { current: '1', keys: { 1: randomBytes(32) } }, chain: 'a b' },
      'chain must be',
    ],
    ['an unknown option', { key: 'x' }, '"key" is not an option'],
  ])('cannot be constructed with %s', (_name, options, message) => {
    // @ts-expect-error what a JavaScript user could write
    expect(() => postgresAuditSink(client, options)).toThrow(message);
  });
});
