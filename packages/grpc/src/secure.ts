import { type Server, Server as ServerClass, type ServerInterceptor } from '@grpc/grpc-js';
import { cover } from './cover-server.ts';
import { createInterceptor, type SecureOptions } from './interceptor.ts';

/**
 * Denies every call that the guard of its method does not admit, before the handler starts; then holds its
 * messages, in both directions, to what the policies demand. An unlisted method is denied with
 * PERMISSION_DENIED (`operation.unlisted`).
 *
 * Call it once, after the services are added and before the server is bound. It does not start a server that
 * the table does not cover, comes before every interceptor, also those of a port's credentials, and sees what
 * interceptors do not see: unknown methods, repeated header fields, streams that were reset.
 *
 * Handlers read facts with `factsOf(call, guard)`.
 *
 * @throws ConfigurationError when a path does not have the form `/pkg.Service/Method`, a guard has no grant, a
 * method is served and not listed or listed and not served, or the server is already bound.
 * @example
 * const server = new Server();
 * server.addService(ordersService, handlers);
 * secure(server, { methods: { '/shop.v1.Orders/List': orders } });
 * server.bindAsync('0.0.0.0:50051', credentials, done);
 */
export function secure(server: Server, options: SecureOptions): void;
/**
 * The same as an interceptor, for servers that are built elsewhere. List it first: interceptors before it see calls
 * that nobody admitted. Then pass the server to {@link coverServer}: without that, unknown methods are not decided, and
 * malformed deadlines, content types and repeated header fields are what grpc-js makes of them; the first call reports
 * that to `onFault`.
 *
 * @throws ConfigurationError when a path does not have the form `/pkg.Service/Method`, or a guard has no grant.
 * @example
 * const server = new Server({
 *   interceptors: [secure({ methods: { '/shop.v1.Orders/List': orders } })],
 * });
 */
export function secure(options: SecureOptions): ServerInterceptor;
export function secure(
  serverOrOptions: Server | SecureOptions,
  options?: SecureOptions,
): ServerInterceptor | undefined {
  if (options === undefined && !(serverOrOptions instanceof ServerClass)) {
    return createInterceptor(serverOrOptions);
  }
  // Without options there is no table, which the factory rejects as well.
  cover(serverOrOptions as Server, createInterceptor(options as SecureOptions), 'secure');
  return undefined;
}
