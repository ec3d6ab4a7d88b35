import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { allowAnonymous, audit, guard, jsonLines } from '@apisec/core';
import { migrate, postgresAuditSink, verifyChain } from '@apisec/postgres';
import { Pool } from 'pg';
import { record } from '../measurements.ts';

/**
 * What one event costs, and how many a second reach PostgreSQL. The second part needs `DATABASE_URL`, makes a schema of
 * its own there, and takes half a minute: events come at 20,000 a second whether or not the database keeps up.
 */
const EACH = 50_000;
const PER_SECOND = 20_000;
const SECONDS = 10;
const TICK_MS = 10;
/** Room for half a second of events while the database is busy with something else. */
const QUEUE = { maxEvents: 40_000, maxBytes: 128 << 20, maxBatch: 4_000 };

const request = { method: 'GET', url: '/orders/17', headers: new Headers() };
const facts = {
  call: { protocol: 'http', operation: 'GET /orders/:id' },
  peer: { address: '192.0.2.7', id: '192.0.2.7' },
} as const;

/** Tells of calls as hosts do, without what hosts cost. */
function callsOf(log: ReturnType<typeof audit>): () => void {
  const api = guard<typeof facts>().use(log).use(allowAnonymous());
  return () => {
    const decision = api.check(request, facts);
    if (decision instanceof Promise) throw new TypeError('These policies answer at once.');
    log.onUnlisted({
      facts: decision.allowed ? decision.facts : {},
      denial: undefined,
      trace: decision.trace,
      outcome: 'succeeded',
      status: 200,
    });
  };
}

/** Processor time of one event with its line of JSON, in microseconds: the best of five rounds. */
async function costOfLines(): Promise<number> {
  let written = 0;
  const lines = jsonLines((text) => {
    written += text.length;
  });
  const log = audit({ sinks: [lines], queue: QUEUE });
  const call = callsOf(log);
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5; round++) {
    const before = process.cpuUsage();
    for (let made = 0; made < EACH; made++) {
      call();
      // As on a server, where calls come in turns.
      if (made % 100 === 0) await wait(0);
    }
    await log.flush('1m');
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / EACH);
  }
  if (written === 0 || log.stats()[0]?.lost !== 0) throw new Error('Events were lost.');
  return best;
}

const lineCost = await costOfLines();
console.log(`audit: one event with its line of JSON costs ${lineCost.toFixed(1)} µs`);
record('Processor time of an event', 'µs', [{ name: 'with its line of JSON', value: lineCost }]);

const url = process.env['DATABASE_URL'];
if (url === undefined) console.log('audit into PostgreSQL: set DATABASE_URL to measure it\n');
else await intoPostgres(url);

async function intoPostgres(connectionString: string): Promise<void> {
  const pool = new Pool({ connectionString, max: 2 });
  const schema = `apisec_bench_${randomBytes(6).toString('hex')}`;
  const keys = { current: '1', keys: { 1: randomBytes(32) } };
  try {
    await migrate(pool, { schema });
    const log = audit({ sinks: [postgresAuditSink(pool, { schema, keys })], queue: QUEUE });
    const call = callsOf(log);
    const begun = performance.now();
    let made = 0;
    let mostQueued = 0;
    while (made < PER_SECOND * SECONDS) {
      // By the clock, so that a slow tick is made up for by the next.
      const due = Math.min(
        PER_SECOND * SECONDS,
        ((performance.now() - begun) / 1_000) * PER_SECOND,
      );
      for (; made < due; made++) call();
      mostQueued = Math.max(mostQueued, log.stats()[0]?.queued ?? 0);
      await wait(TICK_MS);
    }
    const madeIn = (performance.now() - begun) / 1_000;
    await log.flush('1m');
    const writtenIn = (performance.now() - begun) / 1_000;
    const { written = 0, lost = 0 } = log.stats()[0] ?? {};
    await log.close();
    const report = await verifyChain(pool, { schema, keys });
    record('Events into the hash chain of PostgreSQL', 'a second', [
      { name: 'asked for', value: PER_SECOND },
      { name: 'written', value: written / writtenIn },
      { name: 'lost', value: lost / writtenIn },
    ]);
    console.log(
      `audit into PostgreSQL: ${made} events in ${madeIn.toFixed(1)} s, all written after ${writtenIn.toFixed(1)} s ` +
        `(${Math.round(written / writtenIn)} a second), ${lost} lost, ${mostQueued} queued at most; ` +
        `the chain has ${report.events} and is ${report.complete ? 'whole' : 'not whole'}\n`,
    );
  } finally {
    await pool.query(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`);
    await pool.end();
  }
}
