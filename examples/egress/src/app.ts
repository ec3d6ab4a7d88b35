import { createServer, type Server } from 'node:http';
import { httpDenial } from '@apisec/core/host';
import { isEgressError } from '@apisec/egress';

/** Answers the title of any page; `fetch` decides where that may lead. */
export function createApp(fetch: (url: string) => Promise<Response>): Server {
  return createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://preview.local');
    const url = searchParams.get('url');
    if (pathname !== '/preview' || url === null) {
      response.writeHead(404).end();
      return;
    }
    const answer = async (): Promise<void> => {
      const page = await (await fetch(url)).text();
      const [, title = ''] = /<title>([^<]{0,200})/i.exec(page) ?? [];
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ title }));
    };
    answer().catch((error: unknown) => {
      if (!isEgressError(error)) {
        response.writeHead(500).end();
        return;
      }
      // Says what the caller did wrong, and nothing of the network.
      const { status, headers, body } = httpDenial(error.denial);
      response.writeHead(status, Object.fromEntries(headers)).end(body);
    });
  });
}
