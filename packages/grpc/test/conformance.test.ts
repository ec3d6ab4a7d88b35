import { describeConformance, tableOf } from '@apisec/conformance';
import { methodPath, serviceDefinition } from '@apisec/conformance/grpc-service';
import { factsOf } from '@apisec/core';
import { secure } from '@apisec/grpc';
import * as grpc from '@grpc/grpc-js';

interface Message {
  readonly amount: number;
}

const FAILED = { code: grpc.status.UNKNOWN, details: 'failed' };
const HELD = { id: 'order', secret: 's3cret' };

describeConformance({
  name: 'grpc-js',
  protocol: 'grpc',
  capabilities: ['streams', 'headers', 'statuses', 'departures', 'absences'],
  gaps: {
    query: 'gRPC knows POST.',
    preflight: 'Browsers do not speak gRPC.',
    'raw-output': 'Every payload is a message.',
    'repeated-fields': 'grpc-js clients do not send them; cover-server.test.ts does, byte by byte.',
    bodies: 'gRPC parses messages before interceptors see them.',
  },
  start: async (api) => {
    const server = new grpc.Server({
      interceptors: [
        secure({
          methods: {
            ...tableOf(api, (name) => [methodPath(name)]),
            [methodPath('watch')]: api.streams.watch,
            [methodPath('upload')]: api.streams.upload,
            [methodPath('chat')]: api.streams.chat,
          },
          onFault: () => undefined,
        }),
      ],
    });
    const unary = api.operations.map(
      (operation) =>
        [
          operation.name,
          (
            call: grpc.ServerUnaryCall<Message, unknown>,
            answer: grpc.sendUnaryData<unknown>,
          ): void => {
            const facts = factsOf(call.metadata, operation.admission);
            api.serve(operation, call.request, facts).then(
              (reply) =>
                reply.status === 401
                  ? answer({ code: grpc.status.UNAUTHENTICATED, details: 'wrong password' })
                  : answer(null, reply),
              () => answer({ code: grpc.status.UNKNOWN, details: 'failed' }),
            );
          },
        ] as const,
    );
    const entered = async (facts: object, handle: () => void): Promise<void> => {
      await api.enter(facts);
      handle();
    };
    server.addService(serviceDefinition(api.operations.map(({ name }) => name)), {
      ...Object.fromEntries(unary),
      watch: (call: grpc.ServerWritableStream<Message, unknown>) => {
        void entered(factsOf(call.metadata, api.streams.watch), () => {
          if (call.request.amount === 500) call.emit('error', FAILED);
          for (const amount of [1, 2, 3]) {
            call.write({ ...HELD, amount, poison: call.request.amount === 666 && amount === 3 });
          }
          call.end();
        });
      },
      upload: (
        call: grpc.ServerReadableStream<Message, unknown>,
        answer: grpc.sendUnaryData<unknown>,
      ) => {
        void entered(factsOf(call.metadata, api.streams.upload), () => {
          let sum = 0;
          call.on('data', ({ amount }: Message) => {
            sum += amount;
            if (amount === 500) answer(FAILED);
            if (amount === 300) answer(null, { ...HELD, amount: sum });
          });
          call.on('end', () => answer(null, { ...HELD, amount: sum }));
        });
      },
      chat: (call: grpc.ServerDuplexStream<Message, unknown>) => {
        void entered(factsOf(call.metadata, api.streams.chat), () => {
          call.on('data', ({ amount }: Message) => {
            if (amount === 500) call.emit('error', FAILED);
            else if (amount === 300) call.end();
            else call.write({ ...HELD, amount, poison: amount === 666 });
          });
          call.on('end', () => call.end());
        });
      },
    });
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    );
    return { port, close: async () => server.forceShutdown() };
  },
});
