import { once } from 'node:events';
import { createServer } from 'node:https';
import { apiKeys, factsOf, memoryApiKeyStore } from '@apisec/core';
import { secure } from '@apisec/express';
import express from 'express';
import type { Authority } from './certificates.ts';
import { createPolicy } from './policy.ts';
import { API, type AuthorizationServer, listen, OPAQUE_API } from './provider.ts';

/** The API, over TLS on loopback. */
export interface Api {
  readonly origin: string;
  readonly issueKey: () => Promise<string>;
  readonly close: () => Promise<void>;
}

export async function startApi(
  { issuer, clientSecret }: Pick<AuthorizationServer, 'issuer' | 'clientSecret'>,
  authority: Authority,
): Promise<Api> {
  const app = express();
  const server = createServer(
    // Callers without a certificate are welcome: whose token is bound to one must show it.
    { ...authority.server, ca: authority.ca, requestCert: true, rejectUnauthorized: false },
    app,
  );
  const origin = `https://127.0.0.1:${await listen(server)}`;
  const keys = apiKeys({
    prefix: 'shop',
    environment: 'live',
    store: memoryApiKeyStore(),
    peppers: { current: 'v1', keys: { v1: crypto.getRandomValues(new Uint8Array(32)) } },
  });
  const { orders, payout } = createPolicy({
    issuer,
    clientSecret,
    audience: API,
    opaqueAudience: OPAQUE_API,
    publicOrigin: origin,
    apiKeys: keys,
  });
  app.get('/orders', secure(orders), (req, res) => {
    const { principal, authentication } = factsOf(req, orders);
    res.json({ for: principal.subject, by: authentication.method });
  });
  app.post('/payouts', secure(payout), (_req, res) => {
    res.json({ paid: true });
  });
  return {
    origin,
    issueKey: async () => {
      const issued = await keys.issue({
        name: 'partner',
        owner: { type: 'organisation', id: 'partner' },
        scopes: ['orders:read'],
      });
      if (!issued.ok) throw new Error('The key was not issued.');
      return issued.key;
    },
    close: async () => {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}
