import {
  type Admission,
  allowAnonymous,
  allowAuthenticated,
  apiKeys,
  authenticateApiKey,
  authenticateJwt,
  cors,
  coverage,
  guard,
  type HttpFacts,
  memoryApiKeyStore,
  memoryLimitStore,
  type PrincipalFacts,
  peerOf,
  rateLimit,
  requirePermission,
  roleModel,
  securityHeaders,
  tokenBucket,
  when,
} from '@apisec/core';
import { isThenable } from '@apisec/core/host';
import { testIssuer } from '@apisec/core/testing';
import { PLENTY } from './orders-guard.ts';

/** What should cost the same however much there is of it. */
interface Growth {
  readonly sizes: readonly number[];
  /** Answers what decides one call; `index` counts the calls, and comes to each of what there is so many of. */
  readonly prepare: (size: number) => Decide | Promise<Decide>;
}

type Decide = (index: number) => void;
type Deciding = Pick<Admission<HttpFacts, object>, 'check'>;

const request = {
  method: 'GET',
  url: '/orders/42',
  headers: new Headers({ origin: 'https://app.example.com' }),
};
const peer = peerOf('192.0.2.1');
const facts: HttpFacts = { call: { protocol: 'http', operation: 'GET /' }, peer };

/** Three policies that have something to do on each call. */
const three = () =>
  guard<HttpFacts>()
    .use(securityHeaders())
    .use(cors({ origins: ['https://app.example.com'] }))
    .use(allowAnonymous());

export const GROWTH = {
  policies: {
    sizes: [3, 10, 30, 100],
    // Three run; the others are there for calls of another kind.
    prepare: (size) => {
      let api = three();
      for (let at = 3; at < size; at++) api = api.use(when(isPost, securityHeaders()));
      return () => decide(api, facts);
    },
  },
  operations: {
    sizes: [10, 100, 1_000, 10_000],
    prepare: (size) => {
      const api = three();
      const names = Array.from({ length: size }, (_, at) => `GET /resources-${at}/:id`);
      const table = coverage<HttpFacts>(Object.fromEntries(names.map((name) => [name, api])));
      const calls = names.map(
        (operation): HttpFacts => ({ call: { protocol: 'http', operation }, peer }),
      );
      return (index) => decide(table, calls[index % size] as HttpFacts);
    },
  },
  callers: {
    sizes: [10, 1_000, 100_000, 10_000_000],
    prepare: (size) => {
      const limit = tokenBucket({ capacity: PLENTY, refillPerSecond: PLENTY });
      const store = memoryLimitStore({ capacity: size });
      let caller = 0;
      const by = () => `caller-${caller}`;
      const api = three().use(rateLimit<HttpFacts>({ name: 'all', limit, store, by }));
      const decideFor = (index: number): void => {
        // Not one after the other: neighbours would stand in the same line of the processor's cache.
        caller = (index * 7_919) % size;
        decide(api, facts);
      };
      // Each of them has called before.
      for (caller = 0; caller < size; caller++) decide(api, facts);
      return decideFor;
    },
  },
  roles: {
    sizes: [10, 100, 1_000, 10_000],
    prepare: (size) => {
      const names = Array.from({ length: size }, (_, at) => `r${at}`);
      const model = roleModel({
        permissions: names.map((name) => `${name}:read`),
        roles: Object.fromEntries(names.map((name) => [name, { grants: [`${name}:read`] }])),
      });
      const last = `r${size - 1}`;
      const api = guard<HttpFacts & PrincipalFacts>().use(requirePermission(model, `${last}:read`));
      const known = {
        ...facts,
        principal: {
          id: 'https://id.example.com|alice',
          subject: 'alice',
          issuer: 'https://id.example.com',
          scopes: new Set<string>(),
          roles: new Set([last]),
        },
      };
      return () => decide(api, known);
    },
  },
  keys: {
    sizes: [1, 10, 100, 1_000],
    prepare: async (size) => {
      const keys = apiKeys({
        prefix: 'acme',
        environment: 'live',
        store: memoryApiKeyStore(),
        // Nothing is asked for again while it is measured.
        maxRevocationDelay: '1h',
        peppers: { current: 'v1', keys: { v1: crypto.getRandomValues(new Uint8Array(32)) } },
      });
      const issued = await Promise.all(
        Array.from({ length: size }, (_, at) =>
          keys.issue({ name: `key ${at}`, owner: { type: 'user', id: `u${at}` } }),
        ),
      );
      const texts = issued.map((each) => (each.ok ? each.key : ''));
      const api = guard<HttpFacts>().use(authenticateApiKey({ keys })).use(allowAuthenticated());
      return decideByHeader(api, 'x-api-key', texts);
    },
  },
  issuers: {
    sizes: [1, 10, 100, 1_000],
    prepare: async (size) => {
      const issuers = Array.from({ length: size }, (_, at) =>
        testIssuer({ issuer: `https://id-${at}.example.com` }),
      );
      const api = guard<HttpFacts>()
        .use(authenticateJwt({ issuers: issuers.map(({ trust }) => trust) }))
        .use(allowAuthenticated());
      const tokens = await Promise.all(issuers.map((each) => each.token({})));
      return decideByHeader(
        api,
        'authorization',
        tokens.map((token) => `Bearer ${token}`),
      );
    },
  },
} as const satisfies Readonly<Record<string, Growth>>;

export type GrowthGroup = keyof typeof GROWTH;

export function isGrowthGroup(name: string): name is GrowthGroup {
  return Object.hasOwn(GROWTH, name);
}

const isPost = ({ method }: { readonly method: string }): boolean => method === 'POST';

/** Calls with these credentials in turn, each of which has come once before. */
async function decideByHeader(
  admission: Deciding,
  header: string,
  credentials: readonly string[],
): Promise<Decide> {
  const requests = credentials.map((text) => ({
    ...request,
    headers: new Headers({ [header]: text }),
  }));
  for (const each of requests) await admission.check(each, facts);
  return (index: number) => decide(admission, facts, requests[index % requests.length]);
}

function decide<Facts extends HttpFacts>(
  admission: Pick<Admission<Facts, object>, 'check'>,
  known: Facts,
  call: typeof request = request,
): void {
  const decision = admission.check(call, known);
  if (isThenable(decision) || !decision.allowed) {
    throw new Error('Expected to be admitted at once.');
  }
}
