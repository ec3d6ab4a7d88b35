import type { Admission } from '@apisec/core';
import { assertAdmission, assertConfiguration } from '@apisec/core/host';
import type { GrpcSeed } from './connection.ts';
import type { MethodTable } from './interceptor.ts';

type GrpcAdmission = Admission<GrpcSeed, object>;

/** What is read of a service: definitions of proto-loader, ts-proto and protobuf-ts all have it. */
export type ServiceLike = Readonly<Record<string, { readonly path: string }>>;

/**
 * A guard for each method of a service, by its name. Where the generated type knows the names, one that is forgotten or
 * misspelled does not compile; where it does not, the factory throws. `default` is the guard of those that are
 * not named, also of those that the service gains later.
 */
export type ServiceGuards<Service extends ServiceLike> =
  | { readonly [Method in keyof Service]: GrpcAdmission }
  | ({ readonly [Method in keyof Service]?: GrpcAdmission } & { readonly default: GrpcAdmission });

/**
 * Lists one guard for every method of a service, for use in the table of {@link secure}. Methods that the
 * service gains later are listed with it: fit for health and reflection, rarely for services of your own.
 *
 * @example
 * secure(server, {
 *   methods: { ...guardService(healthService, probes), '/shop.v1.Orders/List': orders },
 * });
 */
export function guardService(service: ServiceLike, admission: GrpcAdmission): MethodTable;
/**
 * Lists a guard for each method of a service, by name.
 *
 * @throws ConfigurationError for a name that the service does not have, and for a method without a guard.
 * @example
 * secure(server, { methods: guardService(OrdersService, { list: reads, place: writes }) });
 */
export function guardService<Service extends ServiceLike>(
  service: Service,
  guards: ServiceGuards<Service>,
): MethodTable;
export function guardService(
  service: ServiceLike,
  guards: GrpcAdmission | Readonly<Record<string, GrpcAdmission | undefined>>,
): MethodTable {
  assertConfiguration(
    typeof service === 'object' && service !== null && Object.values(service).every(hasPath),
    'guardService: the first argument must be the definition of a service, as server.addService() takes it.',
  );
  assertConfiguration(
    typeof guards === 'object' && guards !== null,
    'guardService: the second argument must be a guard, or a guard for each method by name.',
  );
  const methods = Object.entries(service);
  if (isAdmission(guards)) return Object.fromEntries(methods.map(([, { path }]) => [path, guards]));
  for (const name of Object.keys(guards)) {
    assertConfiguration(
      name === 'default' || Object.hasOwn(service, name),
      `guardService: "${name}" is not a method of the service. Methods: ${Object.keys(service).join(', ')}.`,
    );
  }
  return Object.fromEntries(
    methods.map(([name, { path }]) => {
      const own = Object.hasOwn(guards, name) ? guards[name] : guards['default'];
      assertConfiguration(
        own !== undefined,
        `guardService: "${name}" has no guard. Name one, or a default.`,
      );
      assertAdmission(own, `guardService: ${name}`);
      return [path, own];
    }),
  );
}

function isAdmission(
  guards: GrpcAdmission | Readonly<Record<string, GrpcAdmission | undefined>>,
): guards is GrpcAdmission {
  // No method is guarded by a function.
  return typeof guards.check === 'function';
}

function hasPath(method: unknown): boolean {
  return typeof (method as { readonly path?: unknown } | null)?.path === 'string';
}
