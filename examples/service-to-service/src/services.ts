import {
  authenticateJwt,
  discoverIssuer,
  guard,
  type HttpFacts,
  protect,
  requireDpop,
  requireScopes,
} from '@apisec/core';
import { oauthClient, toNodeHandler } from '@apisec/oauth';
import { serve } from 'apisec-example-identity-provider';
import { BILLS, ORDERS } from './provider.ts';

/** `bills` takes tokens of users and of services alike, and those that are bound to a key with a proof alone. */
export async function startBills(issuer: string) {
  const { server, origin, close } = await serve();
  const policy = guard<HttpFacts>()
    .use(
      authenticateJwt({
        issuer,
        audience: BILLS,
        keys: discoverIssuer(issuer, { insecureLoopback: true }),
        schemes: ['Bearer', 'DPoP'],
      }),
    )
    .use(requireDpop({ publicOrigin: origin }))
    .use(requireScopes('bills:read'));
  const bills = protect(policy, (_request, { principal, authentication }) =>
    Response.json({ of: principal.subject, by: authentication.claims['act'] ?? 'itself' }),
  );
  const answer = toNodeHandler({ base: '', origin, fetch: bills });
  server.on('request', (req, res) => void answer(req, res));
  return { origin, close };
}

/** `orders` answers users, and asks `bills` on their behalf. */
export async function startOrders(issuer: string, clientSecret: string, bills: string) {
  const { server, origin, close } = await serve();
  const client = oauthClient({
    issuer,
    clientId: 'orders',
    authentication: { method: 'client_secret_basic', clientSecret },
    insecureLoopback: true,
  });
  const policy = guard<HttpFacts>()
    .use(
      authenticateJwt({
        issuer,
        audience: ORDERS,
        keys: discoverIssuer(issuer, { insecureLoopback: true }),
      }),
    )
    .use(requireScopes('orders:read'));
  const orders = protect(policy, async (request) => {
    const subjectToken = request.headers.get('authorization')?.slice('Bearer '.length) ?? '';
    const exchanged = await client.exchangeToken({
      subjectToken,
      resource: [BILLS],
      scope: ['bills:read'],
    });
    if (!exchanged.ok) return Response.json({ code: exchanged.denial.code }, { status: 502 });
    const headers = { authorization: `Bearer ${exchanged.accessToken}` };
    return fetch(`${bills}/bills`, { headers });
  });
  const answer = toNodeHandler({ base: '', origin, fetch: orders });
  server.on('request', (req, res) => void answer(req, res));
  return { origin, client, close };
}
