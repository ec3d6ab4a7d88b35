import { once } from 'node:events';
import { startDemo } from './demo.ts';
import { CLIENT_SECRET, SHOP } from './provider.ts';

/** Keeps the demo up, prints how to call it, and stops when asked to (Ctrl-C). */
export async function serve(write: (text: string) => void): Promise<void> {
  const { ports, customers, tokens, close } = await startDemo();
  const url = (transport: keyof typeof ports): string => `http://127.0.0.1:${ports[transport]}`;
  const auth = '-H "Authorization: Bearer $TOKEN"';
  write(`
The shop is up on six transports. A token that may read orders, good for an hour:

TOKEN=${tokens.reader}

Express: open to everyone
  curl -i ${url('Express')}/health
Express: orders, without the token and with it
  curl -i ${url('Express')}/orders
  curl -i ${url('Express')}/orders ${auth}
Fastify: placing an order needs another scope
  curl -i -X POST ${url('Fastify')}/orders ${auth}
Hono: the script of a foreign web page
  curl -i ${url('Hono')}/orders ${auth} -H "Origin: https://evil.example"
fetch: an endpoint that the policy does not list
  curl -i ${url('fetch')}/debug ${auth}
Apollo: the same orders
  curl -i ${url('Apollo')}/ ${auth} --json '{"query":"{ orders { message } }"}'
gRPC: the same orders; needs grpcurl, which does not come with this project
  grpcurl -plaintext -import-path examples/demo/proto -proto shop.proto ${auth} 127.0.0.1:${ports.gRPC} shop.v1.Shop/Orders
The identity provider: a token for a manager, who may POST /refunds
  curl -s ${customers.issuer}/token -u backoffice:${CLIENT_SECRET} -d grant_type=client_credentials -d scope=orders:read -d resource=${SHOP}

Ctrl-C stops it.
`);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  await close();
}
