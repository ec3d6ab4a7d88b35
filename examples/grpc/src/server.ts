import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import { factsOf, type TrustedIssuer } from '@apisec/core';
import { guardService, secure, secureServerOptions } from '@apisec/grpc';
import {
  type handleBidiStreamingCall,
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Server,
  type ServiceDefinition,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { type Order, ordersPolicy } from './policy.ts';
import { reflect } from './reflection.ts';

const proto = (file: string) => loadSync(join(import.meta.dirname, '../proto', file));
// The files define these services; the loader's type cannot tell.
const orderFiles = proto('orders.proto');
export const ordersService = orderFiles['shop.v1.Orders'] as ServiceDefinition;
export const healthService = proto('health.proto')['grpc.health.v1.Health'] as ServiceDefinition;
export const reflectionService = proto('reflection.proto')[
  'grpc.reflection.v1.ServerReflection'
] as ServiceDefinition;

interface NewOrder {
  readonly item: string;
}

/** @param options `reflection` shows operators what the API looks like. Default: denied like all that is unlisted. */
export function createServer(
  trusted: TrustedIssuer,
  { reflection = false }: { readonly reflection?: boolean } = {},
): Server {
  const orders: Order[] = [];
  const find = (id: string) => orders.find((order) => order.id === id);
  const { read, write, track, probe, operate } = ordersPolicy(trusted, find);
  const placed = new EventEmitter();
  const place = ({ item }: NewOrder, owner: string): Order => {
    const order = { id: crypto.randomUUID(), owner, item };
    orders.push(order);
    placed.emit('order', order);
    return order;
  };

  const placeOrder: handleUnaryCall<NewOrder, Order> = (call, callback) =>
    callback(null, place(call.request, factsOf(call, write).principal.id));

  const importOrders: handleClientStreamingCall<NewOrder, { readonly placed: number }> = (
    call,
    callback,
  ) => {
    const { principal } = factsOf(call, write);
    let count = 0;
    call.on('data', (order: NewOrder) => {
      place(order, principal.id);
      count++;
    });
    call.on('end', () => callback(null, { placed: count }));
  };

  const listOrders: handleServerStreamingCall<object, Order> = (call) => {
    const { principal } = factsOf(call, read);
    for (const order of orders) if (order.owner === principal.id) call.write(order);
    call.end();
  };

  const trackOrders: handleBidiStreamingCall<{ readonly id: string }, Order> = (call) => {
    const { messages } = factsOf(call, track);
    // What comes here names an order of the caller, which is loaded already.
    call.on('data', (message: object) => call.write(messages.of(message).order));
    call.on('end', () => call.end());
  };

  const watchOrders: handleServerStreamingCall<object, Order> = (call) => {
    const { principal } = factsOf(call, read);
    const show = (order: Order): void => {
      if (order.owner === principal.id) call.write(order);
    };
    placed.on('order', show);
    // Also when the token has expired, the caller has disconnected, or the server has denied a message.
    call.on('cancelled', () => placed.off('order', show));
  };

  const health = { status: 'SERVING' } as const;
  const checkHealth: handleUnaryCall<object, object> = (_call, callback) => callback(null, health);
  const watchHealth: handleServerStreamingCall<object, object> = (call) => void call.write(health);

  const server = new Server({ ...secureServerOptions({ maxConnectionAge: '1h' }) });
  server.addService(ordersService, {
    Place: placeOrder,
    Import: importOrders,
    List: listOrders,
    Watch: watchOrders,
    Track: trackOrders,
  });
  server.addService(healthService, { Check: checkHealth, Watch: watchHealth });
  if (reflection) {
    server.addService(reflectionService, { ServerReflectionInfo: reflect(orderFiles) });
  }
  // Does not start where a method is served and not listed, or listed and not served.
  secure(server, {
    methods: {
      ...guardService(ordersService, {
        Place: write,
        Import: write,
        List: read,
        Watch: read,
        Track: track,
      }),
      ...guardService(healthService, probe),
      ...(reflection ? guardService(reflectionService, operate) : {}),
    },
    limits: { maxMessageBytes: 64 * 1024, maxStreamAge: '1h' },
    methodLimits: {
      '/shop.v1.Orders/Place': { requireDeadline: true, maxDeadline: '10s' },
      '/shop.v1.Orders/Import': {
        maxDeadline: '5m',
        maxMessages: 1_000,
        messageRate: { perSecond: 100, burst: 200 },
      },
    },
    anonymousStreams: 10,
    help: 'https://docs.example.com/denials#',
  });
  return server;
}
