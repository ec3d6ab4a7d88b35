import { describe, expect, test } from 'vitest';
import { allowAnonymous } from '../authorization/allow-anonymous.ts';
import { anyOf } from '../engine/combine.ts';
import { coverage } from '../engine/coverage.ts';
import { guard } from '../engine/guard.ts';
import { optional } from '../engine/optional.ts';
import { definePolicy } from '../engine/policy.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { cors } from './cors.ts';
import { assertCorsInFront } from './cors-in-front.ts';

const pages = cors({ origins: ['https://app.example.com'] });
/** As the policies that authenticate describe themselves. */
const authenticate = (name: string) =>
  definePolicy<object, { principal: string }, 'check'>({
    name,
    role: 'check',
    adds: ['principal'],
    check: () => ({ ok: true, facts: { principal: 'ann' } }),
  });
const [token, key] = [authenticate('authenticateJwt'), authenticate('authenticateApiKey')];
const limit = definePolicy({ name: 'limit', role: 'check', check: () => ({ ok: true }) });

describe('cors behind a policy that authenticates', () => {
  test.each([
    ['one', guard().use(token).use(pages).use(allowAnonymous())],
    ['one of two', guard().use(anyOf(token, key)).use(limit).use(pages).use(allowAnonymous())],
    [
      'one, in a row of a table',
      coverage({ 'GET /a': guard().use(token).use(pages).use(allowAnonymous()) }),
    ],
  ])('does not mount: %s', (_name, admission) => {
    const mount = (): void => assertCorsInFront('secure', admission);
    expect(mount).toThrow(ConfigurationError);
    expect(mount).toThrow(/^secure: cors comes after .*authenticate.*Put cors first\.$/);
  });

  test.each([
    ['cors in front', guard().use(limit).use(pages).use(token).use(allowAnonymous())],
    ['strangers who pass', guard().use(optional(token)).use(pages).use(allowAnonymous())],
    [
      'a policy in shadow mode',
      guard().use(token, { mode: 'shadow' }).use(pages).use(allowAnonymous()),
    ],
    ['no cors', guard().use(token).use(allowAnonymous())],
    ['no authentication', guard().use(limit).use(pages).use(allowAnonymous())],
    ['what is not a guard', {}],
  ])('is not found where there is none: %s', (_name, admission) => {
    expect(() => assertCorsInFront('secure', admission)).not.toThrow();
  });
});
