import { type Admission, type Coverage, coverage } from '@apisec/core';
import { assertConfiguration, report } from '@apisec/core/host';
import type { ProxyTrust } from '@apisec/node';
import type { ServerInterceptor } from '@grpc/grpc-js';
import { type SecuredMethod, securedCall } from './secured-call.ts';
import type { GrpcSeed } from './seed.ts';

/** Which guard decides on which method, by full path: `/shop.v1.Orders/List`. */
export type MethodTable = Readonly<Record<string, Admission<GrpcSeed, object>>>;

/** Options of {@link secure}. */
export interface SecureOptions {
  /**
   * The guard of each method. A method that is not listed is refused, health and reflection included; there
   * are no patterns (see `guardService` for all methods of a service).
   */
  readonly methods: MethodTable | Coverage<GrpcSeed>;
  /** Your own proxies, where they name the caller in metadata. Default: the peer is whoever connects. */
  readonly trust?: ProxyTrust | undefined;
  /**
   * Told what an `onComplete` threw, and what the application threw into the interceptor: the caller gets a
   * plain INTERNAL and the process goes on. Whatever it throws itself is ignored.
   */
  readonly onError?: ((cause: unknown) => void) | undefined;
}

const METHOD_PATH = /^\/[A-Za-z_][\w.]*\/[A-Za-z_]\w*$/;
const secured = new WeakMap<ServerInterceptor, Coverage<GrpcSeed>>();

/**
 * Refuses every call that the guard of its method does not admit, before the handler starts; then holds its
 * messages, in both directions, to what the policies demand. An unlisted method is refused with
 * PERMISSION_DENIED (`operation.unlisted`).
 *
 * List it first: interceptors before it see calls that nobody admitted. grpc-js asks no interceptor about
 * methods that it does not know; {@link coverServer} mends that. Handlers read facts with
 * `factsOf(call.metadata, guard)`.
 *
 * @throws ConfigurationError when a path has not the form `/pkg.Service/Method`, or a guard has no grant.
 * @example
 * const server = new Server({
 *   interceptors: [secure({ methods: { '/shop.v1.Orders/List': orders } })],
 * });
 */
export function secure({ methods, trust, onError }: SecureOptions): ServerInterceptor {
  assertConfiguration(
    typeof methods === 'object' && methods !== null,
    "secure: list the methods: secure({ methods: { '/shop.v1.Orders/List': guard } }).",
  );
  const table = isCoverage(methods) ? methods : coverage<GrpcSeed>(methods);
  const secureMethod = (path: string): SecuredMethod => ({
    fact: Object.freeze({ protocol: 'grpc', operation: path } as const),
    admission: table.admission(path),
    trust,
    onError: (cause) => report(onError, cause),
  });
  for (const path of table.operations) {
    assertConfiguration(
      METHOD_PATH.test(path),
      `secure: "${path}" is no method; write its full path, '/shop.v1.Orders/List'.`,
    );
  }
  const listed = new Map(table.operations.map((path) => [path, secureMethod(path)]));
  const interceptor: ServerInterceptor = ({ path }, call) =>
    securedCall(listed.get(path) ?? secureMethod(path), call);
  secured.set(interceptor, table);
  return interceptor;
}

/** The table that an interceptor made by {@link secure} enforces. */
export function coverageOf(interceptor: ServerInterceptor): Coverage<GrpcSeed> | undefined {
  return secured.get(interceptor);
}

/** A coverage table has functions where a plain table has paths. */
function isCoverage(methods: MethodTable | Coverage<GrpcSeed>): methods is Coverage<GrpcSeed> {
  return typeof methods.check === 'function';
}
