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
import { ORDERS, startProvider } from './provider.ts';

/** The provider, and an API that takes its tokens. */
export async function start() {
  const provider = await startProvider();
  const { issuer } = provider;
  const { server, origin, close } = await serve();
  const policy = guard<HttpFacts>()
    .use(
      authenticateJwt({
        issuer,
        audience: ORDERS,
        keys: discoverIssuer(issuer, { insecureLoopback: true }),
      }),
    )
    .use(requireScopes('orders:read'));
  const orders = protect(policy, (_request, { principal }) =>
    Response.json({ orders: ['one', 'two'], of: principal.subject }),
  );
  const answer = toNodeHandler({ base: '', origin, fetch: orders });
  server.on('request', (req, res) => void answer(req, res));
  return {
    issuer,
    resource: ORDERS,
    api: origin,
    close: () => {
      close();
      provider.close();
    },
  };
}
