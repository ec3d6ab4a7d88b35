import {
  type CertificateFacts,
  coverage,
  definePolicy,
  factsOf,
  type GrpcFacts,
  guard,
  type HttpFacts,
  pass,
  type RawBodyFacts,
} from '@apisec/core';
import { type GrpcSeed, guardService, secure } from '@apisec/grpc';
import { Metadata, type ServiceDefinition } from '@grpc/grpc-js';
import { expectTypeOf, test } from 'vitest';

const open = definePolicy({ name: 'open', role: 'grant', check: () => pass() });
const path = '/shop.v1.Shop/Get';
const service = {} as ServiceDefinition;

test('guards of every adapter and of gRPC can be mounted', () => {
  secure({ methods: { [path]: guard().use(open) } });
  secure({ methods: { [path]: guard<GrpcFacts>().use(open) } });
  secure({ methods: coverage<GrpcSeed>({ [path]: guard<GrpcSeed>().use(open) }) });
  secure({ methods: coverage({ [path]: guard().use(open) }) });
  secure({ methods: guardService(service, guard().use(open)) });
});

test('methods are named by the types that generators write', () => {
  const admission = guard<GrpcFacts>().use(open);
  // As ts-proto and protobuf-ts do, and proto-loader with generated types.
  const Orders = {
    list: { path: '/shop.v1.Orders/List', requestStream: false, responseStream: true },
    place: { path: '/shop.v1.Orders/Place', requestStream: false, responseStream: false },
  } as const;
  guardService(Orders, { list: admission, place: admission });
  guardService(Orders, { list: admission, default: admission });
  guardService(Orders, admission);
  guardService(service, { Get: admission });
  // @ts-expect-error place has no guard
  guardService(Orders, { list: admission });
  // @ts-expect-error it is called place
  guardService(Orders, { list: admission, plaice: admission });
  // @ts-expect-error a guard without a grant
  guardService(Orders, { list: admission, place: guard<GrpcFacts>() });
});

test('a guard that nobody can pass cannot', () => {
  // @ts-expect-error Type '"check"' is not assignable to type '"grant"'
  secure({ methods: { [path]: guard() } });
});

test('a guard on facts that gRPC cannot supply cannot', () => {
  // @ts-expect-error the call is none of HTTP
  secure({ methods: { [path]: guard<HttpFacts>().use(open) } });
  // @ts-expect-error Property 'rawBody' is missing
  secure({ methods: { [path]: guard<GrpcFacts & RawBodyFacts>().use(open) } });
});

test('the certificate is a fact that may be missing', () => {
  const certified = definePolicy<CertificateFacts>({
    name: 'certified',
    role: 'grant',
    check: (_, { certificate }) => {
      expectTypeOf(certificate?.raw).toEqualTypeOf<Uint8Array | undefined>();
      return pass();
    },
  });
  guard<GrpcSeed>().use(certified);
  // @ts-expect-error nobody supplies it
  guard<GrpcFacts>().use(certified);
});

test('handlers read facts from the metadata', () => {
  const orders = guard<GrpcFacts>()
    .use(definePolicy({ name: 'who', role: 'check', check: () => pass({ who: 'ann' }) }))
    .use(open);
  expectTypeOf(factsOf(new Metadata(), orders).who).toEqualTypeOf<string>();
});
