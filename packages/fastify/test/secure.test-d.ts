import {
  coverage,
  definePolicy,
  guard,
  type HttpFacts,
  type NoFacts,
  type Policy,
  pass,
  type RawBodyFacts,
} from '@apisec/core';
import { secure } from '@apisec/fastify';
import { type FastifyTypeProvider, fastify } from 'fastify';
import { test } from 'vitest';

interface Provider extends FastifyTypeProvider {
  readonly validator: this['schema'];
}

const check = definePolicy({ name: 'check', role: 'check', check: () => pass() });
const grant = definePolicy({ name: 'grant', role: 'grant', check: () => pass() });
declare function verifySignature(): Policy<RawBodyFacts, NoFacts, 'grant'>;

test('a guard that can admit mounts, and so does a coverage', () => {
  secure(guard().use(grant));
  secure(guard<HttpFacts>().use(check).use(grant));
  secure(coverage({ 'GET /': guard().use(grant) }));
});

test('a guard of checks alone cannot be mounted', () => {
  // @ts-expect-error Type '"check"' is not assignable to type '"grant"'
  secure(guard().use(check));
});

test('a policy that needs rawBody cannot be mounted: nobody supplies it here', () => {
  // @ts-expect-error Property 'rawBody' is missing
  secure(guard<HttpFacts & RawBodyFacts>().use(verifySignature()));
});

test('the guard of a route fits every kind of server', () => {
  const { route } = secure(guard().use(grant));
  fastify().get('/', route, () => 'in');
  fastify().get('/', { ...route, schema: {} }, () => 'in');
  fastify({ http2: true }).get('/', route, () => 'in');
  fastify({ http2: true }).register(secure(guard().use(grant)));
  fastify({ https: {} })
    .withTypeProvider<Provider>()
    .get('/', { ...route, schema: {} }, () => 'in');
});
