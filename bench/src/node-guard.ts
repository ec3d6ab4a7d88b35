import { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { Socket } from 'node:net';
import {
  allowAnonymous,
  cors,
  crossOrigin,
  guard,
  type HttpFacts,
  securityHeaders,
} from '@apisec/core';
import { isThenable } from '@apisec/core/host';
import { secure } from '@apisec/express';
import { nodePeer, nodeRequest } from '@apisec/node';
import helmet from 'helmet';
import { bench, do_not_optimize, group } from 'mitata';

const origin = 'https://app.example.com';
const policies = guard<HttpFacts>()
  .use(securityHeaders())
  .use(cors({ origins: [origin] }))
  .use(crossOrigin({ trustedOrigins: [origin] }))
  .use(allowAnonymous());

/** What a browser sends. */
const fields = Object.entries({
  Host: 'api.example.com',
  Connection: 'keep-alive',
  'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36',
  Accept: 'application/json',
  Authorization: `Bearer ${'x'.repeat(600)}`,
  Origin: origin,
  'Sec-Fetch-Site': 'same-site',
  'Sec-Fetch-Mode': 'cors',
  'Sec-Fetch-Dest': 'empty',
  Referer: 'https://app.example.com/orders',
  'Accept-Encoding': 'gzip, deflate, br',
  'Accept-Language': 'en-GB,en;q=0.9',
}).flat();

/** Sockets that are nobody's, with an address as a connected one has it. */
const socket = Object.defineProperty(new Socket(), 'remoteAddress', { value: '192.0.2.1' });

/** A request as Node's parser leaves it, with nothing computed yet. */
function incoming(): IncomingMessage {
  const message = new IncomingMessage(socket);
  message.method = 'GET';
  message.url = '/orders?page=2';
  message.rawHeaders = fields;
  // The getter of `headers` reads as many as the parser has counted.
  (message as unknown as Record<symbol, number>)[countOf(message)] = fields.length;
  return message;
}

function countOf(message: IncomingMessage): symbol {
  const found = Object.getOwnPropertySymbols(message).find(
    (each) => each.description === 'kHeadersCount',
  );
  if (found === undefined) throw new Error('This Node keeps its headers in another way.');
  return found;
}

function decide(message: IncomingMessage) {
  const decision = policies.check(nodeRequest(message), {
    call: { protocol: 'http', operation: 'GET /orders' },
    peer: nodePeer(message),
  });
  if (isThenable(decision) || !decision.allowed)
    throw new Error('Expected to be admitted at once.');
  return decision;
}

function webRequest(message: IncomingMessage): Request {
  const headers = new Headers();
  for (let at = 0; at < message.rawHeaders.length; at += 2) {
    headers.append(message.rawHeaders[at] as string, message.rawHeaders[at + 1] as string);
  }
  return new Request(`http://${message.headers.host}${message.url}`, { method: 'GET', headers });
}

const once = (run: (message: IncomingMessage) => unknown) =>
  function* () {
    yield {
      [0]: incoming,
      bench: (message: IncomingMessage) => do_not_optimize(run(message)),
    };
  };

group('four policies on one GET from a browser', () => {
  bench(
    "reading Node's own headers",
    once((message) => message.headers),
  );
  bench('the guard over the lazy view', once(decide));
  bench('building a web Request alone', once(webRequest));
  bench(
    'the guard over a web Request',
    once((message) =>
      policies.check(webRequest(message), {
        call: { protocol: 'http', operation: 'GET /orders' },
        peer: { address: undefined, id: undefined },
      }),
    ),
  );
});

type Middleware = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

/** A middleware on a fresh response; what it writes goes to nobody. */
const mounted = (middleware: Middleware) =>
  once((message) => {
    const response = new ServerResponse(message);
    middleware(message, response, () => response.writeHead(200));
    return response;
  });

// Outside Express: neither looks at more of a request than Node gives.
const secureMiddleware = secure(policies) as unknown as Middleware;
const helmetMiddleware: Middleware = helmet();
// It comes without types.
const corsMiddleware = (createRequire(import.meta.url)('cors') as (options: object) => Middleware)({
  origin: [origin],
});

group('decided and its headers written', () => {
  bench(
    'an empty middleware',
    mounted((_request, _response, next) => next()),
  );
  bench('secure() with four policies', mounted(secureMiddleware));
  bench(
    'helmet and cors',
    mounted((request, response, next) => {
      helmetMiddleware(request, response, () => corsMiddleware(request, response, next));
    }),
  );
});
