import { describe, expect, test } from 'vitest';
import { allowAnonymous } from '../authorization/allow-anonymous.ts';
import { enforce } from '../engine/enforce.ts';
import type { CallFacts } from '../engine/facts.ts';
import { guard } from '../engine/guard.ts';
import { audit } from './audit.ts';
import type { AuditEvent } from './event.ts';
import type { AuditSink } from './sink.ts';

const service = { name: 'shop', version: '3.1' };

describe('a service that is named', () => {
  test('is said to have started ahead of the first event, and to have stopped at the end', async () => {
    const events: AuditEvent[] = [];
    const log = audit({ sinks: [(event) => void events.push(event)], service });
    await log.flush();
    expect(events).toEqual([]);
    await log.record({ act: 'limit.reset' });
    await log.record({ act: 'quota.reset' });
    await Promise.all([log.close(), log.close()]);
    expect(events.map(({ event, act }) => `${event} ${act}`)).toEqual([
      'sys_startup service.started',
      'authz_admin limit.reset',
      'authz_admin quota.reset',
      'sys_shutdown service.stopped',
    ]);
    expect(events[0]).toMatchObject({ service: 'shop', serviceVersion: '3.1', kind: 'act' });
  });

  test('records no start or stop if nothing was recorded, or without a name', async () => {
    const events: AuditEvent[] = [];
    const sinks = [(event: AuditEvent) => void events.push(event)];
    await audit({ sinks, service }).close();
    const unnamed = audit({ sinks });
    await unnamed.record({ act: 'limit.reset' });
    await unnamed.close();
    expect(events.map(({ act }) => act)).toEqual(['limit.reset']);
  });
});

test.each([
  ['POST', 'sensitive_create'],
  ['GET', 'sensitive_read'],
  ['PATCH', 'sensitive_update'],
  ['DELETE', 'sensitive_delete'],
])('a sensitive %s is recorded as %s', async (method, name) => {
  const events: AuditEvent[] = [];
  const sink: AuditSink = {
    name: 'all',
    required: true,
    write: (batch) => void events.push(...batch),
  };
  const operation = `${method} /keys`;
  const log = audit({ sinks: [sink], sensitive: [operation] });
  const admission = guard().use(log).use(allowAnonymous());
  const facts: CallFacts = {
    call: { protocol: 'http', operation },
    peer: { address: '192.0.2.7', id: '192.0.2.7' },
  };
  const decision = await admission.check(new Request('https://a.example/', { method }), facts);
  enforce(decision).complete({ outcome: 'succeeded', status: 200 });
  await log.flush();
  expect(events.map(({ event }) => event)).toEqual([name]);
});

test('an opaque token in a path that no table lists is in no event', async () => {
  const events: AuditEvent[] = [];
  const log = audit({ sinks: [(event) => void events.push(event)] });
  const token = 'q7Xw2LpZ9aRt4KmN8vBc3D';
  const facts: CallFacts = {
    call: { protocol: 'http', operation: `GET /reset/${token}` },
    peer: { address: '192.0.2.7', id: '192.0.2.7' },
  };
  for (const admission of [guard().use(log).use(allowAnonymous()), guard().use(log)]) {
    const decision = await admission.check(new Request('https://a.example/'), facts);
    enforce(decision).complete({ outcome: decision.allowed ? 'succeeded' : 'denied' });
  }
  await log.flush();
  expect(events.map(({ operation }) => operation)).toEqual(Array(2).fill('GET /reset/[redacted]'));
});

test('a flood of denied logins takes no place of an act', async () => {
  const written: AuditEvent[] = [];
  const sink: AuditSink = {
    name: 'slow',
    write: (batch) =>
      new Promise((resolve) => setTimeout(resolve, 20)).then(() => void written.push(...batch)),
  };
  const log = audit({ sinks: [sink], queue: { maxEvents: 20 } });
  const flood = Array.from({ length: 200 }, () =>
    log.record({ act: 'login.failed', outcome: 'denied' }),
  );
  const revoked = await log.record({ act: 'api_key.revoked' });
  await Promise.all(flood);
  await log.close();
  expect(revoked).toEqual({ ok: true });
  expect(written.filter(({ act }) => act === 'login.failed').length).toBeLessThan(20);
});
