// Calls a server of its own through safeFetch, with undici as the runtime resolves it: what it honours, it may be used
// for.
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import process from 'node:process';
import { isEgressError, safeFetch } from '../../../packages/egress/src/index.ts';

let calls = 0;
const server = createServer((_, response) => {
  calls += 1;
  response.end('inside');
}).listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;

/** The body, or the code that the call was denied with. */
async function outcome(options: Parameters<typeof safeFetch>[0], url: string): Promise<string> {
  const fetch = safeFetch({ ports: [port], ...options });
  try {
    return await (await fetch(url)).text();
  } catch (error) {
    return isEgressError(error) ? error.code : String(error);
  } finally {
    await fetch.close();
  }
}

const resolve = async (): Promise<string[]> => ['127.0.0.1'];
const named = `http://public.example:${port}/`;
const results = [
  await safeFetch()
    .selfTest()
    .then(
      () => 'honoured',
      (error: unknown) => (isEgressError(error) ? error.code : String(error)),
    ),
  await outcome({ resolve, allowedNetworks: ['127.0.0.1'] }, named),
  await outcome({ resolve }, named),
  await outcome({}, `http://127.0.0.1:${port}/`),
];
writeFileSync(process.argv[2] ?? '', JSON.stringify({ results, calls }));
process.exit(0);
