import {
  authenticateJwt,
  discoverIssuer,
  guard,
  type HttpFacts,
  protect,
  requireScopes,
} from '@apisec/core';
import { toNodeHandler } from '@apisec/oauth';
import { serve } from 'apisec-example-identity-provider';
import { API } from './provider.ts';

/** The API behind: it takes access tokens, and knows of no browser. */
export async function startApi(issuer: string) {
  const { server, origin, close } = await serve();
  const policy = guard<HttpFacts>()
    .use(
      authenticateJwt({
        issuer,
        audience: API,
        keys: discoverIssuer(issuer, { insecureLoopback: true }),
      }),
    )
    .use(requireScopes('orders:read'));
  const orders = protect(policy, (_request, { principal }) =>
    Response.json({ orders: ['one', 'two'], of: principal.subject }),
  );
  const answer = toNodeHandler({ base: '', origin, fetch: orders });
  server.on('request', (req, res) => void answer(req, res));
  return { origin, close };
}
