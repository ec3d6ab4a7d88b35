import { factsOf } from '@apisec/core';
import { coverServer, secure } from '@apisec/grpc';
import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { type Api, shownInTheTable } from '../listen.ts';
import type { ShopPolicy } from '../policy.ts';
import { proto } from '../proto.ts';
import { type Reply, shop } from '../shop.ts';

type Call = Parameters<handleUnaryCall<object, Reply>>[0];

export async function grpcApi({ guards, grpc }: ShopPolicy): Promise<Api> {
  const server = new Server({
    interceptors: [secure({ methods: grpc, onFault: shownInTheTable, logDenials: false })],
  });
  server.addService(proto['shop.v1.Shop'], {
    Health: unary(() => shop.health()),
    Orders: unary(({ metadata }) => shop.orders(factsOf(metadata, guards.orders).principal)),
    PlaceOrder: unary(({ metadata }) =>
      shop.placeOrder(factsOf(metadata, guards.placeOrder).principal),
    ),
    Refund: unary(({ metadata }) => shop.refund(factsOf(metadata, guards.refund).principal)),
    Payout: unary(({ metadata }) => shop.payout(factsOf(metadata, guards.payout).principal)),
    Export: unary(({ metadata }) => shop.exported(factsOf(metadata, guards.exported).principal)),
    Forecast: unary(() => shop.forecast()),
    Stock: unary(() => shop.stock()),
  });
  // Here a method that is served but not listed stops the start; one that is neither is denied.
  coverServer(server);

  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    );
  });
  return { port, close: async () => server.forceShutdown() };
}

function unary(handle: (call: Call) => Reply): UntypedServiceImplementation[string] {
  const handler: handleUnaryCall<object, Reply> = (call, callback) => callback(null, handle(call));
  return handler;
}
