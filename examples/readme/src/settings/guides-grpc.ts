import type { Guard } from '@apisec/core';
import { type GrpcSeed, guardService, secure, secureServerOptions } from '@apisec/grpc';
import type { TokenSource } from '@apisec/oauth';
import {
  makeClientConstructor,
  Server,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';

type Grant = Guard<GrpcSeed, object, 'grant'>;

export declare const ordersService: ServiceDefinition;
export declare const handlers: UntypedServiceImplementation;
export declare const healthService: ServiceDefinition;
export declare const health: UntypedServiceImplementation;
export declare const read: Grant;
export declare const write: Grant;
export declare const probe: Grant;
export declare const source: { readonly token: TokenSource['bearer'] };
export const OrdersClient = makeClientConstructor({}, 'Orders');
export { guardService, Server, secure, secureServerOptions };
