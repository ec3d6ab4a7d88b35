import { join } from 'node:path';
import { factsOf, type TrustedIssuer } from '@apisec/core';
import { coverServer, secure } from '@apisec/grpc';
import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  Server,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ordersPolicy } from './policy.ts';

const definitions = loadSync(join(import.meta.dirname, '../proto/orders.proto'));
// The file above defines this service; the loader's type cannot tell.
export const ordersService = definitions['shop.v1.Orders'] as ServiceDefinition;

export interface Order {
  readonly id: string;
  readonly owner: string;
  readonly item: string;
}

export function createServer(trusted: TrustedIssuer): Server {
  const { list, place, methods } = ordersPolicy(trusted);
  const orders: Order[] = [];

  const placeOrder: handleUnaryCall<{ readonly item: string }, Order> = (call, callback) => {
    const { principal } = factsOf(call.metadata, place);
    const order = { id: crypto.randomUUID(), owner: principal.id, item: call.request.item };
    orders.push(order);
    callback(null, order);
  };
  const listOrders: handleServerStreamingCall<object, Order> = (call) => {
    const { principal } = factsOf(call.metadata, list);
    for (const order of orders) if (order.owner === principal.id) call.write(order);
    call.end();
  };

  const server = new Server({ interceptors: [secure({ methods })] });
  server.addService(ordersService, { Place: placeOrder, List: listOrders });
  // Does not start where a method is served and not listed, or listed and not served.
  coverServer(server);
  return server;
}
