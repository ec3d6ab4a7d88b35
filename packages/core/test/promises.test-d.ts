import {
  type Admission,
  type AuthenticatedFacts,
  allOf,
  anyOf,
  type CallFacts,
  coverage,
  type Decision,
  definePolicy,
  type FactsOf,
  factsOf,
  fetchBodies,
  guard,
  guardMessages,
  type HttpFacts,
  type MessageFacts,
  memoryTenantStore,
  type NoFacts,
  type Outcome,
  optional,
  type Policy,
  type Principal,
  pass,
  protect,
  type RawBodyFacts,
  requireTenant,
  resolveTenant,
  type SyncPolicy,
  tenantFrom,
  when,
} from '@apisec/core';
import { expectTypeOf, test } from 'vitest';

// The shapes of real factories, cut down to their signatures.
declare function authenticate(): Policy<NoFacts, AuthenticatedFacts, 'check'>;
declare function requireScopes(
  ...scopes: string[]
): SyncPolicy<{ principal: Principal }, NoFacts, 'grant'>;
declare function allowAnonymous(): SyncPolicy<NoFacts, NoFacts, 'grant'>;
declare function limit<Needs extends object>(options: {
  by: (facts: Readonly<Needs>) => string;
}): Policy<Needs, { limits: number }, 'check'>;
declare function verifySignature(): Policy<RawBodyFacts, NoFacts, 'grant'>;

const base = guard<HttpFacts>().use(authenticate());
const orders = base.use(requireScopes('orders:read'));

test('authorising before authenticating does not compile', () => {
  // @ts-expect-error Property 'principal' is missing
  guard().use(requireScopes('orders:read'));
  expectTypeOf(orders.role).toEqualTypeOf<'grant'>();
});

test('a guard of checks alone cannot be mounted', () => {
  // @ts-expect-error Type '"check"' is not assignable to type '"grant"'
  protect(base, () => new Response());
  // @ts-expect-error the same in a coverage table
  coverage({ 'GET /orders': base });
  protect(orders, () => new Response());
  coverage({ 'GET /orders': orders });
});

test('a grant that may be skipped admits nobody', () => {
  const sometimes = base.use(when(() => true, requireScopes('orders:read')));
  expectTypeOf(sometimes.role).toEqualTypeOf<'check'>();
});

test('what is optional may be missing, and grants nothing', () => {
  const either = guard<HttpFacts>().use(optional(authenticate()));
  // @ts-expect-error 'principal' is possibly undefined
  either.use(limit({ by: (facts) => facts.principal.id }));
  either.use(limit({ by: ({ principal, peer }) => principal?.id ?? peer.id ?? 'unknown' }));
  // @ts-expect-error A scope needs a principal that is there
  either.use(requireScopes('orders:read'));
  expectTypeOf(either.role).toEqualTypeOf<'check'>();
});

test('anyOf grants only if every part does, allOf if one does', () => {
  const check = definePolicy({ name: 'office', role: 'check', check: () => pass() });
  expectTypeOf(anyOf(requireScopes('a'), check).role).toEqualTypeOf<'check'>();
  expectTypeOf(anyOf(requireScopes('a'), requireScopes('b')).role).toEqualTypeOf<'grant'>();
  expectTypeOf(allOf(requireScopes('a'), check).role).toEqualTypeOf<'grant'>();
});

test('shadow mode grants nothing and adds nothing', () => {
  const shadow = guard().use(authenticate(), { mode: 'shadow' });
  // @ts-expect-error its facts are not there
  shadow.use(requireScopes('a'));
  expectTypeOf(base.use(requireScopes('a'), { mode: 'shadow' }).role).toEqualTypeOf<'check'>();
});

test('a policy that needs rawBody cannot be mounted where the adapter cannot supply it', () => {
  const signed = guard<HttpFacts & RawBodyFacts>().use(verifySignature());
  // @ts-expect-error Property 'rawBody' is missing
  protect(signed, () => new Response());
  // @ts-expect-error nor where it may be supplied
  protect(signed, () => new Response(), { bodies: fetchBodies({ raw: true as boolean }) });
  protect(signed, () => new Response(), { bodies: fetchBodies({ raw: true }) });
  protect(orders, () => new Response(), { bodies: fetchBodies({ raw: true }) });
  // @ts-expect-error the fact is not there
  guard<HttpFacts>().use(verifySignature());
});

test('an async policy cannot guard a GraphQL field', () => {
  const fields = (_: Record<string, SyncPolicy<AuthenticatedFacts, object, 'check' | 'grant'>>) =>
    0;
  const slow = definePolicy({ name: 'slow', role: 'check', check: async () => pass() });
  fields({ 'User.email': requireScopes('pii:read') });
  // @ts-expect-error Promise is not assignable to Outcome
  fields({ 'User.email': slow });
});

test('decision.facts does not exist on a denial', () => {
  const decision = null as unknown as Decision<CallFacts>;
  // @ts-expect-error not before allowed is known
  decision.facts;
  if (!decision.allowed) {
    // @ts-expect-error never on a denial
    decision.facts;
  }
  if (decision.allowed) expectTypeOf(decision.facts).toEqualTypeOf<Readonly<CallFacts>>();
});

test('a fact added twice does not compile', () => {
  // @ts-expect-error 'this fact is already there'
  base.use(authenticate());
});

test('callbacks are typed by the facts so far', () => {
  const limited = base.use(
    limit({
      by: (facts) => {
        expectTypeOf(facts.principal.id).toEqualTypeOf<string>();
        return facts.principal.id;
      },
    }),
  );
  expectTypeOf<FactsOf<typeof limited>['limits']>().toEqualTypeOf<number>();
  // @ts-expect-error before authentication there is no principal
  guard().use(limit({ by: (facts) => facts.principal.id }));
});

test('callbacks are typed inside combinators too', () => {
  base.use(when((_request, facts) => facts.principal.roles.has('x'), requireScopes('a')));
  base.use(when(() => true, limit({ by: (facts) => facts.principal.id })));
  base.use(anyOf(requireScopes('a'), limit({ by: (facts) => facts.principal.id })));
  base.use(allOf(requireScopes('a'), limit({ by: (facts) => facts.principal.id })));
});

test('handlers read facts through the guard', () => {
  const request = new Request('http://localhost');
  expectTypeOf(factsOf(request, orders).principal).toEqualTypeOf<Principal>();
  const open = guard().use(allowAnonymous());
  // @ts-expect-error an anonymous guard has no principal
  factsOf(request, open).principal;
});

test('a guard on the facts of every adapter mounts on each', () => {
  const shared = guard().use(allowAnonymous());
  const mount = (_: Admission<HttpFacts, object>) => 0;
  mount(shared);
});

test('the decision of a sync policy needs no promise', () => {
  const sync = definePolicy({ name: 'office', role: 'check', check: () => pass() });
  expectTypeOf(sync.check).returns.toEqualTypeOf<Outcome<NoFacts>>();
});

test('a guard after anyOf has the facts of one of its parts', () => {
  const key = null as unknown as Policy<NoFacts, AuthenticatedFacts, 'check'>;
  const either = guard().use(anyOf(authenticate(), key)).use(requireScopes('a'));
  expectTypeOf<FactsOf<typeof either>['principal']>().toEqualTypeOf<Principal>();
  const both = guard().use(
    allOf(authenticate(), limit({ by: (facts: CallFacts) => facts.call.operation })),
  );
  expectTypeOf<FactsOf<typeof both>['limits']>().toEqualTypeOf<number>();
  expectTypeOf<FactsOf<typeof both>['principal']>().toEqualTypeOf<Principal>();
});

test('an alternative of sync policies can guard a GraphQL field', () => {
  const fields = (_: Record<string, SyncPolicy<AuthenticatedFacts, object, 'check' | 'grant'>>) =>
    0;
  fields({ 'User.email': anyOf(requireScopes('pii:read'), requireScopes('admin')) });
  // @ts-expect-error one of them may need a promise
  fields({ 'User.email': anyOf(requireScopes('pii:read'), limit({ by: () => 'x' })) });
});

test('a coverage table knows the facts that all its guards know', () => {
  const limited = base.use(limit({ by: () => 'x' })).use(requireScopes('a'));
  const table = coverage({ 'Query.orders': orders, 'Query.invoices': limited });
  expectTypeOf<FactsOf<typeof table>['principal']>().toEqualTypeOf<Principal>();
  // @ts-expect-error only one of them
  expectTypeOf<FactsOf<typeof table>['limits']>().toEqualTypeOf<number>();
  const open = coverage({ 'Query.orders': orders, 'Query.status': guard().use(allowAnonymous()) });
  // @ts-expect-error nobody was asked for
  expectTypeOf<FactsOf<typeof open>['principal']>().toEqualTypeOf<Principal>();
});

test('a policy written in place needs no type arguments', () => {
  const inPlace = guard()
    .use({
      name: 'closed',
      role: 'check',
      check: () => ({ ok: false, denial: { kind: 'forbidden', code: 'a.b' } }),
    })
    .use({ name: 'open', role: 'grant', check: () => pass() });
  expectTypeOf(inPlace.role).toEqualTypeOf<'grant'>();
  expectTypeOf<FactsOf<typeof inPlace>['call']>().toEqualTypeOf<CallFacts['call']>();
});

test('whether a tenant is active is asked behind who names it', () => {
  const known = requireTenant({ store: memoryTenantStore() });
  // @ts-expect-error Property 'tenant' is missing
  base.use(known);
  const inTenant = base.use(resolveTenant({ from: [tenantFrom.principal()] })).use(known);
  type Facts = FactsOf<typeof inTenant>;
  expectTypeOf<Facts['tenant']>().toEqualTypeOf<string>();
  expectTypeOf<Facts['tenantRecord']['status']>().toEqualTypeOf<
    'active' | 'suspended' | 'closed'
  >();
  // @ts-expect-error Nobody was authenticated, so no credential names a tenant
  guard().use(resolveTenant({ from: [tenantFrom.principal()] }));
  // Every source says what it reads, and the policy needs all of it.
  const { check } = resolveTenant({ from: [tenantFrom.claim('org'), tenantFrom.path('tenant')] });
  expectTypeOf<Parameters<typeof check>[1]>().toExtend<Readonly<AuthenticatedFacts & CallFacts>>();
});

test('a guard of messages needs what is known of the call, and its facts are typed by message', () => {
  const signed = guard<AuthenticatedFacts & CallFacts & MessageFacts>()
    .use(definePolicy({ name: 'load', role: 'check', check: () => pass({ order: { id: 7 } }) }))
    .use(requireScopes('orders:read'));
  // @ts-expect-error Property 'principal' is missing
  guard().use(guardMessages(signed));
  const known = guard().use(authenticate()).use(guardMessages(signed));
  // It may never be asked, so it grants nothing.
  expectTypeOf(known.role).toEqualTypeOf<'check'>();
  const facts = {} as FactsOf<typeof known>;
  expectTypeOf(facts.messages.only().order.id).toEqualTypeOf<number>();
  // @ts-expect-error a guard of checks alone admits no message
  guardMessages(guard<CallFacts & MessageFacts>());
});
