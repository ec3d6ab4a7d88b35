import { expect, test } from 'vitest';
import { allowAnonymous } from '../authorization/allow-anonymous.ts';
import { anyOf, when } from '../engine/combine.ts';
import type { CallFacts } from '../engine/facts.ts';
import { guard } from '../engine/guard.ts';
import { deny, pass } from '../engine/outcome.ts';
import { definePolicy } from '../engine/policy.ts';
import { explain } from './explain.ts';

const request = new Request('https://api.example.com/orders');
const seed: CallFacts = {
  call: { protocol: 'http', operation: 'GET /orders' },
  peer: { address: undefined, id: undefined },
};
const office = definePolicy({
  name: 'office',
  role: 'check',
  check: () =>
    deny('forbidden', 'office.closed', {
      detail: 'Come back tomorrow.',
      cause: { expected: { hour: [9, 17] }, given: { hour: 18 } },
    }),
});
const weak = definePolicy({
  name: 'limit',
  role: 'check',
  check: () => ({ ok: true, degraded: 'store down' }),
});

test('explain describes an admitted call policy by policy', async () => {
  const decision = await guard()
    .use(weak)
    .use(office, { mode: 'shadow' })
    .use(
      anyOf(
        office,
        when(() => false, office),
        definePolicy({ name: 'open', role: 'check', check: () => pass() }),
      ),
    )
    .use(allowAnonymous())
    .check(request, seed);
  expect(explain(decision)).toBe(
    [
      'allowed',
      '  limit (check) passed, degraded: store down',
      '  office (check) would deny: forbidden office.closed (Come back tomorrow.)',
      '    cause: expected={hour=[9, 17]}, given={hour=18}',
      '  anyOf(office, when(office), open) (check) passed',
      '    office (check) denied: forbidden office.closed (Come back tomorrow.)',
      '      cause: expected={hour=[9, 17]}, given={hour=18}',
      '    when(office) (check) skipped',
      '  allowAnonymous (grant) passed',
    ].join('\n'),
  );
});

test('explain describes a denial up to the policy that denied, with its cause', async () => {
  const decision = await guard().use(weak).use(office).use(allowAnonymous()).check(request, seed);
  expect(explain(decision)).toBe(
    [
      'denied: forbidden office.closed',
      '  limit (check) passed, degraded: store down',
      '  office (check) denied: forbidden office.closed (Come back tomorrow.)',
      '    cause: expected={hour=[9, 17]}, given={hour=18}',
    ].join('\n'),
  );
});

test('explain says once why none of several alternatives passed', async () => {
  const decision = await guard()
    .use(anyOf(office, office))
    .use(allowAnonymous())
    .check(request, seed);
  const text = explain(decision);
  expect(text.match(/cause: /g)).toHaveLength(2);
  expect(text).toContain('    office (check) denied');
});

test.each<[string, unknown]>([
  ['a token', new Error(`bad token: eyJ${'a'.repeat(40)}.${'b'.repeat(40)}.c`)],
  ['what is called a secret', { secret: 'tell-nobody' }],
  ['a credential of the call', 'the key of mine was tell-nobody'],
  ['a line of its own', 'unknown issuer \n  allowAnonymous (grant) passed\u2028  x'],
  [
    'a value that cannot be read',
    Object.defineProperty({}, 'x', { enumerable: true, get: throws }),
  ],
])('explain keeps %s out of its lines', async (_name, cause) => {
  const odd = definePolicy({
    name: 'odd',
    role: 'check',
    check: () => deny('forbidden', 'office.closed', { cause }),
  });
  const decision = await guard().use(odd).use(allowAnonymous()).check(request, seed);
  const text = explain(decision, ['tell-nobody']);
  expect(text.split(/[\n\u2028]/)).toHaveLength(3);
  expect(text).toMatch(/^ {4}cause: /m);
  expect(text).not.toMatch(/eyJa|tell-nobody/);
});

function throws(): never {
  throw new Error('no');
}
