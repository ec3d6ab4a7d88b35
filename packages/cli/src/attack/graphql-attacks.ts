import { type Attack, isAdmitted, ownHeaders, type Target } from './attack.ts';
import { graphqlProbe } from './probe.ts';

const needsGraphql = ({ graphql }: Target): string | undefined =>
  graphql ? undefined : '--graphql';

export const GRAPHQL_ATTACKS: readonly Attack[] = [
  {
    id: 'graphql.introspection',
    owasp: 'API9:2023',
    title: 'Strangers may not read the schema',
    needs: needsGraphql,
    run: async ({ send, url }) => {
      const query = '{ __schema { types { name } } __type(name: "Query") { name } }';
      const asked = `${url.pathname}?query=${encodeURIComponent(query)}`;
      for (const probe of [graphqlProbe({ query }), { path: asked }]) {
        const { body } = await send(probe);
        // A large schema is not read to its end, so the answer is not parsed.
        if (/"__(?:schema|type)"\s*:\s*\{/.test(body)) return 'Introspection is answered.';
      }
      return undefined;
    },
  },
  {
    id: 'graphql.cost',
    owasp: 'API4:2023',
    title: 'Oversized documents and batches are denied',
    needs: needsGraphql,
    run: async (target) => {
      const own = ownHeaders(target);
      const query = `{ ${Array.from({ length: 2_000 }, (_, i) => `a${i}: __typename`).join(' ')} }`;
      if (isAdmitted(target, await target.send(graphqlProbe({ query }, own))))
        return '2,000 aliases are answered.';
      const batch = Array.from({ length: 200 }, () => ({ query: '{ __typename }' }));
      return isAdmitted(target, await target.send(graphqlProbe(batch, own)))
        ? 'A batch of 200 is answered.'
        : undefined;
    },
  },
];
