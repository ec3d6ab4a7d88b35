import { describe, expect, test, vi } from 'vitest';
import { secretOf } from '../../test/secrets.ts';
import { allowAnonymous } from '../authorization/allow-anonymous.ts';
import type { Admission } from '../engine/admission.ts';
import { enforce } from '../engine/enforce.ts';
import type { CallFacts } from '../engine/facts.ts';
import { guard } from '../engine/guard.ts';
import { deny, pass } from '../engine/outcome.ts';
import { definePolicy } from '../engine/policy.ts';
import { apiVersion } from '../http/api-version.ts';
import { type AuditOptions, audit } from './audit.ts';
import type { AuditEvent } from './event.ts';
import { jsonLines } from './json-lines.ts';
import type { AuditSink } from './sink.ts';

const seed: CallFacts = {
  call: { protocol: 'http', operation: 'GET /orders' },
  peer: { address: '192.0.2.7', id: '192.0.2.7' },
};

/** An audit that keeps its events. */
function recorder(options: Partial<AuditOptions> = {}) {
  const events: AuditEvent[] = [];
  const log = audit({ sinks: [(event) => void events.push(event)], ...options });
  return { log, events };
}

const principal = definePolicy({
  name: 'who',
  role: 'check',
  check: () =>
    pass({
      principal: {
        id: '["https://issuer.example","alice"]',
        subject: 'alice',
        issuer: 'https://issuer.example',
        clientId: 'shop-app',
        tenant: 'acme',
        scopes: new Set<string>(),
        roles: new Set<string>(),
      },
      authentication: { method: 'jwt', scheme: 'Bearer', claims: {} },
    }),
});
const closed = definePolicy({
  name: 'closed',
  role: 'check',
  check: () => deny('forbidden', 'shop.closed', { cause: new Error('the shop opens at nine') }),
});

async function call(
  admission: Admission<CallFacts, object>,
  {
    request = new Request('https://api.example/orders'),
    facts = seed,
    outcome = 'succeeded' as const,
  }: { request?: Request; facts?: CallFacts; outcome?: 'succeeded' | 'failed' } = {},
) {
  const decision = await admission.check(request, facts);
  const enforcement = enforce(decision);
  const ending = decision.allowed ? { outcome, status: 200 } : { outcome, status: 403 };
  enforcement.complete(ending);
  return decision;
}

describe('one event for each decision', () => {
  // Covers: V16.2.1, V16.3.1, V16.3.2
  test('an admitted call is recorded with who called what, and how long it took', async () => {
    let now = 1_700_000_000_000;
    const { log, events } = recorder({ now: () => now, service: { name: 'shop', version: '3.1' } });
    const admission = guard().use(log).use(principal).use(allowAnonymous());
    const request = new Request('https://api.example/orders?token=hush', {
      headers: {
        'x-request-id': 'of-the-caller',
        traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      },
    });
    const facts = { ...seed, requestId: 'req-1' };
    const decision = await admission.check(request, facts);
    now += 12;
    enforce(decision).complete({ outcome: 'succeeded', status: 200 });
    await log.flush();
    expect(events.map(({ act }) => act)).toEqual(['service.started', undefined]);
    expect(events.slice(1)).toEqual([
      {
        schema: 'apisec.audit/1',
        id: expect.stringMatching(/^[0-9a-f]{24}-2$/),
        time: 1_700_000_000_012,
        kind: 'decision',
        event: 'authz_success',
        severity: 'info',
        outcome: 'succeeded',
        protocol: 'http',
        operation: 'GET /orders',
        status: 200,
        trace: ['audit', 'who', 'allowAnonymous'],
        principal: '["https://issuer.example","alice"]',
        subject: 'alice',
        issuer: 'https://issuer.example',
        client: 'shop-app',
        tenant: 'acme',
        peer: '192.0.2.7',
        authentication: 'jwt',
        latencyMs: 12,
        requestId: 'req-1',
        traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
        spanId: '00f067aa0ba902b7',
        service: 'shop',
        serviceVersion: '3.1',
      },
    ]);
  });

  test.each<[string, Partial<AuditOptions>, object, string | undefined]>([
    ['a caller chooses none', {}, {}, undefined],
    ['that of the host stands', {}, { requestId: 'of-the-host' }, 'of-the-host'],
    [
      'that of the host goes before a header',
      { requestIdHeader: 'x-request-id' },
      { requestId: 'of-the-host' },
      'of-the-host',
    ],
    ['a header is read where that is said', { requestIdHeader: 'X-Request-Id' }, {}, 'of-the-call'],
    ['and no other header', { requestIdHeader: 'cf-ray' }, {}, undefined],
  ])('the id of a call: %s', async (_name, options, supplied, id) => {
    const { log, events } = recorder(options);
    const request = new Request('https://a.example', {
      headers: { 'x-request-id': 'of-the-call' },
    });
    await call(guard().use(log).use(allowAnonymous()), {
      request,
      facts: { ...seed, ...supplied },
    });
    await log.flush();
    expect(events.at(-1)?.requestId).toBe(id);
  });

  test('the version that a call asked for is recorded with its caller', async () => {
    const { log, events } = recorder();
    const versions = apiVersion({ from: 'path', versions: { '1': {} } });
    const request = new Request('https://api.example/v1/orders');
    await call(guard().use(log).use(principal).use(versions).use(allowAnonymous()), { request });
    await log.flush();
    expect(events).toMatchObject([
      { apiVersion: '1', principal: '["https://issuer.example","alice"]' },
    ]);
  });

  // Covers: V16.2.1, V16.3.1, V16.3.2, V16.3.3
  test('a denied call is recorded with kind, code, policy and cause', async () => {
    const { log, events } = recorder();
    await call(guard().use(log).use(principal).use(closed).use(allowAnonymous()));
    await log.flush();
    expect(events[0]).toMatchObject({
      event: 'authz_fail',
      severity: 'critical',
      outcome: 'denied',
      denialKind: 'forbidden',
      code: 'shop.closed',
      policy: 'closed',
      cause: 'Error: the shop opens at nine',
      subject: 'alice',
      trace: ['audit', 'who', 'closed: denied shop.closed'],
    });
  });

  test('a call that was denied before the audit is recorded as well', async () => {
    const { log, events } = recorder();
    await call(guard().use(closed).use(log).use(allowAnonymous()));
    await log.flush();
    expect(events[0]).toMatchObject({ outcome: 'denied', code: 'shop.closed', peer: '192.0.2.7' });
    expect(events[0]).not.toHaveProperty('latencyMs');
  });

  test('a policy on trial is recorded with what it would have denied, and the call as admitted', async () => {
    const { log, events } = recorder();
    await call(guard().use(log).use(closed, { mode: 'shadow' }).use(allowAnonymous()));
    await log.flush();
    expect(events[0]).toMatchObject({ outcome: 'succeeded', wouldDeny: ['closed shop.closed'] });
  });

  test('a preflight that is answered is not recorded as a denial', async () => {
    const { log, events } = recorder();
    const preflight = definePolicy({
      name: 'cors',
      role: 'check',
      check: () => deny('forbidden', 'cors.preflight', { answer: { status: 204 } }),
    });
    await call(guard().use(log).use(preflight).use(allowAnonymous()));
    await log.flush();
    expect(events[0]).toMatchObject({ outcome: 'succeeded', event: 'authz_success' });
    expect(events[0]).not.toHaveProperty('code');
  });

  test('two guards of one operation that share the audit record one event', async () => {
    const { log, events } = recorder();
    const first = await guard()
      .use(log)
      .use(allowAnonymous())
      .check(new Request('https://a.example'), seed);
    const both = { ...first, obligations: [...first.obligations, ...first.obligations] };
    enforce(both).complete({ outcome: 'succeeded' });
    await log.flush();
    expect(events).toHaveLength(1);
  });

  test('a GraphQL call is recorded by its root fields, whatever the client calls its operation', async () => {
    const { log, events } = recorder();
    const args = () => ({ password: 'correct horse' });
    const fields = [
      { coordinate: 'Mutation.login', args },
      { coordinate: 'Mutation.login', args },
      { coordinate: 'Mutation.audit', args },
    ];
    const facts: CallFacts = {
      ...seed,
      call: { protocol: 'graphql', operation: 'mutation X', fields },
    };
    await call(guard().use(log).use(allowAnonymous()), { facts });
    await log.flush();
    expect(events[0]).toMatchObject({
      operation: 'Mutation.login,Mutation.audit',
      operationName: 'mutation X',
    });
    expect(JSON.stringify(events)).not.toContain('correct horse');
  });
});

describe('sampling', () => {
  test('leaves out calls that were let in, and says so on those that it keeps', async () => {
    const none = recorder({ sampleAllowed: 0.25, random: () => 0.5 });
    await call(guard().use(none.log).use(allowAnonymous()));
    const some = recorder({ sampleAllowed: 0.25, random: () => 0.2 });
    await call(guard().use(some.log).use(allowAnonymous()));
    await Promise.all([none.log.flush(), some.log.flush()]);
    expect(none.events).toEqual([]);
    expect(some.events[0]).toMatchObject({ sampled: 0.25 });
  });

  test.each([
    ['a denial', guard().use(closed)],
    ['a policy on trial that would have denied', guard().use(closed, { mode: 'shadow' })],
    [
      'a degraded decision',
      guard().use(
        definePolicy({
          name: 'weak',
          role: 'check',
          check: () => ({ ok: true, degraded: 'store' }),
        }),
      ),
    ],
  ])('never leaves out %s', async (_name, rest) => {
    const events: AuditEvent[] = [];
    const log = audit({ sinks: [(event) => void events.push(event)], sampleAllowed: 0 });
    // Written the other way round: the audit hears of its guard wherever it stands.
    await call(rest.use(log).use(allowAnonymous()));
    await log.flush();
    expect(events).toHaveLength(1);
    expect(events[0]).not.toHaveProperty('sampled');
  });

  test('never leaves out an act, or a call that failed, was aborted or is sensitive', async () => {
    const events: AuditEvent[] = [];
    const sink: AuditSink = {
      name: 'all',
      required: true,
      write: (batch) => void events.push(...batch),
    };
    const log = audit({ sinks: [sink], sampleAllowed: 0, sensitive: ['PUT /keys'] });
    const admission = guard().use(log).use(allowAnonymous());
    for (const outcome of ['failed', 'aborted'] as const) {
      enforce(await admission.check(new Request('https://a.example'), seed)).complete({ outcome });
    }
    const facts: CallFacts = { ...seed, call: { protocol: 'http', operation: 'PUT /keys' } };
    await call(admission, { facts, request: new Request('https://a.example', { method: 'PUT' }) });
    await log.record({ act: 'tenant.suspended' });
    await log.flush();
    expect(events.map(({ event, outcome }) => `${event} ${outcome}`)).toEqual([
      'authz_success failed',
      'authz_success aborted',
      'sensitive_update succeeded',
      'user_archived succeeded',
    ]);
  });
});

describe('acts', () => {
  test('are recorded with their target, reason and data, and acknowledged', async () => {
    const { log, events } = recorder();
    const receipt = await log.record({
      act: 'api_key.revoked',
      principal: 'operator',
      target: { type: 'api_key', id: '3vQabc' },
      reason: 'left in a repository',
      data: { generation: 2, leaked: true, secret: 'hush' },
    });
    expect(receipt).toEqual({ ok: true });
    expect(events[0]).toMatchObject({
      kind: 'act',
      act: 'api_key.revoked',
      event: 'authn_token_revoked',
      outcome: 'succeeded',
      principal: 'operator',
      target: { type: 'api_key', id: '3vQabc' },
      reason: 'left in a repository',
      data: { generation: 2, leaked: true, secret: '[redacted]' },
    });
  });

  test('of a call have its caller, operation and ids', async () => {
    const { log, events } = recorder();
    const admission = guard().use(log).use(principal).use(allowAnonymous());
    const facts = { ...seed, requestId: 'r-9' };
    const decision = await admission.check(new Request('https://a.example'), facts);
    if (!decision.allowed) throw new Error('denied');
    await decision.facts.audit.record({
      act: 'limit.reset',
      target: { type: 'limit', id: 'orders' },
    });
    expect(events[0]).toMatchObject({
      event: 'authz_admin',
      subject: 'alice',
      peer: '192.0.2.7',
      operation: 'GET /orders',
      requestId: 'r-9',
    });
  });

  test('of your own are recorded as administrative', async () => {
    const { log, events } = recorder();
    await log.record({ act: 'invoice.written_off' });
    expect(events[0]).toMatchObject({ act: 'invoice.written_off', event: 'authz_admin' });
  });

  test('that no sink takes any more are not acknowledged', async () => {
    const { log } = recorder();
    await log.close();
    expect(await log.record({ act: 'limit.reset' })).toEqual({ ok: false, problem: 'lost' });
  });

  test('wait for the required sink, and not for the others', async () => {
    const never: AuditSink = { name: 'stuck', write: () => new Promise(() => undefined) };
    const good: AuditSink = { name: 'good', required: true, write: () => undefined };
    const log = audit({ sinks: [never, good] });
    expect(await log.record({ act: 'limit.reset' })).toEqual({ ok: true });
  });

  test('are reported as late if the sink does not answer in time', async () => {
    const log = audit({
      sinks: [{ name: 'stuck', write: () => new Promise(() => undefined) }],
      queue: { timeout: '20ms' },
    });
    expect(await log.record({ act: 'limit.reset' })).toEqual({ ok: false, problem: 'late' });
  });
});

describe('a sink that is slow or down', () => {
  /** A sink that answers when it is told to. */
  function gate() {
    const written: AuditEvent[] = [];
    const waiting: { resolve: () => void; reject: (cause: Error) => void }[] = [];
    let open = false;
    const sink: AuditSink = {
      name: 'gate',
      required: true,
      write: (batch) => {
        if (open) return void written.push(...batch);
        return new Promise<void>((resolve, reject) => waiting.push({ resolve, reject })).then(
          () => void written.push(...batch),
        );
      },
    };
    const release = (): void => {
      open = true;
      for (const { resolve } of waiting.splice(0)) resolve();
    };
    return { sink, written, release };
  }

  test('never has more events waiting than the bounds, drops the rest and is told how many', async () => {
    const { sink, written, release } = gate();
    const log = audit({ sinks: [sink], queue: { maxEvents: 20, flushAfter: '0ms' } });
    const admission = guard().use(log).use(allowAnonymous());
    for (let count = 0; count < 1_000; count++) await call(admission);
    const [stats] = log.stats();
    expect(stats).toMatchObject({ queued: 14, lost: 986 });
    release();
    await log.flush();
    await vi.waitFor(() => expect(written).toHaveLength(15), 20_000);
    expect(written.at(-1)).toMatchObject({
      act: 'audit.events_lost',
      event: 'sys_monitor_disabled',
      data: { sink: 'gate', lost: 986 },
    });
  });

  test('has at most ten thousand events waiting where nothing else is said', async () => {
    const { sink } = gate();
    const log = audit({ sinks: [sink] });
    for (let count = 0; count < 10_100; count++) void log.record({ act: 'limit.reset' });
    expect(log.stats()[0]).toMatchObject({ queued: 10_000, lost: 100 });
  });

  test('is bounded in bytes as well, whatever an event holds', async () => {
    const { sink } = gate();
    const log = audit({ sinks: [sink], queue: { maxBytes: 1 << 18 } });
    const denial = deny('forbidden', 'x'.repeat(1_000_000), { cause: 'y '.repeat(1_000_000) });
    const huge = definePolicy({ name: 'huge', role: 'check', check: () => denial });
    const admission = guard().use(log).use(huge).use(allowAnonymous());
    for (let count = 0; count < 100; count++) await call(admission);
    const [stats] = log.stats();
    expect(stats?.queuedBytes).toBeLessThanOrEqual(1 << 18);
    expect(stats?.lost).toBeGreaterThan(0);
  });

  test('a flood of denials takes no place of an act', async () => {
    const { sink, written, release } = gate();
    const log = audit({ sinks: [sink], queue: { maxEvents: 100 } });
    const admission = guard().use(log).use(closed).use(allowAnonymous());
    for (let count = 0; count < 1_000; count++) await call(admission);
    expect(log.stats()[0]).toMatchObject({ queued: 90, lost: 910 });
    const receipt = log.record({ act: 'api_key.revoked' });
    release();
    expect(await receipt).toEqual({ ok: true });
    expect(written.filter(({ kind }) => kind === 'act')).not.toEqual([]);
  });

  test('is offered the same events again, in order, after it failed', async () => {
    const batches: string[][] = [];
    const faults: unknown[] = [];
    let broken = true;
    const log = audit({
      sinks: [
        {
          name: 'flaky',
          write: (events) => {
            batches.push(events.map(({ id }) => id.slice(id.indexOf('-'))));
            if (broken) throw new Error('disk full');
          },
        },
      ],
      onFault: (cause) => faults.push(cause),
    });
    const receipt = log.record({ act: 'limit.reset' });
    await vi.waitFor(() => expect(batches.length).toBeGreaterThan(0), 20_000);
    expect(log.stats()[0]?.healthy).toBe(false);
    broken = false;
    expect(await receipt).toEqual({ ok: true });
    expect(batches[0]).toEqual(batches.at(-1));
    expect(faults[0]).toMatchObject({ message: 'disk full' });
  });

  test('of writes that never end no more than three hold their events', async () => {
    let begun = 0;
    const log = audit({
      sinks: [
        {
          name: 'hung',
          write: () => {
            begun++;
            return new Promise(() => undefined);
          },
        },
      ],
      queue: { timeout: '1ms' },
    });
    void log.record({ act: 'limit.reset' });
    await vi.waitFor(() => expect(begun).toBe(3), 5_000);
    await log.close('1ms');
    expect(begun).toBe(3);
  });

  test('closes sensitive operations, and no others', async () => {
    const broken: AuditSink = {
      name: 'broken',
      required: true,
      write: () => Promise.reject(new Error('connection refused')),
    };
    const log = audit({ sinks: [broken], sensitive: ['POST /transfers'] });
    const admission = guard().use(log).use(allowAnonymous());
    const transfer: CallFacts = {
      ...seed,
      call: { protocol: 'http', operation: 'POST /transfers' },
    };
    // Nobody knows yet that it is broken.
    expect((await call(admission, { facts: transfer })).allowed).toBe(true);
    await vi.waitFor(() => expect(log.stats()[0]?.healthy).toBe(false), 20_000);
    expect(await call(admission, { facts: transfer })).toMatchObject({
      allowed: false,
      denial: { kind: 'unavailable', code: 'audit.unavailable' },
    });
    expect((await call(admission)).allowed).toBe(true);
  });

  test('lets exactly as many concurrent sensitive calls pass as there are places', async () => {
    const { sink, written, release } = gate();
    const log = audit({ sinks: [sink], sensitive: ['POST /transfers'], queue: { maxEvents: 10 } });
    const admission = guard().use(log).use(allowAnonymous());
    const facts: CallFacts = { ...seed, call: { protocol: 'http', operation: 'POST /transfers' } };
    const request = new Request('https://a.example', { method: 'POST' });
    const decisions = [];
    for (let count = 0; count < 50; count++) decisions.push(await admission.check(request, facts));
    const allowed = decisions.filter((decision) => decision.allowed);
    expect(allowed).toHaveLength(9);
    // Others fill the rest of the queue meanwhile, and the places stay kept.
    for (let count = 0; count < 50; count++) await call(admission);
    for (const decision of allowed) enforce(decision).complete({ outcome: 'succeeded' });
    release();
    await log.flush();
    expect(written.filter(({ event }) => event === 'sensitive_create')).toHaveLength(9);
  });

  test('a place that a sensitive call gives back is free for the next', async () => {
    const { log, events } = recorder({
      sinks: [{ name: 'memory', required: true, write: () => undefined }],
      sensitive: ['POST /transfers'],
      queue: { maxEvents: 10 },
    });
    const admission = guard().use(log).use(closed).use(allowAnonymous());
    const facts: CallFacts = { ...seed, call: { protocol: 'http', operation: 'POST /transfers' } };
    for (let count = 0; count < 100; count++) {
      expect(await call(admission, { facts })).toMatchObject({ denial: { code: 'shop.closed' } });
      await log.flush();
    }
    expect(events).toEqual([]);
  });
});

describe('pseudonyms', () => {
  const key = secretOf(7);

  test('stand in place of names wherever they are, the same for the same', async () => {
    const { log, events } = recorder({
      pseudonyms: { key, fields: ['principal', 'peer', 'tenant'] },
    });
    const told = definePolicy({
      name: 'told',
      role: 'check',
      check: () =>
        deny('forbidden', 'shop.closed', { cause: 'alice of acme at 192.0.2.7 came late' }),
    });
    const admission = guard().use(log).use(principal).use(told).use(allowAnonymous());
    await call(admission);
    await call(admission);
    await log.flush();
    expect(events).toHaveLength(2);
    expect(events[0]?.subject).toMatch(/^~[\w-]{22}$/);
    expect(events[0]?.principal).toBe(events[1]?.principal);
    expect(events[0]?.principal).not.toBe(events[0]?.subject);
    expect(JSON.stringify(events)).not.toMatch(/alice|acme|192\.0\.2/);
    expect(events[0]).toMatchObject({ client: 'shop-app', operation: 'GET /orders' });
  });

  test('stand in place of those whom the data of an act name', async () => {
    const { log, events } = recorder({
      pseudonyms: { key, fields: ['principal', 'client', 'tenant', 'peer', 'target'] },
    });
    await log.record({
      act: 'token.family_ended',
      target: { type: 'session', id: 's-1' },
      data: { subject: 'alice', clientId: 'shop-app', tenant: 'acme', families: 2 },
    });
    await log.record({ act: 'limit.reset', principal: 'olga', data: { key: 'alice' } });
    await log.record({ act: 'api_key.issued', data: { owner: 'al', ownerType: 'user' } });
    await log.record({ act: 'limit.reset', data: { ['__proto__']: 'x', constructor: 'y' } });
    expect(JSON.stringify(events)).not.toMatch(/alice|shop-app|acme|olga|"al"/);
    const [family, reset, issued] = events;
    // The same person has the same pseudonym in each of them.
    expect(reset?.data?.['key']).toBe(family?.data?.['subject']);
    expect(family?.data).toMatchObject({ families: 2 });
    expect(issued?.data).toMatchObject({ ownerType: 'user' });
  });

  test('stand in place of principals, peers and targets where nothing else is said', async () => {
    const { log, events } = recorder({ pseudonyms: { key } });
    const target = { type: 'user', id: 'bob' };
    await log.record({
      act: 'limit.reset',
      principal: 'alice',
      peer: '::1',
      tenant: 'acme',
      target,
    });
    expect(events[0]).toMatchObject({
      principal: expect.stringMatching(/^~/),
      peer: expect.stringMatching(/^~/),
      target: { type: 'user', id: expect.stringMatching(/^~/) },
      tenant: 'acme',
    });
  });

  test('differ under another key', async () => {
    const one = recorder({ pseudonyms: { key } });
    const two = recorder({ pseudonyms: { key: secretOf(8) } });
    for (const { log } of [one, two]) await log.record({ act: 'limit.reset', principal: 'alice' });
    expect(one.events[0]?.principal).not.toBe(two.events[0]?.principal);
  });

  test.each([
    ['a short key', { key: new Uint8Array(16) }, 'at least 32 random bytes'],
    ['a text for a key', { key: 'secret' }, 'at least 32 random bytes'],
    ['a field that is none', { key, fields: ['operation'] }, 'pseudonyms.fields'],
    ['an unknown option', { key, salt: 'x' }, '"salt" is not an option'],
  ])('cannot be constructed with %s', (_name, pseudonyms, message) => {
    // @ts-expect-error what a JavaScript user could write
    expect(() => recorder({ pseudonyms })).toThrow(message);
  });
});

describe('configuration', () => {
  const sink: AuditSink = { name: 'memory', write: () => undefined };
  test.each([
    ['no sink', { sinks: [] }, 'give it a sink'],
    ['a sink that cannot write', { sinks: [{ name: 'x' }] }, 'each sink must be a function'],
    ['two sinks of one name', { sinks: [sink, sink] }, 'a name of its own'],
    ['an unknown option', { sinks: [sink], sink }, '"sink" is not an option'],
    ['a rate above one', { sinks: [sink], sampleAllowed: 5 }, 'from 0 to 1'],
    [
      'sensitive operations without a required sink',
      { sinks: [sink], sensitive: ['GET /a'] },
      'required: true',
    ],
    ['a bare number of milliseconds', { sinks: [sink], queue: { timeout: 10 } }, 'no unit'],
    ['an unknown bound', { sinks: [sink], queue: { size: 10 } }, '"size" is not an option'],
    ['a queue of nothing', { sinks: [sink], queue: { maxEvents: 0 } }, 'maxEvents'],
    ['a header that is none', { sinks: [sink], credentialHeaders: ['x y'] }, 'credentialHeaders'],
  ])('cannot be constructed with %s', (_name, options, message) => {
    // @ts-expect-error what a JavaScript user could write
    expect(() => audit(options)).toThrow(message);
  });
});

test('a function that throws is reported to onFault and offered the events again', async () => {
  const faults: unknown[] = [];
  let calls = 0;
  const log = audit({
    sinks: [
      () => {
        if (++calls === 1) throw new Error('first');
      },
    ],
    onFault: (cause) => faults.push(cause),
  });
  expect(await log.record({ act: 'limit.reset' })).toEqual({ ok: true });
  expect(faults).toHaveLength(1);
});

test('a sink that cannot say what it accepts is a fault, and costs no sink an event', async () => {
  const faults: unknown[] = [];
  const told: [string, string | undefined][] = [];
  const sinkOf = (name: string, accepts?: () => boolean): AuditSink => ({
    name,
    accepts,
    write: (events) => events.forEach(({ act }) => told.push([name, act])),
  });
  const broken = sinkOf('broken', () => {
    throw new Error('no');
  });
  const log = audit({
    sinks: [broken, sinkOf('sound')],
    onFault: (cause) => faults.push(cause),
  });
  expect(await log.record({ act: 'limit.reset' })).toEqual({ ok: true });
  expect(told).toEqual([
    ['broken', 'limit.reset'],
    ['sound', 'limit.reset'],
  ]);
  expect(faults).toEqual([new Error('no')]);
});

test.each([
  ['nothing', undefined],
  ['null', null],
  [
    'an act that throws when it is read',
    {
      get act() {
        throw new Error('no');
      },
    },
  ],
])('%s in the place of an act is not acknowledged, and rejects nothing', async (_name, act) => {
  const faults: unknown[] = [];
  const log = audit({ sinks: [() => undefined], onFault: (cause) => faults.push(cause) });
  // @ts-expect-error what a JavaScript user could write
  expect(await log.record(act)).toEqual({ ok: false, problem: 'lost' });
  expect(faults).toHaveLength(1);
});

test('a sink gets only the events that it accepts', async () => {
  const acts: AuditEvent[] = [];
  const sink = jsonLines(
    (text) =>
      acts.push(
        ...text
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line)),
      ),
    {
      accepts: ({ kind }) => kind === 'act',
    },
  );
  const log = audit({ sinks: [sink] });
  await call(guard().use(log).use(allowAnonymous()));
  await log.record({ act: 'limit.reset' });
  expect(acts.map(({ act }) => act)).toEqual(['limit.reset']);
});
