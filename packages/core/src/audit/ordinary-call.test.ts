import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Completion } from '../engine/obligations.ts';
import { audit } from './audit.ts';
import type { AuditEvent } from './event.ts';
import { EVENT_OVERHEAD, LARGEST_EVENT_BYTES } from './event.ts';
import { eventBuilder } from './event-builder.ts';
import { unitsOf } from './event-parts.ts';
import { jsonLine } from './json-line.ts';
import { jsonLines } from './json-lines.ts';
import { eventOf, linesOf } from './pending-event.ts';

const JWT = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl';
/** Few, so that the same ones come together and apart, and what is remembered of one call meets another. */
const texts = fc.constantFrom(
  'alice',
  'bob',
  '',
  'a"b\\c',
  'two\nlines\u001b[2J\u202e',
  'ä€😀\ud800',
  JWT,
  `key_live_0123456789abcdef_${'A1b2'.repeat(9)}xy`,
  'x'.repeat(300),
  'y'.repeat(2_000),
  `token=${'z'.repeat(20)}`,
);
const anything: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 8, arbitrary: texts },
  fc.constantFrom(undefined, null, 7, Number.NaN, true, ['alice'], { id: 'alice' }),
);
const maybe = (value: fc.Arbitrary<unknown>) => fc.option(value, { nil: undefined });
const facts: fc.Arbitrary<Record<string, unknown>> = fc.record({
  call: fc.oneof(
    fc.record({ protocol: anything, operation: anything }),
    fc.record({
      protocol: fc.constant('graphql'),
      operation: anything,
      fields: fc.array(fc.record({ coordinate: anything }), { maxLength: 3 }),
    }),
    anything,
  ),
  field: maybe(fc.record({ coordinate: anything })),
  peer: maybe(fc.record({ address: anything })),
  principal: maybe(
    fc.record({
      id: anything,
      subject: anything,
      issuer: anything,
      clientId: anything,
      tenant: anything,
    }),
  ),
  tenant: anything,
  authentication: maybe(fc.record({ method: anything })),
  apiKey: maybe(fc.record({ id: anything })),
  apiVersion: fc.oneof(anything, fc.record({ version: anything })),
});
const passed = [{ policy: 'allowAnonymous', role: 'grant', verdict: 'passed' }] as const;
const completions: fc.Arbitrary<Completion> = fc.record({
  outcome: fc.constant('succeeded' as const),
  facts,
  status: fc.constantFrom(undefined, 200, 204),
  trace: fc.constantFrom(Object.freeze([...passed]), [...passed]),
});

test('an ordinary call is recorded like any other call, as an object and as a line', () => {
  const build = eventBuilder({ idPrefix: 'w-', service: 'shop "1"', serviceVersion: undefined });
  const how = { time: 1_790_000_000_000, sensitive: false, sampled: undefined };
  let ordinary = 0;
  fc.assert(
    fc.property(completions, (completion) => {
      const pending = build.decision(completion, undefined, how);
      if (pending.whole === undefined) ordinary++;
      const event = eventOf(pending);
      expect(linesOf([pending])).toBe(`${jsonLine(event)}\n`);
      expect(pending.size).toBeGreaterThanOrEqual(EVENT_OVERHEAD + 2 * unitsOf(event));
      expect(pending.size).toBeLessThanOrEqual(LARGEST_EVENT_BYTES);
      // Calls that failed are told as a whole.
      const failed = eventOf(build.decision({ ...completion, outcome: 'failed' }, undefined, how));
      expect({ ...event, id: '', outcome: '' }).toStrictEqual({ ...failed, id: '', outcome: '' });
    }),
    { numRuns: 500 },
  );
  expect(ordinary).toBeGreaterThan(400);
});

test('a caller whose tenant changes is recorded with the new tenant', async () => {
  const events: AuditEvent[] = [];
  let text = '';
  const log = audit({ sinks: [(event) => void events.push(event), jsonLines((t) => (text += t))] });
  for (const tenant of ['acme', 'acme', 'other', { id: 'third' }, undefined]) {
    log.onUnlisted({
      outcome: 'succeeded',
      facts: { principal: { id: 'alice', tenant: 'own' }, tenant },
      trace: [],
    });
  }
  await log.close();
  const told = ['acme', 'acme', 'other', 'third', 'own'];
  expect(events.map(({ tenant }) => tenant)).toEqual(told);
  const lines = text.trim().split('\n');
  expect(lines.map((line) => JSON.parse(line).tenant)).toEqual(told);
});

test('a status that is not a number is written as JSON all the same', async () => {
  let text = '';
  const log = audit({ sinks: [jsonLines((t) => (text += t))] });
  // What an application can leave on a response of Node.
  const status = '200","outcome":"denied' as unknown as number;
  log.onUnlisted({ outcome: 'succeeded', facts: {}, trace: [], status });
  await log.close();
  expect(JSON.parse(text)).toMatchObject({ outcome: 'succeeded', status });
});

test('a sink of lines whose write was replaced gets events', async () => {
  const seen: unknown[] = [];
  const lines = jsonLines(() => expect.unreachable());
  const log = audit({ sinks: [{ ...lines, write: (events) => void seen.push(...events) }] });
  log.onUnlisted({ outcome: 'succeeded', facts: {}, trace: [] });
  await log.close();
  expect(seen).toEqual([expect.objectContaining({ kind: 'decision', outcome: 'succeeded' })]);
});
