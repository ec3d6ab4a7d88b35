import { expect, test } from 'vitest';
import { allowAnonymous } from '../authorization/allow-anonymous.ts';
import { anyOf, when } from './combine.ts';
import { explain } from './decision.ts';
import type { CallFacts } from './facts.ts';
import { guard } from './guard.ts';
import { deny, pass } from './outcome.ts';
import { definePolicy } from './policy.ts';

const request = new Request('https://api.example.com/orders');
const seed: CallFacts = {
  call: { protocol: 'http', operation: 'GET /orders' },
  peer: { address: undefined, id: undefined },
};
const office = definePolicy({
  name: 'office',
  role: 'check',
  check: () =>
    deny('forbidden', 'office.closed', { detail: 'Come back tomorrow.', cause: 's3cret' }),
});
const weak = definePolicy({
  name: 'limit',
  role: 'check',
  check: () => ({ ok: true, degraded: 'store down' }),
});

test('explain tells an admitted call policy by policy', async () => {
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
      '  anyOf(office, when(office), open) (check) passed',
      '    office (check) denied: forbidden office.closed (Come back tomorrow.)',
      '    when(office) (check) skipped',
      '  allowAnonymous (grant) passed',
    ].join('\n'),
  );
});

test('explain tells a denial up to the policy that denied, without its cause', async () => {
  const decision = await guard().use(weak).use(office).use(allowAnonymous()).check(request, seed);
  expect(explain(decision)).toBe(
    [
      'denied: forbidden office.closed',
      '  limit (check) passed, degraded: store down',
      '  office (check) denied: forbidden office.closed (Come back tomorrow.)',
    ].join('\n'),
  );
});
