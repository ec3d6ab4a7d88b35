import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  audit,
  discoverIssuer,
  type LimitRequest,
  type LimitStore,
  memoryLimitStore,
  type ServedOperation,
  type TrustedIssuer,
} from '@apisec/core';
import { EXPORTS, type ShopPolicy, shopPolicy } from './policy.ts';

// What operators look at from a terminal, as `npm start -- --serve` prints it: `apisec coverage` reads the inventory,
// `apisec limits` asks the demo that runs, and `apisec audit verify` takes the key of the trail.

/** Nobody is let in here: the policy is only read, and this address is never called. */
const nobody: TrustedIssuer = {
  issuer: 'https://nobody.example',
  audience: 'https://nobody.example',
  keys: discoverIssuer('https://nobody.example'),
};

const shop = shopPolicy({
  customers: nobody,
  warehouse: nobody,
  isFrozen: () => false,
  log: () => undefined,
  audit: audit({ sinks: [() => undefined] }),
  limitStore: memoryLimitStore(),
});

const served = (
  protocol: ServedOperation['protocol'],
  { operations, admission }: Pick<ShopPolicy['rest'], 'operations' | 'admission'>,
): readonly ServedOperation[] =>
  operations.map((operation) => ({ operation, protocol, admissions: [admission(operation)] }));

/** What the shop serves, on every transport. */
export const inventory: readonly ServedOperation[] = [
  ...served('http', shop.rest),
  ...served('graphql', shop.graphql),
  ...served('grpc', shop.grpc),
];

/** The limits of the running demo, read alone. Where yours are in Redis or PostgreSQL, this is that store. */
const store: LimitStore = {
  consume: async (requests: readonly LimitRequest[]) => {
    const link = process.env['SHOP_LIMITS'];
    if (link === undefined) throw new Error('SHOP_LIMITS is what `npm start -- --serve` prints.');
    const response = await fetch(link, { method: 'POST', body: JSON.stringify(requests) });
    if (!response.ok) throw new Error(`The demo answered ${response.status}.`);
    // Of the store of the demo, whose types these are.
    return (await response.json()) as Awaited<ReturnType<LimitStore['consume']>>;
  },
  reconcile: () => {
    throw new Error('Limits are only read here.');
  },
};

export const limits = [{ store, name: EXPORTS.name, limits: [EXPORTS.limit] }];

const folder = process.env['SHOP_CHAIN'];

/** What an auditor verifies the trail with; the others do without. */
export const chain = folder && {
  keys: { current: '1', keys: { 1: readFileSync(join(folder, 'chain-key')) } },
};
