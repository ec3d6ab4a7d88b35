import type { ClaimedDelivery, ClaimShares } from '@apisec/core';
import type { Paces } from './tenant-paces.ts';

/** How many places one endpoint and one tenant may hold; undefined where that follows from what is free. */
export interface ShareLimits {
  readonly perEndpoint: number | undefined;
  readonly perTenant: number | undefined;
}

/**
 * What a worker may claim, by the attempts that it has under way. Without limits a tenant holds at most as many places
 * as it leaves free, and an endpoint as many as it leaves to the rest of its tenant: who answers slowly, from however
 * many endpoints, slows down itself, and a lone endpoint still has a quarter of all places. Many tenants that answer
 * slowly leave the last quarter to the others together, and the last eighth is for those that are known to be quick.
 */
export function claimable(
  running: Iterable<ClaimedDelivery>,
  concurrency: number,
  limits: ShareLimits,
  { slow, quick }: Paces,
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
  const ofHeld = (held: number): number => step(ofTenant(held));
  // Half of what is free: whatever the shares of many tenants add up to, a place is left for the next one.
  const upTo = (kept: number): number => Math.min(step(free), free - kept);
  const forSlow = limits.perTenant === undefined ? Math.floor(concurrency / 4) : 0;
  const forUnknown = Math.floor(forSlow / 2);
  const ofEndpoints = {
    perEndpoint: ofEndpoint(ofTenant(0), 0),
    endpoints: new Map(
      [...endpoints].map(([id, { tenant, held }]) => {
        return [id, ofEndpoint(ofTenant(tenants.get(tenant) ?? 0), held)];
      }),
    ),
  };
  if (free > forUnknown) {
    const isForAll = free > forSlow;
    const places = new Map([...tenants].map(([tenant, held]) => [tenant, ofHeld(held)]));
    if (!isForAll) for (const tenant of slow) places.set(tenant, 0);
    return {
      limit: upTo(isForAll ? forSlow : forUnknown),
      shares: { ...ofEndpoints, perTenant: ofHeld(0), tenants: places },
    };
  }
  const places = new Map([...quick].map((tenant) => [tenant, ofHeld(tenants.get(tenant) ?? 0)]));
  return { limit: upTo(0), shares: { ...ofEndpoints, perTenant: 0, tenants: places } };
}

/** How many of the `room` are for somebody who holds some already: up to the limit, or until it holds half. */
function roomOf(room: number, held: number, limit: number | undefined): number {
  // One place at least, so that few places are no reason to wait for ever.
  const half = held === 0 ? Math.ceil(room / 2) : Math.floor((room - held) / 2);
  return Math.max(0, Math.min(room, limit === undefined ? half : limit - held));
}

/** In steps, since others claim their part at the same time. */
const step = (room: number): number => Math.ceil(room / 2);
