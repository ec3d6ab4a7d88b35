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
import { secure } from '@apisec/express';
import { test } from 'vitest';

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
