import { allowAuthenticated, crossOrigin, guard, when } from '@apisec/core';
import { authenticateSession, type Sessions } from '@apisec/oauth';
import { expectTypeOf, test } from 'vitest';

declare const sessions: Sessions;

test('a guard that reads the session cookie is not built without crossOrigin', () => {
  const account = guard().use(crossOrigin()).use(authenticateSession(sessions));
  expectTypeOf(account.use(allowAuthenticated()).role).toEqualTypeOf<'grant'>();
  // @ts-expect-error -- the fact `crossOrigin` is missing
  guard().use(authenticateSession(sessions));
  // @ts-expect-error -- in shadow mode it denies nothing, so it does not count
  guard().use(crossOrigin(), { mode: 'shadow' }).use(authenticateSession(sessions));
  const skippable = guard().use(when(() => true, crossOrigin()));
  // @ts-expect-error -- what may be skipped does not count
  skippable.use(authenticateSession(sessions));
});
