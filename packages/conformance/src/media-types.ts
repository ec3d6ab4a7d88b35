import { expect, test } from 'vitest';
import { CASE_HEADER } from './limit-policies.ts';
import type { Running } from './suite.ts';

/**
 * What every HTTP host answers to a body that it does not read, also where the host answers before the guard has
 * seen the body; whose code it then tells is its own affair.
 */
export function describeMediaTypes(get: () => Running): void {
  test.each([
    ['bytes', 'application/octet-stream'],
    ['a form', 'application/x-www-form-urlencoded'],
    ['something that looks like JSON', 'application/jsonx'],
    ['JSON and something else', 'text/x, application/json'],
  ])('%s is answered 415 where a policy must see JSON, and nobody handles it', async (_, type) => {
    const { api, client, credentials } = get();
    const id = crypto.randomUUID();
    const observed = await client.call({
      operation: 'create',
      headers: [
        [CASE_HEADER, id],
        ['authorization', `Bearer ${await credentials.token()}`],
      ],
      body: { type, text: '{"amount":5}' },
    });
    expect(observed.status, observed.text).toBe(415);
    expect(api.ended(id).handled).toBe(false);
  });
}
