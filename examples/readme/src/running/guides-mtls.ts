import { allowAnonymous, guard } from '@apisec/core';
import { type GrpcSeed, guardService, secure } from '@apisec/grpc';
import { makeClientConstructor, Server } from '@grpc/grpc-js';
import { serviceOf } from './grpc-service.ts';

const healthService = serviceOf('grpc.health.v1.Health', ['Check']);
export const HealthClient = makeClientConstructor(healthService, 'Health');
export const server = new Server();
server.addService(healthService, {
  Check: (_call: unknown, answer: (error: null, reply: object) => void) => answer(null, {}),
});
secure(server, {
  methods: guardService(healthService, guard<GrpcSeed>().use(allowAnonymous())),
});
let listens = (_port: number): void => {};
/** Where it listens. */
export const port = new Promise<number>((resolve) => {
  listens = resolve;
});
export const done = (error: Error | null, at: number): void => {
  if (error) throw error;
  listens(at);
};
