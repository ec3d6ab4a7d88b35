import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendWebResponse, toWebRequest } from '@apisec/oauth';

/** Where a Next server believes to be, whatever browsers see. */
const INTERNAL = 'http://localhost:3000';

/** A route handler as Next calls it: with the parameters of its path as a promise. */
type RouteHandler = (
  request: Request,
  context: { readonly params: Promise<Readonly<Record<string, readonly string[]>>> },
) => Promise<Response>;

/** What a `route.ts` exports, by method. */
export type RouteModule = Readonly<Record<string, RouteHandler>>;

/** A `NextRequest`, as far as it is more than a `Request`. */
class NextRequestLike extends Request {
  get nextUrl(): URL {
    return new URL(this.url);
  }
}

/**
 * Calls route handlers as Next does: by the file and the exported method, with a proxy in front of its own kind of
 * request, which is no `Request` to the constructors of the platform. A method that is not exported is 405.
 */
export function nextServer(
  routes: Readonly<Record<string, RouteModule>>,
): (req: IncomingMessage, res: ServerResponse) => void {
  return (req, res) => {
    const plain = toWebRequest(req, INTERNAL);
    const { pathname } = new URL(plain.url);
    const [file, module] =
      Object.entries(routes).find(
        ([at]) =>
          at === pathname || (at.endsWith('/[...rest]') && pathname.startsWith(at.slice(0, -9))),
      ) ?? [];
    if (file === undefined || module === undefined) {
      void sendWebResponse(new Response(null, { status: 404 }), res);
      return;
    }
    const handler = module[plain.method];
    const rest = pathname.slice(file.indexOf('[')).split('/');
    const answer =
      handler === undefined
        ? Promise.resolve(new Response(null, { status: 405 }))
        : handler(proxied(new NextRequestLike(plain)), { params: Promise.resolve({ rest }) });
    void answer.then((response) => sendWebResponse(response, res));
  };
}

/** The constructors of the platform do not take it for a `Request`. */
function proxied(request: NextRequestLike): Request {
  return new Proxy(request, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
