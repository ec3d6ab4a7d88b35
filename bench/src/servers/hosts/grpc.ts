import { secure } from '@apisec/grpc';
import {
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  type ServerInterceptor,
} from '@grpc/grpc-js';
import { answer } from '../answer.ts';
import { METHOD, ordersService } from '../orders-service.ts';
import { policyOf } from '../policy.ts';
import type { World } from '../world.ts';

export function start(variant: string, world: World): Promise<number> {
  const server = new Server({ interceptors: interceptorsOf(variant, world) });
  server.addService(ordersService, {
    Get: (_call: unknown, callback: (error: null, value: object) => void) =>
      callback(null, answer()),
  });
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
      if (error) reject(error);
      else resolve(port);
    });
  });
}

const nothing: ServerInterceptor = (_method, call) => new ServerInterceptingCall(call);

function interceptorsOf(variant: string, world: World): ServerInterceptor[] {
  if (variant === 'bare') return [];
  if (variant === 'usual') return [nothing];
  return [secure({ methods: { [METHOD]: policyOf(world, variant) } })];
}
