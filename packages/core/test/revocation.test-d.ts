import { expectTypeOf, test } from 'vitest';
import type { AuthenticatedFacts } from '../src/facts.ts';
import { guard } from '../src/guard.ts';
import type { NoFacts } from '../src/outcome.ts';
import { requireNotRevoked } from '../src/policies/require-not-revoked.ts';
import type { Policy, SyncPolicy } from '../src/policy.ts';
import { memoryRevocationStore } from '../src/stores/memory-revocation-store.ts';
import type { RevocationStore } from '../src/stores/revocation-store.ts';

test('on memory it answers at once, so it can guard a field', () => {
  expectTypeOf(requireNotRevoked({ store: memoryRevocationStore() })).toEqualTypeOf<
    SyncPolicy<AuthenticatedFacts, NoFacts, 'check'>
  >();
});

test('on a store elsewhere it does not', () => {
  const store = {} as RevocationStore;
  expectTypeOf(requireNotRevoked({ store })).toEqualTypeOf<
    Policy<AuthenticatedFacts, NoFacts, 'check'>
  >();
});

test('asking before authenticating does not compile', () => {
  // @ts-expect-error: nobody is authenticated yet
  guard().use(requireNotRevoked({ store: memoryRevocationStore() }));
});
