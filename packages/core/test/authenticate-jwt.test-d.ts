import {
  type AuthenticatedFacts,
  allowAuthenticated,
  authenticateJwt,
  type FactsOf,
  guard,
  type JwsAlgorithm,
  localJwks,
  type Principal,
} from '@apisec/core';
import type { JWK } from 'jose';
import { expectTypeOf, test } from 'vitest';

const issuer = 'https://id.example.com';
const audience = 'https://api.example.com';
const keys = localJwks({ keys: [{ kty: 'OKP', crv: 'Ed25519', x: '' }] });

test('an audience is required', () => {
  // @ts-expect-error Property 'audience' is missing
  authenticateJwt({ issuer });
  // @ts-expect-error in each of several issuers too
  authenticateJwt({ issuers: [{ issuer }] });
  authenticateJwt({ issuer, audience });
  authenticateJwt({ issuers: [{ issuer, audience: [audience] }] });
});

test('what belongs to one issuer cannot stand beside several', () => {
  // @ts-expect-error say it in each of them
  authenticateJwt({ issuers: [{ issuer, audience }], algorithms: ['ES256'] });
  // @ts-expect-error one issuer or several
  authenticateJwt({ issuers: [{ issuer, audience }], issuer, audience });
});

test('alg none cannot be asked for', () => {
  // @ts-expect-error not an algorithm
  authenticateJwt({ issuer, audience, keys, algorithms: ['none'] });
  expectTypeOf<'none'>().not.toExtend<JwsAlgorithm>();
});

test('it adds who calls, and admits nobody', () => {
  const policy = authenticateJwt({ issuer, audience, keys });
  expectTypeOf(policy.role).toEqualTypeOf<'check'>();
  const profile = guard().use(policy).use(allowAuthenticated());
  expectTypeOf<FactsOf<typeof profile>['principal']>().toEqualTypeOf<Principal>();
  expectTypeOf<FactsOf<typeof profile>>().toExtend<AuthenticatedFacts>();
});

test('keys of other libraries fit as they are', () => {
  const exported = null as unknown as JWK;
  localJwks({ keys: [exported, { ...exported, kid: 'a', alg: 'ES256' }] });
});
