import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A real HTTP server on this machine whose answers a test can change. */
export interface KeyServer extends AsyncDisposable {
  readonly origin: string;
  /** The paths that were asked for, in order. */
  readonly asked: string[];
  /** Sets what a path answers: a document as JSON, or whatever a handler does. */
  readonly serve: (path: string, answer: object | RequestListener) => void;
}

export async function keyServer(): Promise<KeyServer> {
  const answers = new Map<string, RequestListener>();
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    asked.push(path);
    const answer = answers.get(path);
    if (answer === undefined) response.writeHead(404).end();
    else answer(request, response);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  // A server on TCP has an address with a port.
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    asked,
    serve: (path, answer) => {
      // A function can only be the handler.
      const handler = typeof answer === 'function' ? (answer as RequestListener) : json(answer);
      answers.set(path, handler);
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

const json =
  (document: object) =>
  (_request: unknown, response: ServerResponse): void => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document));
  };

/** Answers text as it is, with a status. */
export function text(body: string, status = 200, headers: Record<string, string> = {}) {
  return (_request: unknown, response: ServerResponse): void => {
    response.writeHead(status, headers).end(body);
  };
}
