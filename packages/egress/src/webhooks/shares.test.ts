import type { ClaimedDelivery } from '@apisec/core';
import { describe, expect, test } from 'vitest';
import { claimable, type ShareLimits } from './shares.ts';
import type { Paces } from './tenant-paces.ts';

const ADAPTED: ShareLimits = { perEndpoint: undefined, perTenant: undefined };

const NOBODY: ReadonlySet<string> = new Set();
const UNKNOWN: Paces = { slow: NOBODY, quick: NOBODY };

/** What a worker holds in the end where nobody ever answers and everybody has enough to send. */
function heldBy(
  senders: readonly (readonly [id: string, tenant: string])[],
  limits = ADAPTED,
  paces = UNKNOWN,
  running: ClaimedDelivery[] = [],
) {
  const held = new Map<string, number>();
  for (let round = 0; round < 50; round++) {
    const { limit, shares } = claimable(running, 100, limits, paces);
    const endpoints = new Map(shares.endpoints);
    const tenants = new Map(shares.tenants);
    let taken = 0;
    for (const [id, tenant] of senders) {
      for (;;) {
        const ofEndpoint = endpoints.get(id) ?? shares.perEndpoint;
        const ofTenant = tenants.get(tenant) ?? shares.perTenant;
        if (taken === limit || ofEndpoint < 1 || ofTenant < 1) break;
        endpoints.set(id, ofEndpoint - 1);
        tenants.set(tenant, ofTenant - 1);
        taken += 1;
        held.set(id, (held.get(id) ?? 0) + 1);
        // Only what is read of it.
        running.push({ endpoint: { id, tenant } } as ClaimedDelivery);
      }
    }
  }
  return { held: Object.fromEntries(held), free: 100 - running.length, running };
}

const many = (count: number, tenantOf: (at: number) => string) =>
  Array.from({ length: count }, (_, at) => [`e${at}`, tenantOf(at)] as const);

test('a lone endpoint that never answers holds a quarter of all places', () => {
  const { held } = heldBy([['slow', 't']]);
  expect(held['slow']).toBeGreaterThanOrEqual(25);
  expect(held['slow']).toBeLessThanOrEqual(26);
});

test('three hundred endpoints of one tenant that never answer leave half of the places', () => {
  expect(heldBy(many(300, () => 't')).free).toBe(50);
});

test('four slow endpoints leave places to the other endpoints of their tenant', () => {
  const { held, free } = heldBy(many(4, () => 't'));
  expect(Math.max(...Object.values(held))).toBeLessThanOrEqual(20);
  expect(50 - (100 - free)).toBeGreaterThan(0);
});

test.each([2, 5, 10])('%d tenants that never answer leave places to the next one', (count) => {
  const { free } = heldBy(many(count * 30, (at) => `t${at % count}`));
  expect(free).toBeGreaterThanOrEqual(4);
});

describe('many tenants together', () => {
  const names = (count: number, name: string) =>
    new Set(Array.from({ length: count }, (_, at) => `${name}${at}`));
  const of = (count: number, name: string) => many(count * 30, (at) => `${name}${at % count}`);

  test.each([1, 20, 500])('that are slow leave a quarter of the places: %d', (count) => {
    const paces = { slow: names(count, 't'), quick: NOBODY };
    expect(heldBy(of(count, 't'), ADAPTED, paces).free).toBeGreaterThanOrEqual(25);
  });

  test.each([1, 20, 500])('of whom nothing is known leave an eighth: %d', (count) => {
    expect(heldBy(of(count, 't')).free).toBeGreaterThanOrEqual(12);
  });

  test('that are slow, unknown and quick have as much as there is for them', () => {
    const paces = { slow: names(20, 'slow'), quick: names(20, 'quick') };
    const { free, running } = heldBy(of(20, 'slow'), ADAPTED, paces);
    expect(free).toBe(25);
    expect(heldBy(of(20, 'unknown'), ADAPTED, paces, running).free).toBe(12);
    expect(heldBy(of(20, 'quick'), ADAPTED, paces, running).free).toBe(0);
    // As the first ones end, the places that are free are for the same ones again.
    const next = (left: number, name: string) => {
      running.length = left;
      return Object.keys(heldBy([['e', `${name}0`]], ADAPTED, paces, running).held).length;
    };
    expect(['slow', 'unknown', 'quick'].map((name) => next(90, name))).toEqual([0, 0, 1]);
    expect(['slow', 'unknown', 'quick'].map((name) => next(80, name))).toEqual([0, 1, 1]);
    expect(['slow', 'unknown', 'quick'].map((name) => next(70, name))).toEqual([1, 1, 1]);
  });
});

test("the operator's settings take precedence", () => {
  const { held, free } = heldBy(
    many(30, () => 't'),
    { perEndpoint: 4, perTenant: 90 },
  );
  expect(Math.max(...Object.values(held))).toBe(4);
  expect(free).toBe(10);
});

test('a worker with one place works', () => {
  const { limit, shares } = claimable([], 1, ADAPTED, UNKNOWN);
  expect([limit, shares.perEndpoint, shares.perTenant]).toEqual([1, 1, 1]);
});
