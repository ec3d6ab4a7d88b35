import {
  type AuthenticatedFacts,
  allowAuthenticated,
  authenticateCertificate,
  type CertificateFacts,
  guard,
  type HttpFacts,
  memoryReplayStore,
  type NoFacts,
  type Policy,
  protect,
  type ReplayStore,
  requireCertificateBinding,
  requireDpop,
  type SyncPolicy,
  stepUp,
} from '@apisec/core';
import { expectTypeOf, test } from 'vitest';

declare function authenticate(): Policy<NoFacts, AuthenticatedFacts, 'check'>;
declare const remote: ReplayStore;
const publicOrigin = 'https://api.example.com';

test('proofs are asked for behind the authentication', () => {
  // @ts-expect-error Property 'authentication' is missing
  guard().use(requireDpop({ publicOrigin }));
  // @ts-expect-error Property 'authentication' is missing
  guard().use(requireCertificateBinding());
  // @ts-expect-error Property 'authentication' is missing
  guard().use(stepUp({ maxAge: '1m' }));
  guard()
    .use(authenticate())
    .use(requireDpop({ publicOrigin }))
    .use(stepUp({ maxAge: '1m' }));
});

test('proofs admit nobody', () => {
  const proved = guard<HttpFacts>().use(authenticate()).use(requireDpop({ publicOrigin }));
  expectTypeOf(proved.role).toEqualTypeOf<'check'>();
  // @ts-expect-error a guard of checks alone cannot be mounted
  protect(proved, () => new Response());
  protect(proved.use(allowAuthenticated()), () => new Response());
});

test('a certificate is an identity where adapters supply it, and there alone', () => {
  // @ts-expect-error these facts have no certificate
  guard().use(authenticateCertificate({ identity: 'dns' }));
  const mesh = guard<HttpFacts & CertificateFacts>()
    .use(authenticateCertificate({ identity: 'dns' }))
    .use(allowAuthenticated());
  protect(mesh, (_request, { principal }) => new Response(principal.subject));
});

test('step-up and certificates answer at once, the memory store as well', () => {
  expectTypeOf(stepUp({ maxAge: '1s' })).toExtend<
    SyncPolicy<AuthenticatedFacts, NoFacts, 'check'>
  >();
  expectTypeOf(authenticateCertificate({ identity: 'dns' })).toExtend<
    SyncPolicy<CertificateFacts, AuthenticatedFacts, 'check'>
  >();
  expectTypeOf(memoryReplayStore().putIfAbsent('key', 1)).toEqualTypeOf<boolean>();
  requireDpop({ publicOrigin, replay: remote });
  // @ts-expect-error the origin has no safe default
  requireDpop({});
});
