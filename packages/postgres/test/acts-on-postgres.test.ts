import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AuditEvent, allowAnonymous, audit, guard, jsonLines, toOcsf } from '@apisec/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ActStores, administrativeActs } from '../../accounts/test/administrative-acts.ts';
import { expectToldOnce } from '../../accounts/test/told-acts.ts';
import { main } from '../../cli/src/index.ts';
import { consoleFeed, consoleRoutes } from '../../console/src/index.ts';
import { type Alert, alerts } from '../../insights/src/index.ts';
import {
  exportChain,
  postgresApiKeyStore,
  postgresAuditSink,
  postgresPasskeyStore,
  postgresRefreshTokenStore,
  postgresRevocationStore,
  postgresRoleStore,
  postgresSessionStore,
  postgresTenantStore,
  postgresTicketStore,
  postgresTotpStore,
  verifyChain,
} from '../src/index.ts';
import { databaseUrl, newSchema, oneDatabase, type TestDatabase } from './databases.ts';

/** PostgreSQL is not asked to count calls and attempts. */
const NOT_HERE: ReadonlySet<keyof ActStores> = new Set(['limits', 'counters']);
const acts = administrativeActs.filter(({ store }) => !NOT_HERE.has(store));
const schema = newSchema();

if (databaseUrl === undefined)
  test.skip('PostgreSQL: set DATABASE_URL to test on a server as well');

describe.each(oneDatabase)('acts on %s are reported once and without a secret', (_name, open) => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await open(schema);
  });
  afterAll(() => database?.end());

  const stores = (): ActStores => {
    const { client } = database;
    return {
      apiKeys: postgresApiKeyStore(client, { schema }),
      revocations: postgresRevocationStore(client, { schema }),
      refreshTokens: postgresRefreshTokenStore(client, { schema }),
      totp: postgresTotpStore(client, { schema }),
      passkeys: postgresPasskeyStore(client, { schema }),
      sessions: postgresSessionStore(client, { schema }),
      tickets: postgresTicketStore(client, { schema }),
      tenants: postgresTenantStore(client, { schema }),
      roles: postgresRoleStore(client, { schema }),
    };
  };

  test.each(acts)('$name', async (act) => {
    await expectToldOnce(act, stores());
  });

  test('no secret of any act is in any sink, page, stream, alert or terminal', async () => {
    const keys = { current: '1', keys: { 1: randomBytes(32) } };
    const chain = 'all-acts';
    const feed = consoleFeed();
    const raised: Alert[] = [];
    const events: AuditEvent[] = [];
    let lines = '';
    const log = audit({
      sinks: [
        feed,
        (event) => void events.push(event),
        jsonLines((text) => void (lines += text)),
        postgresAuditSink(database.client, { schema, chain, keys }),
        alerts({
          rules: [
            { name: 'each', when: { outcome: ['succeeded', 'denied', 'failed'] }, quiet: '0ms' },
          ],
          notify: (alert) => void raised.push(alert),
        }),
      ],
    });
    const secrets: string[] = [];
    for (const act of acts) secrets.push(...(await act.run(stores(), log.record)));
    await log.flush();

    const origin = 'https://ops.example';
    const admission = guard().use(allowAnonymous());
    const routes = consoleRoutes({ origin, admission, feed, audit: log });
    const stream = (await routes.fetch(new Request(`${origin}/console/events`))).body?.getReader();
    const snapshot = new TextDecoder().decode((await stream?.read())?.value);
    await stream?.cancel();
    await log.close();

    const folder = await mkdtemp(join(tmpdir(), 'apisec-acts-'));
    const terminal: string[] = [];
    try {
      const file = join(folder, 'audit.log');
      await writeFile(file, lines);
      const out = { write: (text: string) => terminal.push(text) };
      for (const { id } of events) {
        await main(['explain', id, '--log', file], { stdout: out, stderr: out });
      }
      await main(['audit', 'denials', file, '--json'], { stdout: out, stderr: out });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    const trail: string[] = [];
    for await (const line of exportChain(database.client, { schema, chain })) trail.push(line);
    const report = await verifyChain(database.client, { schema, chain, keys });
    expect(report).toMatchObject({ ok: true, complete: true, events: acts.length });

    const told = {
      function: JSON.stringify(events),
      'json lines': lines,
      ocsf: JSON.stringify(events.map(toOcsf)),
      database: trail.join(''),
      console: snapshot,
      alerts: JSON.stringify(raised),
      terminal: terminal.join(''),
    };
    expect(secrets.length).toBeGreaterThan(40);
    for (const [sink, text] of Object.entries(told)) {
      // Every act is there, so nothing is missing only because nothing was told.
      for (const { act } of acts) expect(text, sink).toContain(act);
      // The digits of a code may stand in a longer number by chance, and a code as a whole would not.
      for (const secret of secrets) {
        const isTold = /^\d+$/.test(secret)
          ? new RegExp(`(?<![\\da-z])${secret}(?![\\da-z])`, 'i').test(text)
          : text.includes(secret);
        expect(isTold, sink).toBe(false);
      }
    }
  }, 120_000);
});
