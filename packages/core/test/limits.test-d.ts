import {
  type AuthenticatedFacts,
  anyOf,
  type CallFacts,
  concurrencyLimit,
  guard,
  type LimitStore,
  memoryLimitStore,
  type NoFacts,
  type Policy,
  rateLimit,
  type SyncPolicy,
  tokenBucket,
  when,
} from '@apisec/core';
import { expectTypeOf, test } from 'vitest';

declare function authenticate(): Policy<NoFacts, AuthenticatedFacts, 'check'>;
declare const remote: LimitStore;

const limit = tokenBucket({ capacity: 10, refillPerSecond: 1 });
const base = guard().use(authenticate());

test('who is counted is typed by the facts so far', () => {
  base.use(rateLimit({ limit, by: (facts) => facts.principal.id }));
  base.use(rateLimit({ limit, by: (facts) => [facts.principal.id, facts.call.operation] }));
  base.use(rateLimit({ limit, name: 'a', store: remote, by: (facts) => facts.principal.id }));
  guard().use(rateLimit({ limit, by: (facts) => facts.peer.id }));
  guard().use(rateLimit({ limit, by: 'everyone' }));
  // @ts-expect-error before authentication there is no principal
  guard().use(rateLimit({ limit, by: (facts) => facts.principal.id }));
});

test('limits, costs and reconciling are typed by the facts so far', () => {
  base.use(
    rateLimit({
      limit: (facts) => (facts.principal.roles.has('admin') ? 'unlimited' : limit),
      by: (facts) => facts.principal.id,
      cost: (request, facts) => request.url.length + facts.principal.scopes.size,
      reconcile: (completion, cost) => (completion.outcome === 'failed' ? 0 : cost),
    }),
  );
  base.use(
    rateLimit({
      limits: [
        { name: 'user', limit, by: (facts) => facts.principal.id },
        { name: 'peer', limit: () => limit, by: (facts) => facts.peer.id },
        { name: 'all', limit, by: 'everyone' },
      ],
    }),
  );
});

test('they are typed inside combinators too', () => {
  base.use(when(() => true, rateLimit({ limit, by: (facts) => facts.principal.id })));
  base.use(
    anyOf(
      rateLimit({ limit, by: (facts) => facts.principal.id }),
      rateLimit({ limit, by: (facts) => facts.peer.id }),
    ),
  );
});

test('who is counted must be said, and one limit is not several', () => {
  // @ts-expect-error by is missing
  rateLimit({ limit });
  // @ts-expect-error each of several needs a name
  rateLimit({ limits: [{ limit, by: 'everyone' }] });
  // @ts-expect-error one or several
  rateLimit({ limit, by: 'everyone', limits: [] });
});

test('on a store that answers at once a GraphQL field can be limited', () => {
  const fields = (_: Record<string, SyncPolicy<CallFacts, object, 'check' | 'grant'>>) => 0;
  fields({ 'User.email': rateLimit({ limit, by: 'everyone' }) });
  fields({ 'User.email': rateLimit({ limit, by: 'everyone', store: memoryLimitStore() }) });
  // @ts-expect-error the store may need a promise
  fields({ 'User.email': rateLimit({ limit, by: 'everyone', store: remote }) });
  expectTypeOf(rateLimit({ limit, by: 'everyone' }).role).toEqualTypeOf<'check'>();
});

test('limits on running calls are typed the same way', () => {
  base.use(concurrencyLimit({ limit: 3, by: (facts) => facts.principal.id }));
  base.use(
    concurrencyLimit({
      limit: (facts) => (facts.principal.roles.has('admin') ? 'unlimited' : 3),
      by: (facts) => facts.principal.id,
    }),
  );
  // @ts-expect-error before authentication there is no principal
  guard().use(concurrencyLimit({ limit: 3, by: (facts) => facts.principal.id }));
  const field: SyncPolicy<CallFacts, object, 'check'> = concurrencyLimit({
    limit: 3,
    by: 'everyone',
  });
  expectTypeOf(field.role).toEqualTypeOf<'check'>();
});
