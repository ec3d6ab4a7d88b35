import { describe, expect, test } from 'vitest';
import { allowAnonymous } from '../authorization/allow-anonymous.ts';
import { allowAuthenticated } from '../authorization/allow-authenticated.ts';
import { requireScopes } from '../authorization/require-scopes.ts';
import { crossOrigin } from '../http/cross-origin.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { assertAdmission } from './admission.ts';
import { allOf, anyOf, when } from './combine.ts';
import { coverage } from './coverage.ts';
import { guard } from './guard.ts';
import { optional } from './optional.ts';
import { pass } from './outcome.ts';
import { definePolicy } from './policy.ts';

// Plain JavaScript: nothing here is checked by types.
// biome-ignore lint/suspicious/noExplicitAny: that is what a caller without types has
type Untyped = any;
const js = (): Untyped => guard();

const authenticator = (name: string): Untyped =>
  definePolicy({
    name,
    role: 'check',
    needs: [],
    adds: ['principal', 'authentication'],
    check: () => pass({ principal: {}, authentication: {} }),
  });
const jwt = authenticator('jwt');
const key = authenticator('key');

describe('a guard is not built', () => {
  test.each<[string, () => unknown, string]>([
    [
      'where a policy needs a fact that only a later one adds',
      () => js().use(requireScopes('a')).use(jwt),
      'requireScopes(a) needs "principal", which jwt adds after it. Put jwt first.',
    ],
    [
      'with two authenticators in a row',
      () => js().use(jwt).use(key),
      'key adds "principal", which jwt already adds. Combine the two with anyOf().',
    ],
    [
      'with a factory that was not called',
      () => js().use(crossOrigin),
      'crossOrigin is a function. Call it: use(crossOrigin(…)).',
    ],
    [
      'with a middleware',
      () => js().use((_req: unknown, _res: unknown, next: () => void) => next()),
      'a function of 3 arguments, like a middleware',
    ],
    [
      'with names of facts that are not names',
      () => definePolicy({ name: 'x', role: 'check', needs: 'principal', check: pass } as Untyped),
      "needs and adds must be lists of names of facts, like ['principal']",
    ],
  ])('%s', (_, build, message) => {
    expect(build).toThrow(ConfigurationError);
    expect(build).toThrow(message);
  });
});

describe('a guard is not mounted', () => {
  const supplied = ['call', 'peer'];
  test.each<[string, Untyped, string]>([
    [
      'where nobody adds what a policy needs',
      js().use(requireScopes('a')),
      'requireScopes(a) needs the fact "principal", which no policy before it adds',
    ],
    [
      'where the fact may be missing',
      js().use(optional(jwt)).use(allowAuthenticated()),
      'allowAuthenticated needs the fact "principal"',
    ],
    [
      'where the fact comes in shadow mode only',
      js().use(jwt, { mode: 'shadow' }).use(allowAuthenticated()),
      'allowAuthenticated needs the fact "principal"',
    ],
    [
      'where one guard of a table lacks a fact',
      coverage({ 'GET /a': js().use(allowAnonymous()), 'GET /b': js().use(requireScopes('a')) }),
      'requireScopes(a) needs the fact "principal"',
    ],
    [
      'where the guards that use() answered were thrown away',
      (() => {
        const kept = js();
        kept.use(jwt);
        kept.use(allowAuthenticated());
        return kept;
      })(),
      'use() returns a new guard, so keep what it returns',
    ],
    [
      'that a second copy of the package has made',
      { ...js().use(allowAnonymous()), [Symbol.for('@apisec/core/copy')]: {} },
      'made by a second copy of @apisec/core',
    ],
  ])('%s', (_, admission, message) => {
    expect(() => assertAdmission(admission, 'secure', supplied)).toThrow(ConfigurationError);
    expect(() => assertAdmission(admission, 'secure', supplied)).toThrow(message);
  });

  test.each<[string, Untyped]>([
    ['whose policies come in order', js().use(jwt).use(requireScopes('a'))],
    ['that takes one of two credentials', js().use(anyOf(jwt, key)).use(allowAuthenticated())],
    ['whose facts come in a part of allOf', js().use(allOf(jwt, requireScopes('a')))],
    [
      'whose policy only sometimes runs',
      js()
        .use(when(() => false, jwt))
        .use(allowAnonymous()),
    ],
    [
      'on a fact that the host supplies',
      js().use(definePolicy({ name: 'p', role: 'grant', needs: ['peer'], check: () => pass() })),
    ],
  ])('but one is %s', (_, admission) => {
    expect(() => assertAdmission(admission, 'secure', supplied)).not.toThrow();
  });
});

test('a guard lists what its policies need and add, for documentation', () => {
  expect(js().use(jwt).use(requireScopes('a')).policies).toMatchObject([
    { name: 'jwt', needs: [], adds: ['principal', 'authentication'] },
    { name: 'requireScopes(a)', needs: ['principal', 'authentication'], adds: [] },
  ]);
});
