// One of several processes of the backend. What they share comes from outside: store, key of cookies, origin.

import type { Duration } from '@apisec/core';
import { serve } from 'apisec-example-identity-provider';
import { mountBackend } from './backend.ts';
import { openStores } from './stores.ts';

const { FRAMEWORK, STORE_URL, COOKIE_KEY, ORIGIN, ISSUER, CLIENT_SECRET, API_ORIGIN, TIMEOUT } =
  process.env;
// What cannot be read as one is denied where it is used.
const timeout = TIMEOUT as Duration | undefined;
const { server, origin } = await serve();
await mountBackend(FRAMEWORK ?? '', server, {
  origin: ORIGIN ?? '',
  issuer: ISSUER ?? '',
  clientSecret: CLIENT_SECRET ?? '',
  api: API_ORIGIN ?? '',
  cookieKey: Buffer.from(COOKIE_KEY ?? '', 'base64url'),
  stores: await openStores(STORE_URL, timeout),
  timeout,
});
console.log(`listening on ${origin}`);
