import { allowAuthenticated, crossOrigin, guard } from '@apisec/core';
import { authenticateSession, memorySessionStore, sessions } from '@apisec/oauth';
import { sealingKeys } from './sealing-keys.ts';

/** As in the guide to logging in, for users who are signed in already. */
export const browser = sessions({ store: memorySessionStore(), keys: sealingKeys });
export const account = guard()
  .use(crossOrigin({ self: 'https://shop.example.com' }))
  .use(authenticateSession(browser, { loginPath: '/auth/login' }))
  .use(allowAuthenticated());
