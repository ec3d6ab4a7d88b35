import type { ClaimedDelivery, ClaimShares } from '@apisec/core';

/** How many places one endpoint and one tenant may hold; undefined where that follows from what is free. */
export interface ShareLimits {
  readonly perEndpoint: number | undefined;
  readonly perTenant: number | undefined;
}

/**
 * What a worker may claim, by the attempts that it has under way. Without limits a tenant holds at most as many places
 * as it leaves free, and an endpoint as many as it leaves to the rest of its tenant: who answers slowly, from however
 * many endpoints, slows down itself, and a lone endpoint still has a quarter of all places.
 */
export function claimable(
  running: Iterable<ClaimedDelivery>,
  concurrency: number,
  limits: ShareLimits,
): { readonly limit: number; readonly shares: ClaimShares } {
  const endpoints = new Map<string, { tenant: string; held: number }>();
  const tenants = new Map<string, number>();
  let free = concurrency;
  for (const { endpoint } of running) {
    const { id, tenant } = endpoint;
    free -= 1;
    endpoints.set(id, { tenant, held: (endpoints.get(id)?.held ?? 0) + 1 });
    tenants.set(tenant, (tenants.get(tenant) ?? 0) + 1);
  }
  const ofTenant = (held: number): number => roomOf(free, held, limits.perTenant);
  const ofEndpoint = (room: number, held: number): number =>
    step(roomOf(room, held, limits.perEndpoint));
  return {
    // Half of what is free: whatever the shares of many tenants add up to, a place is left for the next one.
    limit: step(free),
    shares: {
      perEndpoint: ofEndpoint(ofTenant(0), 0),
      endpoints: new Map(
        [...endpoints].map(([id, { tenant, held }]) => {
          return [id, ofEndpoint(ofTenant(tenants.get(tenant) ?? 0), held)];
        }),
      ),
      perTenant: step(ofTenant(0)),
      tenants: new Map([...tenants].map(([tenant, held]) => [tenant, step(ofTenant(held))])),
    },
  };
}

/** How many of the `room` are for somebody who holds some already: up to the limit, or until it holds half. */
function roomOf(room: number, held: number, limit: number | undefined): number {
  // One place at least, so that few places are no reason to wait for ever.
  const half = held === 0 ? Math.ceil(room / 2) : Math.floor((room - held) / 2);
  return Math.max(0, Math.min(room, limit === undefined ? half : limit - held));
}

/** In steps, since others claim their part at the same time. */
const step = (room: number): number => Math.ceil(room / 2);
