import { describe, expect, test } from 'vitest';
import { allowAnonymous } from '../authorization/allow-anonymous.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import type { Admission } from './admission.ts';
import { admit } from './admitted-facts.ts';
import { coverage } from './coverage.ts';
import type { Allowed } from './decision.ts';
import type { CallFacts } from './facts.ts';
import { factsOf } from './facts-of.ts';
import { guard } from './guard.ts';
import { pass } from './outcome.ts';
import { definePolicy } from './policy.ts';

const request = new Request('https://api.example.com/orders');
const seed: CallFacts = {
  call: { protocol: 'http', operation: 'GET /orders' },
  peer: { address: undefined, id: undefined },
};

const tenant = definePolicy({
  name: 'tenant',
  role: 'check',
  check: () => pass({ tenant: 'acme' }),
});
const region = definePolicy({ name: 'region', role: 'check', check: () => pass({ region: 'eu' }) });
const base = guard().use(tenant).use(allowAnonymous());
const orders = base.use(region);
const other = guard().use(tenant).use(allowAnonymous());

/** A carrier of a call that the guard has admitted. */
async function admitted(admission: Admission<CallFacts, object>, carrier = {}): Promise<object> {
  admit(carrier, (await admission.check(request, seed)) as Allowed<object>);
  return carrier;
}

describe('factsOf', () => {
  test('answers the facts that the guard has gathered', async () => {
    expect(factsOf(await admitted(orders), orders)).toEqual({
      ...seed,
      tenant: 'acme',
      region: 'eu',
    });
  });

  test('answers by a guard that the admitting one begins with', async () => {
    expect(factsOf(await admitted(orders), base).tenant).toBe('acme');
  });

  test('answers by a table, or by the one of its guards that admitted', async () => {
    const table = coverage({ 'GET /orders': orders });
    const outer = coverage({ 'GET /orders': table });
    const carrier = await admitted(outer);
    expect(factsOf(carrier, table)).toMatchObject({ region: 'eu' });
    expect(factsOf(carrier, outer)).toMatchObject({ region: 'eu' });
    expect(factsOf(carrier, orders).region).toBe('eu');
  });

  test.each<[string, () => Promise<object>, Admission<CallFacts, object>]>([
    ['no guard has admitted the call', async () => ({}), orders],
    ['only the beginning of the guard has', async () => admitted(base), orders],
    ['another guard of the same policies has', async () => admitted(other), base],
    [
      'a guard outside of the table has',
      async () => admitted(other),
      coverage({ 'GET /orders': orders }),
    ],
  ])('throws when %s', async (_name, carrier, asked) => {
    const admittedCarrier = await carrier();
    expect(() => factsOf(admittedCarrier, asked)).toThrow(ConfigurationError);
  });

  test('keeps the facts of each guard where several admit one call', async () => {
    const carrier = await admitted(other, await admitted(orders));
    expect(factsOf(carrier, orders).region).toBe('eu');
    expect(factsOf(carrier, other)).not.toHaveProperty('region');
  });

  test('keeps calls apart', async () => {
    const first = await admitted(base);
    const second = await admitted(orders);
    expect(factsOf(first, base)).not.toHaveProperty('region');
    expect(factsOf(second, base)).toHaveProperty('region');
  });
});
