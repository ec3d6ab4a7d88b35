import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { serve } from '@hono/node-server';

// Stands in for a runtime that serves `export default { fetch }`.
const [, , file = '', port] = process.argv;
const block = (await import(pathToFileURL(resolve(file)).href)) as {
  readonly default: { readonly fetch: (request: Request) => Response | Promise<Response> };
};
serve({ fetch: (request) => block.default.fetch(request), port: Number(port) });
