import {
  type Admission,
  allowAnonymous,
  cors,
  coverage,
  guard,
  type HttpFacts,
  peerOf,
  rateLimit,
  securityHeaders,
  tokenBucket,
  when,
} from '@apisec/core';
import { isThenable } from '@apisec/core/host';
import { PLENTY } from './policy.ts';

/** What should cost the same however much there is of it. */
interface Growth {
  readonly sizes: readonly number[];
  /** Answers what decides one call; `index` counts the calls. */
  readonly prepare: (size: number) => (index: number) => void;
}

type Deciding = Pick<Admission<HttpFacts, object>, 'check'>;

const request = {
  method: 'GET',
  url: '/orders/42',
  headers: new Headers({ origin: 'https://app.example.com' }),
};
const peer = peerOf('192.0.2.1');

/** Three policies that have something to do on each call. */
const three = () =>
  guard<HttpFacts>()
    .use(securityHeaders())
    .use(cors({ origins: ['https://app.example.com'] }))
    .use(allowAnonymous());

export const GROWTH = {
  policies: {
    sizes: [3, 30],
    // Three run; the others are there for calls of another kind.
    prepare: (size) => {
      let api = three();
      for (let at = 3; at < size; at++) api = api.use(when(isPost, securityHeaders()));
      const facts: HttpFacts = { call: { protocol: 'http', operation: 'GET /' }, peer };
      return () => decide(api, facts);
    },
  },
  operations: {
    sizes: [10, 10_000],
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
    sizes: [10, 100_000],
    prepare: (size) => {
      const limit = tokenBucket({ capacity: PLENTY, refillPerSecond: PLENTY });
      const api = three().use(rateLimit<HttpFacts>({ limit, by: (facts) => facts.peer.id }));
      const call = { protocol: 'http', operation: 'GET /' } as const;
      const calls = Array.from({ length: size }, (_, at): HttpFacts => {
        const address = `10.${(at >> 16) & 255}.${(at >> 8) & 255}.${at & 255}`;
        return { call, peer: peerOf(address) };
      });
      return (index) => decide(api, calls[index % size] as HttpFacts);
    },
  },
} as const satisfies Readonly<Record<string, Growth>>;

export type GrowthGroup = keyof typeof GROWTH;

export function isGrowthGroup(name: string): name is GrowthGroup {
  return Object.hasOwn(GROWTH, name);
}

const isPost = ({ method }: { readonly method: string }): boolean => method === 'POST';

function decide(admission: Deciding, facts: HttpFacts): void {
  const decision = admission.check(request, facts);
  if (isThenable(decision) || !decision.allowed) {
    throw new Error('Expected to be admitted at once.');
  }
}
