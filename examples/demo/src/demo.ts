import { audit, type Completion, discoverIssuer, memoryLimitStore } from '@apisec/core';
import { apolloApi } from './apis/apollo.ts';
import { expressApi } from './apis/express.ts';
import { fastifyApi } from './apis/fastify.ts';
import { fetchApi } from './apis/fetch.ts';
import { grpcApi } from './apis/grpc.ts';
import { honoApi } from './apis/hono.ts';
import { type Caller, graphqlCaller, grpcCaller, restCaller } from './callers.ts';
import type { Api } from './listen.ts';
import { type ShopPolicy, type Surroundings, shopPolicy } from './policy.ts';
import { type IdentityProvider, SHOP, startProvider, WAREHOUSE } from './provider.ts';
import { renderings, type Scenario } from './scenarios.ts';
import type { Cell, Row } from './table.ts';
import { createKeys, mintTokens, type Tokens } from './tokens.ts';

/** Stands in what the broken policy throws. No caller may ever see it. */
const INTERNAL = 'ledger.internal:5432 denied the connection';

/** How each transport is served and called. */
const transports = {
  Express: { serve: expressApi, call: restCaller, speaks: 'http' },
  Fastify: { serve: fastifyApi, call: restCaller, speaks: 'http' },
  Hono: { serve: honoApi, call: restCaller, speaks: 'http' },
  fetch: { serve: fetchApi, call: restCaller, speaks: 'http' },
  Apollo: { serve: apolloApi, call: graphqlCaller, speaks: 'graphql' },
  gRPC: { serve: grpcApi, call: grpcCaller, speaks: 'grpc' },
} as const;

export type Transport = keyof typeof transports;
export const transportNames: readonly Transport[] = Object.keys(transports) as Transport[];

/** Two identity providers, and the shop on six transports behind one policy. */
export interface Demo {
  readonly customers: IdentityProvider;
  readonly tokens: Tokens;
  readonly ports: Readonly<Record<Transport, number>>;
  /** How each call ended, as the policy logged it. */
  readonly log: readonly Completion[];
  /** The policy as it guards the shop. */
  readonly shop: ShopPolicy;
  /** Serves the shop once more, behind the same policy; calls there are not logged. */
  readonly serveAgain: () => Promise<Pick<Demo, 'ports' | 'close'>>;
  readonly close: () => Promise<void>;
}

/** What looks at the demo. */
export interface Observers {
  readonly onCompletion?: (completion: Completion) => void;
  readonly audit?: Surroundings['audit'];
  readonly limitStore?: Surroundings['limitStore'];
}

export async function startDemo(
  policy: typeof shopPolicy = shopPolicy,
  {
    onCompletion,
    audit: trail = audit({ sinks: [() => undefined] }),
    limitStore = memoryLimitStore(),
  }: Observers = {},
): Promise<Demo> {
  const keys = await createKeys();
  const customers = await startProvider(keys.jwk);
  const warehouse = await startProvider(keys.jwk);
  const tokens = await mintTokens(customers, warehouse, keys);
  // From now on nobody can fetch the warehouse's keys.
  await warehouse.close();

  const log: Completion[] = [];
  const guardShop = (told: Surroundings['log']): ShopPolicy =>
    policy({
      customers: trust(customers, SHOP),
      warehouse: trust(warehouse, WAREHOUSE),
      isFrozen: () => {
        throw new Error(INTERNAL);
      },
      audit: trail,
      limitStore,
      log: told,
    });
  const shop = guardShop((completion) => {
    log.push(completion);
    onCompletion?.(completion);
  });
  const served = await serveAll(shop);
  return {
    customers,
    tokens,
    log,
    shop,
    ports: served.ports,
    serveAgain: () => serveAll(guardShop(() => undefined)),
    close: async () => {
      await Promise.all([customers.close(), served.close()]);
    },
  };
}

/** The shop on each transport. */
async function serveAll(shop: ShopPolicy): Promise<Pick<Demo, 'ports' | 'close'>> {
  const apis = await Promise.all(
    transportNames.map(
      async (name): Promise<[Transport, Api]> => [name, await transports[name].serve(shop)],
    ),
  );
  return {
    // There is an API for each transport.
    ports: Object.fromEntries(apis.map(([name, { port }]) => [name, port])) as Demo['ports'],
    close: async () => {
      await Promise.all(apis.map(([, api]) => api.close()));
    },
  };
}

/** The provider has no TLS here, which is only ever right on loopback. */
function trust({ issuer }: IdentityProvider, audience: string): Surroundings['customers'] {
  return { issuer, audience, keys: discoverIssuer(issuer, { insecureLoopback: true }) };
}

/** Makes every call of every scenario, and says of each answer whether it was right. */
export async function playScenarios(
  demo: Demo,
  scenarios: readonly Scenario[],
): Promise<readonly Row[]> {
  const callers = transportNames.map((name) => {
    const { call, speaks } = transports[name];
    return { caller: call(demo.ports[name]), speaks };
  });
  try {
    const rows: Row[] = [];
    // One after the other: the limit is filled by one row and exceeded by the next.
    for (const scenario of scenarios) {
      const { name, expect } = scenario;
      const cells: Cell[] = [];
      for (const { caller, speaks } of callers) {
        cells.push(await play(scenario, caller, speaks, demo.tokens));
      }
      rows.push({ name, decision: expect === 'allowed' ? expect : expect.code, cells });
    }
    return rows;
  } finally {
    for (const { caller } of callers) caller.close();
  }
}

/** A client of the shop on each transport. */
export function callersOf(ports: Demo['ports']): readonly Caller[] {
  return transportNames.map((name) => transports[name].call(ports[name]));
}

/** The tokens and the origin that a call of a scenario comes with. */
export function headersOf(
  { tokens = [], origin }: Pick<Scenario, 'tokens' | 'origin'>,
  minted: Tokens,
): readonly (readonly [string, string])[] {
  return [
    ...tokens.map((name) => ['authorization', `Bearer ${minted[name]}`] as const),
    ...(origin === undefined ? [] : [['origin', origin] as const]),
  ];
}

async function play(
  scenario: Scenario,
  { call }: Caller,
  protocol: 'http' | 'graphql' | 'grpc',
  minted: Tokens,
): Promise<Cell> {
  const { operation, expect } = scenario;
  const answer = await call(operation, headersOf(scenario, minted));
  const { kind, code } = expect === 'allowed' ? { kind: expect, code: undefined } : expect;
  const hasReply = answer.text.includes('"message":"');
  const ok =
    answer.status === renderings[kind][protocol] &&
    answer.code === code &&
    (kind !== 'allowed' || hasReply) &&
    !answer.text.includes(INTERNAL);
  // The right code stands at the head of the row already.
  const told = answer.code === code ? undefined : answer.code;
  const text = told === undefined ? answer.status : `${answer.status} ${told}`;
  // Where a line has no room for it, the right code of GraphQL and gRPC is not repeated.
  return { text, ok, short: ok && protocol !== 'http' ? '' : text };
}
