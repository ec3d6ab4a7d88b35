import { type AuditEvent, audit, jsonLines } from '@apisec/core';
import { expect } from 'vitest';
import type { ActStores, AdministrativeAct } from './administrative-acts.ts';

/**
 * Does an act on these stores, and sees that it is told exactly once, and that no secret of it is: neither in the act
 * itself nor in what sinks are given. Answers the events.
 */
export async function expectToldOnce(
  { act, run }: AdministrativeAct,
  stores: ActStores,
): Promise<readonly AuditEvent[]> {
  const events: AuditEvent[] = [];
  const acts: unknown[] = [];
  let lines = '';
  const log = audit({
    sinks: [(event) => void events.push(event), jsonLines((text) => void (lines += text))],
  });
  const secrets = await run(stores, (each) => {
    acts.push(each);
    return log.record(each);
  });
  await log.close();
  expect(events.map((event) => event.act)).toEqual([act]);
  const told = JSON.stringify([acts, events]) + lines;
  for (const secret of secrets) {
    expect(secret.length).toBeGreaterThan(5);
    expect(told).not.toContain(secret);
  }
  return events;
}
