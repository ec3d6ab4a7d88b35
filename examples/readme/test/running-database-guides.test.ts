import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Audit, HttpFacts, Policy } from '@apisec/core';
import { safeFetch, type Webhooks } from '@apisec/egress';
import type { Usage } from '@apisec/insights';
import type { ChainReport } from '@apisec/postgres';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { runGuide } from '../src/run-guide.ts';
import { closeDatabase } from '../src/running/pool.ts';
import { provider } from '../src/running/provider.ts';

// PostgreSQL runs in this process, and takes a moment to start.
const TIMEOUT = 120_000;

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
  vi.unstubAllGlobals();
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});
afterAll(closeDatabase);

/** Keeps events off the terminal, and answers that they were written. */
function quietStdout(): void {
  vi.spyOn(process.stdout, 'write').mockImplementation((_text, encoding, done) => {
    const written = typeof encoding === 'function' ? encoding : done;
    written?.();
    return true;
  });
}

test(
  'the guide to tenants keeps one tenant from another: in calls, in a table, in lists and in pools',
  async () => {
    vi.stubGlobal('fetch', provider.fetch);
    const given = await import('../src/running/guides-tenants.ts');
    ends.push(() => given.pool.query('RESET ROLE'));
    const { queries } = await import('../src/running/documents.ts');
    const [, chosen, walled, , pools] = await runGuide('tenants', [0, 1, 2, 3, 4], {
      'resolveTenant({\n  from: [tenantFrom.principal(), tenantFrom.host':
        'export const choose = resolveTenant({\n  from: [tenantFrom.principal(), tenantFrom.host',
      '// In a handler:':
        "import { enter } from '../src/running/guides-tenants.ts';\nawait enter(member);",
      // Nobody else can connect to this database, so the transaction takes a role.
      "column: 'tenant_id' }] }":
        "column: 'tenant_id' }], role: 'shop', insecurePrivilegedLogin: true }",
    });
    const choose = chosen?.['choose'] as Policy<HttpFacts, object, 'check'>;
    const inTenant = async (host: string) => {
      const principal = { id: 'alice', tenant: undefined };
      // What the policy reads of them.
      const facts = { ...given.host, principal } as unknown as HttpFacts;
      const outcome = await choose.check(
        new Request(`https://${host}`, { headers: { host } }),
        facts,
      );
      return outcome.ok ? outcome.facts : outcome.denial.code;
    };
    expect(await inTenant('acme.api.example.com')).toEqual({ tenant: 'acme' });
    expect(await inTenant('globex.api.example.com')).toBe('tenant.not_allowed');

    expect(walled?.['tenant']).toBe('acme');
    expect(walled?.['orders']).toMatchObject({ rows: [{ tenant_id: 'acme', item: 'tea' }] });
    expect(queries).toMatchObject([{ params: ['acme', 'acme'] }]);

    expect(pools?.['orders']).toMatchObject({ rows: [{ item: 'of acme' }] });
    const databases = pools?.['databases'] as {
      readonly use: (tenant: string, work: () => Promise<string>) => Promise<string>;
      readonly close: () => Promise<void>;
    };
    ends.push(() => databases.close());
    await expect(databases.use('globex', async () => 'of acme')).rejects.toThrow(/globex/);
  },
  TIMEOUT,
);

test(
  'the guide to logging writes why a call was denied and no token, keeps a trail that shows changes, and alerts',
  async () => {
    vi.stubGlobal('fetch', provider.fetch);
    const errors: string[] = [];
    vi.spyOn(console, 'error').mockImplementation((line) => void errors.push(String(line)));
    quietStdout();
    const onExit = process.listeners('SIGTERM');
    const folder = mkdtempSync(join(tmpdir(), 'apisec-guide-'));
    ends.push(() => rmSync(folder, { recursive: true }));
    const given = await import('../src/running/guides-logging.ts');
    const blocks = await runGuide('logging', [0, 1, 2, 3, 4, 5, 6], {
      "'audit.log'": JSON.stringify(join(folder, 'audit.log')),
      '`trail-': `\`${folder}/trail-`,
    });
    for (const added of process.listeners('SIGTERM')) {
      if (!onExit.includes(added)) process.removeListener('SIGTERM', added);
    }
    const [first, trail, recorded, , verified, lines, alerting] = blocks;

    const { protect } = await import('@apisec/core');
    const call = protect(first?.['orders'] as Parameters<typeof protect>[0], () => new Response());
    const statusOf = async (claims: Parameters<typeof provider.token>[0]) => {
      const headers = { authorization: `Bearer ${await provider.token(claims)}` };
      return (await call(new Request(provider.audience, { headers }))).status;
    };
    expect(await statusOf({})).toBe(200);
    expect(await statusOf({ aud: 'https://other.example.com' })).toBe(401);
    expect(errors.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { code: 'token.audience_mismatch', cause: expect.stringContaining('other.example.com') },
    ]);
    expect(errors.join()).not.toContain('eyJ');

    expect(recorded?.['ok']).toBe(true);
    expect(given.recorded.map(({ act, reason }) => [act, reason])).toContainEqual([
      'api_key.revoked',
      'leaked',
    ]);
    const report = verified?.['report'] as ChainReport;
    expect(report).toMatchObject({ ok: true, problems: [] });
    expect(report.blocks).toBeGreaterThan(given.lastWeek.seq);
    const toTrail = trail?.['log'] as Audit;
    await toTrail.close();
    expect(readFileSync(join(folder, 'audit.log'), 'utf8')).toContain('"act":"tenant.suspended"');

    const toFile = lines?.['log'] as Audit;
    expect(await toFile.record({ act: 'tenant.suspended' })).toEqual({ ok: true });
    await toFile.close();
    const [written = ''] = readdirSync(folder).filter((name) => name.startsWith('trail-'));
    expect(readFileSync(join(folder, written), 'utf8')).toContain('tenant.suspended');

    const log = alerting?.['log'] as Audit;
    expect(await log.record({ act: 'audit.chain_broken' })).toEqual({ ok: true });
    await log.close();
    // The last rule reports the end of the log itself.
    expect(given.sent).toMatchObject(
      ['trail broken', 'blind'].map((rule) => ({ type: 'security.alert', data: { rule } })),
    );
  },
  TIMEOUT,
);

test(
  'the guide to metrics watches calls, reports them, and keeps what was used',
  async () => {
    vi.stubGlobal('fetch', provider.fetch);
    const { allowAnonymous, audit, guard, protect } = await import('@apisec/core');
    const { usageHistory } = await import('@apisec/insights');
    const [measured, reported, kept] = await runGuide('metrics', [0, 1, 2]);
    type Guarded = Parameters<typeof protect>[0];
    const statusOf = async (guarded: unknown, claims?: Parameters<typeof provider.token>[0]) => {
      const headers = new Headers();
      if (claims) headers.set('authorization', `Bearer ${await provider.token(claims)}`);
      const call = protect(guarded as Guarded, () => new Response('in'));
      const response = await call(new Request(provider.audience, { headers }));
      await response.text();
      return response.status;
    };
    expect(await statusOf(measured?.['orders'], { scope: 'orders:read' })).toBe(200);
    expect(await statusOf(measured?.['orders'])).toBe(401);

    quietStdout();
    const log = reported?.['log'] as Audit;
    const watched = (by: Audit) => guard<HttpFacts>().use(by).use(allowAnonymous());
    expect(await statusOf(watched(log))).toBe(200);
    await log.close();
    const once = [{ name: 'GET /', calls: 1 }];
    const used = reported?.['used'] as Usage;
    expect(used.report('operation', 'hour')).toMatchObject(once);

    const durable = audit({ sinks: [kept?.['used'] as Usage] });
    expect(await statusOf(watched(durable))).toBe(200);
    await durable.close();
    const store = kept?.['store'] as Parameters<typeof usageHistory>[0];
    const hour = 3_600_000;
    const [from, to] = [Date.now() - hour, Date.now() + hour];
    expect(
      await usageHistory(store, { dimension: 'operation', window: 'minute', from, to }),
    ).toMatchObject(once);
  },
  TIMEOUT,
);

test(
  'the guide to webhooks sends to an endpoint that has answered its challenge',
  async () => {
    const got: unknown[] = [];
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => (body += String(chunk)));
      request.on('end', () => {
        const event = JSON.parse(body) as { readonly type: string; readonly data: object };
        got.push(event);
        const { challenge } = event.data as { readonly challenge?: string };
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify({ challenge }));
      });
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    ends.push(() => {
      server.closeAllConnections();
      server.close();
    });
    // It listens over TCP, so its address has a port.
    const { port } = server.address() as AddressInfo;
    vi.stubGlobal('loopback', safeFetch({ allowedNetworks: ['127.0.0.1'], ports: [port] }));
    vi.stubEnv('WEBHOOK_SEALING_KEY', Buffer.alloc(32, 7).toString('base64'));
    const [sending] = await runGuide('webhooks', [1], {
      "from 'pg'": "from '../src/running/pool.ts'",
      // The endpoint is on this machine.
      "'https://acme.example/hooks'": `'http://127.0.0.1:${port}/hooks'`,
      'outbox: postgresWebhookOutbox(pool),':
        "outbox: postgresWebhookOutbox(pool), fetch: Reflect.get(globalThis, 'loopback'),",
    });
    const hooks = sending?.['hooks'] as Webhooks;
    ends.push(() => hooks.stop());
    const endpoint = sending?.['endpoint'] as { readonly id: string };
    await vi.waitFor(
      async () => expect(await hooks.log(endpoint.id)).toMatchObject([{ status: 'delivered' }]),
      TIMEOUT,
    );
    expect(got.at(-1)).toMatchObject({ type: 'order.paid', data: { id: 7 } });
    expect(sending?.['secret']).toMatch(/^whsec_/);
  },
  TIMEOUT,
);
