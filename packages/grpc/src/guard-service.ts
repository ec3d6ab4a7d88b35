import type { Admission } from '@apisec/core';
import type { ServiceDefinition } from '@grpc/grpc-js';
import type { GrpcSeed } from './connection.ts';
import type { MethodTable } from './interceptor.ts';

/**
 * Lists one guard for every method of a service, for use in the table of {@link secure}. Methods that the
 * service gains later are listed with it: fit for health and reflection, rarely for services of your own.
 *
 * @example
 * secure({
 *   methods: { ...guardService(healthService, probes), '/shop.v1.Orders/List': orders },
 * });
 */
export function guardService(
  service: ServiceDefinition,
  admission: Admission<GrpcSeed, object>,
): MethodTable {
  return Object.fromEntries(Object.values(service).map(({ path }) => [path, admission]));
}
