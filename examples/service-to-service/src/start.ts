import { oauthClient, tokenSource } from '@apisec/oauth';
import { BILLS, startProvider } from './provider.ts';
import { startBills, startOrders } from './services.ts';

/** Authorization server, both services, and the job that calls one of them for itself. */
export async function start() {
  const provider = await startProvider();
  const bills = await startBills(provider.issuer);
  const orders = await startOrders(provider.issuer, provider.secrets.orders, bills.origin);
  const nightly = tokenSource(
    oauthClient({
      issuer: provider.issuer,
      clientId: 'nightly',
      authentication: { method: 'client_secret_basic', clientSecret: provider.secrets.nightly },
      scope: ['bills:read'],
      resource: [BILLS],
      dpop: true,
      insecureLoopback: true,
    }),
    { origins: [bills.origin] },
  );
  return {
    issuer: provider.issuer,
    tokenOf: provider.tokenOf,
    orders: `${orders.origin}/orders`,
    bills: `${bills.origin}/bills`,
    /** The client by which `orders` exchanges tokens. */
    client: orders.client,
    nightly,
    close: () => {
      for (const each of [orders, bills, provider]) each.close();
    },
  };
}
