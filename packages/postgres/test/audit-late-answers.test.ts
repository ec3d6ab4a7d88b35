import { randomBytes, randomUUID } from 'node:crypto';
import { type AuditDelivery, type AuditEvent, audit } from '@apisec/core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type AuditChainKeys,
  type PostgresAuditSinkOptions,
  type PostgresClient,
  postgresAuditSink,
  verifyChain,
} from '../src/index.ts';
import { newSchema, oneDatabase, type TestDatabase } from './databases.ts';

// What happens to events whose write was given up on, and answered after all; and to a chain that others changed.

/** In the statement that adds a block alone. */
const APPEND = 'UPDATE';

describe.each(oneDatabase)('an audit sink on %s', (_database, open) => {
  const schema = newSchema();
  const keys: AuditChainKeys = { current: '1', keys: { 1: randomBytes(32) } };
  let database: TestDatabase;
  let chain: string;

  beforeAll(async () => {
    database = await open(schema);
  }, 60_000);
  afterAll(() => database?.end());
  beforeEach(() => {
    chain = randomUUID();
  });

  const sinkOn = (client: PostgresClient, options: Partial<PostgresAuditSinkOptions> = {}) =>
    postgresAuditSink(client, { schema, chain, keys, ...options });
  const verify = () => verifyChain(database.client, { schema, chain, keys });
  const idsInChain = async (): Promise<readonly unknown[]> => {
    const { rows } = await database.client.query(
      `SELECT event ->> 'id' AS id FROM "${schema}".audit_log WHERE chain = $1 ORDER BY seq, index`,
      [chain],
    );
    return (rows as { readonly id: string }[]).map(({ id }) => id);
  };
  /** As the owner of the database can, with the head set back as well. */
  const cutBackTo = async (seq: number): Promise<void> => {
    const rows = (text: string, params: unknown[] = []) =>
      database.client.query(text.replaceAll('$S', `"${schema}"`), params);
    for (const table of ['audit_blocks', 'audit_events']) {
      await rows(`ALTER TABLE $S.${table} DISABLE TRIGGER USER`);
      await rows(`DELETE FROM $S.${table} WHERE chain = $1 AND seq > $2`, [chain, seq]);
      await rows(`ALTER TABLE $S.${table} ENABLE TRIGGER USER`);
    }
    await rows(
      'UPDATE $S.audit_chains SET (seq, hash) = (SELECT seq, hash FROM $S.audit_blocks WHERE chain = $1 AND seq = $2) WHERE chain = $1',
      [chain, seq],
    );
  };
  const events = (...ids: readonly string[]): readonly AuditEvent[] =>
    ids.map((id) => ({
      schema: 'apisec.audit/1',
      id,
      time: 1,
      kind: 'act',
      event: 'authz_admin',
      severity: 'info',
      outcome: 'succeeded',
    }));
  const delivery = (accepted: number, { signal } = new AbortController()): AuditDelivery => ({
    signal,
    writer: 'w',
    accepted,
    lost: 0,
  });
  const isAppend = (text: string): boolean => text.includes(APPEND);

  /** A client whose first statement of a kind is done at once, and answered when the test says so. */
  const answeringLate = (isLate: (text: string) => boolean) => {
    let answer: () => void = () => undefined;
    const late = new Promise<void>((resolve) => {
      answer = resolve;
    });
    let isFirst = true;
    const client: PostgresClient = {
      query: async (text, params) => {
        const result = await database.client.query(text, params);
        if (isFirst && isLate(text)) {
          isFirst = false;
          await late;
        }
        return result;
      },
    };
    return { client, answer };
  };

  test.each([
    ['where the chain ends', (text: string) => !isAppend(text)],
    ['to a block', isAppend],
  ])('loses no event after an answer %s that came too late', async (_what, isLate) => {
    const { client, answer } = answeringLate(isLate);
    const sink = sinkOn(client);
    const aborted = new AbortController();
    const first = events('a', 'b', 'c');
    const given = Promise.resolve(sink.write(first, delivery(3, aborted))).catch(() => undefined);
    // The block is in the chain, and nobody has heard of it: its events are offered again.
    if (isLate(APPEND)) await expect.poll(idsInChain).toHaveLength(3);
    aborted.abort(new Error('too late'));
    await sink.write(first, delivery(3));
    await sink.write(events('d', 'e', 'f'), delivery(6));
    answer();
    await given;
    await sink.write(events('g', 'h'), delivery(8));
    await sink.write(events('i'), delivery(9));
    expect(await idsInChain()).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i']);
    expect(await verify()).toMatchObject({ ok: true, events: 9, writers: [{ unwritten: 0 }] });
  });

  test('notices that its events were cut away, although others have written on since', async () => {
    const sink = sinkOn(database.client);
    await sink.write(events('a', 'b'), delivery(2));
    await sink.write(events('c'), delivery(3));
    await cutBackTo(1);
    const other = audit({ sinks: [sinkOn(database.client)] });
    for (let at = 0; at < 3; at++) await other.record({ act: 'limit.reset' });
    await other.close();
    // Another process was first, so that this one has to read where the chain ends.
    for (let at = 0; at < 2; at++) {
      const again = Promise.resolve(sink.write(events('d'), delivery(4)));
      await expect(again).rejects.toThrow('was cut back: it lacks events 2 to 2 of w');
    }
    expect(await idsInChain()).not.toContain('d');
  });

  test.each([
    ['before it has read', (text: string) => !isAppend(text)],
    ['after it has read', isAppend],
  ])(
    'does not take events for its own that another sink of the audit wrote %s where the chain ends',
    async (_when, isThen) => {
      const other = sinkOn(database.client);
      let isFirst = true;
      const sink = sinkOn({
        query: async (text, params) => {
          if (isFirst && isThen(text)) {
            isFirst = false;
            await other.write(events('a'), delivery(1));
          }
          return database.client.query(text, params);
        },
      });
      for (let attempt = 0; attempt < 2; attempt++) {
        const written = Promise.resolve(sink.write(events('b'), delivery(1)));
        await expect(written).rejects.toThrow('written to by two sinks of one audit');
      }
      expect(await idsInChain()).toEqual(['a']);
    },
  );

  test('goes on in one order although its clock is set back, stands still and has fractions', async () => {
    const times = [1_800_000_000_000, 1_700_000_000_000.25, 1_700_000_000_000.75, 0, 1.5];
    let at = 0;
    const now = () => times[at % times.length] ?? 0;
    const log = audit({ sinks: [sinkOn(database.client, { now })], now });
    for (; at < 10; at++) expect(await log.record({ act: 'limit.reset' })).toEqual({ ok: true });
    await log.close();
    expect(await verify()).toMatchObject({ ok: true, complete: true, events: 10 });
    const { rows } = await database.client.query(
      `SELECT seq, time FROM "${schema}".audit_log WHERE chain = $1 ORDER BY seq`,
      [chain],
    );
    const found = rows as { readonly time: Date }[];
    expect(found.map(({ time }) => time.getTime())).toEqual(
      Array.from({ length: 10 }, (_, each) => Math.round(times[each % times.length] ?? 0)),
    );
  });

  test('a tail that a holder of the key has rewritten is revealed only by an anchor', async () => {
    const log = audit({ sinks: [sinkOn(database.client)] });
    for (const id of ['1', '2', '3']) {
      await log.record({ act: 'limit.reset', target: { type: 'limit', id } });
    }
    await log.close();
    const { head } = await verify();
    if (head === undefined) throw new Error('nothing was written');
    await cutBackTo(2);
    const forger = audit({ sinks: [sinkOn(database.client)] });
    await forger.record({ act: 'limit.reset', target: { type: 'limit', id: 'forged' } });
    await forger.close();
    const forged = await verify();
    expect(forged).toMatchObject({ ok: true, head: { seq: head.seq } });
    // The writer that was cut off has not ended in order.
    expect(forged).toMatchObject({ complete: false });
    const report = await verifyChain(database.client, { schema, chain, keys, anchors: [head] });
    expect(report.problems).toEqual([{ kind: 'anchor_missing', seq: head.seq }]);
  });
});
