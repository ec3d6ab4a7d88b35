import { once } from 'node:events';
import { startDemo } from './demo.ts';
import { CLIENT_SECRET, SHOP } from './provider.ts';

/** Keeps the demo up, prints how to call it, and stops when asked to (Ctrl-C). */
export async function serve(write: (text: string) => void): Promise<void> {
  const { ports, customers, tokens, close } = await startDemo();
  const stopped = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  write(`
The shop is up. This token may read orders, and nothing else, for an hour:

TOKEN=${tokens.reader}

Health is open, orders need the token, and placing one is refused (403 scope.insufficient):

curl -i http://127.0.0.1:${ports.Express}/health
curl -i http://127.0.0.1:${ports.Express}/orders
curl -i http://127.0.0.1:${ports.Express}/orders -H "Authorization: Bearer $TOKEN"
curl -i http://127.0.0.1:${ports.Fastify}/orders -H "Authorization: Bearer $TOKEN" -X POST
curl -i http://127.0.0.1:${ports.Hono}/orders -H "Authorization: Bearer $TOKEN" -H "Origin: https://evil.example"
curl -i http://127.0.0.1:${ports.fetch}/debug -H "Authorization: Bearer $TOKEN"

The same on GraphQL and gRPC (grpcurl is not part of this project):

curl -i http://127.0.0.1:${ports.Apollo}/ -H "Authorization: Bearer $TOKEN" --json '{"query":"{ orders { message } }"}'
grpcurl -plaintext -import-path examples/demo/proto -proto shop.proto -H "Authorization: Bearer $TOKEN" 127.0.0.1:${ports.gRPC} shop.v1.Shop/Orders

Another token, for a manager:

curl -s ${customers.issuer}/token -u backoffice:${CLIENT_SECRET} -d grant_type=client_credentials -d scope=orders:read -d resource=${SHOP}

Ctrl-C stops it.
`);
  await stopped;
  await close();
}
