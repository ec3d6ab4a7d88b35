import { expectTypeOf, test } from 'vitest';
import type { RevocationStore } from '../src/contracts/revocation-store.ts';
import type { AuthenticatedFacts } from '../src/engine/facts.ts';
import { guard } from '../src/engine/guard.ts';
import type { NoFacts } from '../src/engine/outcome.ts';
import type { Policy, SyncPolicy } from '../src/engine/policy.ts';
import { memoryRevocationStore } from '../src/tokens/memory-revocation-store.ts';
import { requireNotRevoked } from '../src/tokens/require-not-revoked.ts';

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
