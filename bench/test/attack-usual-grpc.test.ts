import { coverServer, secure } from '@apisec/grpc';
import {
  type Metadata,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
  type ServiceDefinition,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { policyOf } from '../src/servers/policy.ts';
import { createWorld, type World } from '../src/servers/world.ts';
import { attackFound } from './attack-found.ts';

// What docs/comparison.md says `apisec attack` finds on gRPC, in the versions installed here.

const LIMIT = 60;
const METHOD = '/shop.v1.Orders/Get';
const ends: (() => unknown)[] = [];
let world: World;

beforeAll(async () => {
  world = await createWorld({ jwksUri: 'http://127.0.0.1/jwks', auditFile: '' }, 1);
});
afterAll(() => {
  for (const end of ends) end();
});

/** The services of the files; the loader's own type cannot tell. */
const services = loadSync(['usual.proto', 'health.proto'], {
  includeDirs: [import.meta.dirname],
}) as unknown as Readonly<Record<'shop.v1.Orders' | 'grpc.health.v1.Health', ServiceDefinition>>;

function ordersServer(interceptor: ServerInterceptor): Server {
  const server = new Server({ interceptors: [interceptor] });
  server.addService(services['shop.v1.Orders'], {
    Get: (_call: unknown, callback: (error: null, value: object) => void) =>
      callback(null, { id: '1' }),
  });
  ends.push(() => server.forceShutdown());
  return server;
}

/** Says of each service that it serves, as grpc-health-check does. */
function addHealth(server: Server): void {
  server.addService(services['grpc.health.v1.Health'], {
    Check: (_call: unknown, callback: (error: null, value: object) => void) =>
      callback(null, { status: 1 }),
    Watch: (call: { readonly write: (value: object) => void }) => call.write({ status: 1 }),
  });
}

/** Verifies the token of the metadata with jose, but for health checks, which load balancers make without one. */
function usualInterceptor({ jwk, issuer, audience, scope }: World): ServerInterceptor {
  const keys = createLocalJWKSet({ keys: [jwk] });
  const verify = async (metadata: Metadata): Promise<void> => {
    const token = String(metadata.get('authorization')[0] ?? '').replace(/^Bearer /, '');
    const { payload } = await jwtVerify(token, keys, { issuer, audience, algorithms: ['RS256'] });
    if (!String(payload['scope']).split(' ').includes(scope)) throw new Error('no scope');
  };
  return ({ path }, call) =>
    path.startsWith('/grpc.health.v1.')
      ? new ServerInterceptingCall(call)
      : new ServerInterceptingCall(call, {
          start: (next) =>
            next(
              new ServerListenerBuilder()
                .withOnReceiveMetadata((metadata, forward) => {
                  verify(metadata).then(
                    () => forward(metadata),
                    () => call.sendStatus({ code: status.UNAUTHENTICATED, details: 'no token' }),
                  );
                })
                .build(),
            ),
        });
}

async function bind(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    );
  });
}

/** The attacks that got through, each with what it showed. */
function found(port: number): Promise<Readonly<Record<string, string>>> {
  return attackFound(`http://127.0.0.1:${port}${METHOD}`, world.tokens[0] ?? '', [
    '--grpc',
    '--message',
    'CgEx',
    '--burst',
    `${2 * LIMIT}`,
  ]);
}

test('apisec attack: an interceptor with jose, and health checks, on grpc-js', async () => {
  const server = ordersServer(usualInterceptor(world));
  addHealth(server);
  expect(await found(await bind(server))).toEqual({
    'grpc.deadline': 'A call with the deadline -1S is answered with OK.',
    'grpc.framing': 'A call that ends within a message is answered with OK.',
    'grpc.health': '/grpc.health.v1.Health/Check is answered with OK.',
    'grpc.streams': '500 calls of one connection are open at a time.',
    'grpc.unlisted': '/shop.v1.Orders/Missing is answered with UNIMPLEMENTED.',
    // There is no limiter in it: none is usual for gRPC.
    'limit.missing': 'None of 120 calls in a row was denied by a limit.',
  });
});

test('apisec attack: one guard of apisec on grpc-js', async () => {
  const guard = policyOf(world, 'apisec', LIMIT);
  const server = ordersServer(secure({ methods: { [METHOD]: guard } }));
  coverServer(server);
  expect(await found(await bind(server))).toEqual({});
});
