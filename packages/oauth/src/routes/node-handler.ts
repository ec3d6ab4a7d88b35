/** What is needed of a Node request; that of Express fits, and of `node:http`. */
export interface NodeRequestLike {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  /** Express: the target before routers cut it. */
  readonly originalUrl?: string | undefined;
  readonly rawHeaders: readonly string[];
  /** What a body parser has read already. */
  readonly body?: unknown;
  readonly readableEnded?: boolean | undefined;
  readonly [Symbol.asyncIterator]: () => AsyncIterator<Uint8Array>;
}

/** What is needed of a Node response. */
export interface NodeResponseLike {
  statusCode: number;
  readonly headersSent: boolean;
  readonly writableEnded: boolean;
  readonly destroyed: boolean;
  readonly setHeader: (name: string, value: string | readonly string[]) => unknown;
  readonly getHeader: (name: string) => unknown;
  readonly write: (chunk: Uint8Array) => boolean;
  readonly end: () => unknown;
  readonly destroy: (error?: Error) => unknown;
  readonly once: (event: string, listener: () => void) => unknown;
}

/** Methods that no web `Request` can have. */
const NO_REQUEST = new Set(['CONNECT', 'TRACE', 'TRACK']);

/**
 * A Node request as a web `Request`. The origin is the configured one: what `Host` says is the caller's.
 */
export function toWebRequest(raw: NodeRequestLike, origin: string): Request {
  const target = raw.originalUrl ?? raw.url ?? '/';
  const path = target.startsWith('/') ? target : '/';
  const headers = new Headers();
  for (let at = 0; at + 1 < raw.rawHeaders.length; at += 2) {
    const name = raw.rawHeaders[at] ?? '';
    if (!name.startsWith(':')) headers.append(name, raw.rawHeaders[at + 1] ?? '');
  }
  const { method = 'GET' } = raw;
  const init: RequestInit & { duplex?: 'half' } = { method, headers };
  if (method !== 'GET' && method !== 'HEAD') {
    init.body = bodyOf(raw);
    init.duplex = 'half';
  }
  return new Request(origin + path, init);
}

/** Writes a web `Response` to a Node response; what was set on it before stays. Ends when the caller disconnects. */
export async function sendWebResponse(response: Response, res: NodeResponseLike): Promise<void> {
  res.statusCode = response.status;
  for (const [name, value] of response.headers) {
    if (name !== 'set-cookie') res.setHeader(name, value);
  }
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) {
    const before = res.getHeader('set-cookie');
    const list = [before].flat().filter((each): each is string => typeof each === 'string');
    res.setHeader('set-cookie', [...list, ...cookies]);
  }
  const reader = response.body?.getReader();
  if (reader === undefined) return void res.end();
  let isGone = false;
  let goOn: (() => void) | undefined;
  res.once('close', () => {
    isGone = true;
    goOn?.();
    reader.cancel().catch(() => undefined);
  });
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done || isGone) break;
      if (!res.write(value) && !isGone) {
        await new Promise<void>((resolve) => {
          goOn = resolve;
          res.once('drain', resolve);
        });
      }
    }
    if (!res.writableEnded) res.end();
  } catch {
    // A truncated answer must not look complete.
    res.destroy();
  }
}

/**
 * A fetch-style handler for Express and `node:http`: `app.use(toNodeHandler(routes))`. Calls outside of `base` go on to
 * `next`, where there is one. On Fastify answer `routes.fetch(toWebRequest(request.raw, origin))`, or register
 * `fastifyRoutes(routes)`.
 *
 * @example
 * app.use(toNodeHandler(oauthRoutes(client, browser)));
 */
export function toNodeHandler(routes: {
  readonly base: string;
  readonly origin: string;
  readonly fetch: (request: Request) => Promise<Response>;
}): (
  req: NodeRequestLike,
  res: NodeResponseLike,
  next?: (error?: unknown) => void,
) => Promise<void> {
  return async (req, res, next) => {
    const target = req.originalUrl ?? req.url ?? '/';
    if (next !== undefined && !target.startsWith(`${routes.base}/`)) return next();
    if (NO_REQUEST.has(req.method ?? '')) {
      res.statusCode = 405;
      return void res.end();
    }
    try {
      await sendWebResponse(await routes.fetch(toWebRequest(req, routes.origin)), res);
    } catch (cause) {
      if (next !== undefined && !res.headersSent) return next(cause);
      res.destroy();
    }
  };
}

/** What is needed of a Fastify instance. */
export interface FastifyLike {
  readonly removeAllContentTypeParsers: () => unknown;
  // Methods, since Fastify's own ones have overloads that no property type would fit.
  addContentTypeParser(
    type: string,
    parser: (request: unknown, payload: unknown, done: (error: null) => void) => void,
  ): unknown;
  all(
    path: string,
    handler: (request: { readonly raw: NodeRequestLike }) => Promise<unknown>,
  ): unknown;
}

/**
 * The routes as a Fastify plugin: `app.register(fastifyRoutes(routes))`. Bodies are left to the routes, in this
 * plugin's own scope.
 */
export function fastifyRoutes(routes: {
  readonly base: string;
  readonly origin: string;
  readonly fetch: (request: Request) => Promise<Response>;
}): (instance: FastifyLike) => Promise<void> {
  return async (instance) => {
    instance.removeAllContentTypeParsers();
    instance.addContentTypeParser('*', (_request, _payload, done) => done(null));
    instance.all(`${routes.base}/*`, async ({ raw }) =>
      routes.fetch(toWebRequest(raw, routes.origin)),
    );
  };
}

function bodyOf(raw: NodeRequestLike): BodyInit {
  if (raw.readableEnded !== true) {
    const chunks = raw[Symbol.asyncIterator]();
    return new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        const { done, value } = await chunks.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: async () => {
        await chunks.return?.();
      },
    });
  }
  const { body } = raw;
  if (typeof body === 'string') return body;
  if (body instanceof Uint8Array) return new Uint8Array(body);
  const headers = raw.rawHeaders;
  const at = headers.findIndex((each, index) => index % 2 === 0 && /^content-type$/i.test(each));
  if (/x-www-form-urlencoded/i.test(headers[at + 1] ?? '')) {
    const form = new URLSearchParams();
    for (const [name, value] of Object.entries((body ?? {}) as Record<string, unknown>)) {
      for (const each of [value].flat()) form.append(name, String(each));
    }
    return form.toString();
  }
  return body === undefined ? '' : JSON.stringify(body);
}
