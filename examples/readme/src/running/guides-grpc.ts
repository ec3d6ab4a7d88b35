import { allowAnonymous, authenticateJwt, guard, requireScopes } from '@apisec/core';
import { type GrpcSeed, guardService, secure, secureServerOptions } from '@apisec/grpc';
import {
  type handleUnaryCall,
  makeClientConstructor,
  Server,
  type ServerWritableStream,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { serviceOf } from './grpc-service.ts';
import { provider } from './provider.ts';

export const ordersService = serviceOf('shop.v1.Orders', ['Place', 'List', 'Watch'], ['Watch']);
export const healthService = serviceOf('grpc.health.v1.Health', ['Check']);
const answer: handleUnaryCall<object, object> = (_call, callback) => callback(null, {});
export const handlers: UntypedServiceImplementation = {
  Place: answer,
  List: answer,
  Watch: (call: ServerWritableStream<object, object>) => call.end(),
};
export const health: UntypedServiceImplementation = { Check: answer };

const known = guard<GrpcSeed>().use(authenticateJwt(provider.trust));
export const read = known.use(requireScopes('orders:read'));
export const write = known.use(requireScopes('orders:write'));
export const probe = guard<GrpcSeed>().use(allowAnonymous());

export const OrdersClient = makeClientConstructor(ordersService, 'Orders');
export const HealthClient = makeClientConstructor(healthService, 'Health');
export const source = {
  token: async () => ({
    token: await provider.token({ scope: 'orders:read' }),
    expiresAt: Date.now() + 60_000,
  }),
};
export { guardService, Server, secure, secureServerOptions };
