import { type Denial, pathOf, queryOf } from '@apisec/core';
import {
  assertConfiguration,
  assertKnownOptions,
  type Duration,
  denialResponse,
  durationMs,
  normalizeOrigin,
  readBytes,
  report,
} from '@apisec/core/host';
import { denied } from '../client/failures.ts';
import type { SessionFacts } from '../sessions/authenticate-session.ts';
import type { Sessions } from '../sessions/session.ts';
import { dpopProofs } from '../tokens/dpop-proofs.ts';

/** Options of {@link forward}. */
export interface ForwardOptions {
  /** The API behind, as `scheme://host[:port]`. */
  readonly to: string;
  /** What may be called there: a whole path, or everything below one that ends in `/*`. */
  readonly paths: readonly string[];
  readonly methods: readonly string[];
  /** Taken from the beginning of the path before it is looked up. Default: nothing. */
  readonly stripPrefix?: string | undefined;
  /** Of a body of the browser, which is read before it is sent on. Default: 1 MiB. */
  readonly maxBytes?: number | undefined;
  /** For the head of the answer. Default: `'30s'`. */
  readonly timeout?: Duration | undefined;
  /** Takes `http:` on loopback: for tests. */
  readonly insecureLoopback?: boolean | undefined;
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Called with the cause of each fault. */
  readonly onFault?: ((cause: unknown) => void) | undefined;
}

const NAME = 'forward';
/** Headers that are forwarded: no cookie, and nothing that says who is calling. */
const SENT = ['accept', 'accept-language', 'content-type', 'if-match', 'if-none-match', 'range'];
const ANSWERED = [
  'content-type',
  'content-language',
  'content-disposition',
  'content-range',
  'content-security-policy',
  'etag',
  'last-modified',
  'location',
  'retry-after',
  'vary',
];
const PATH = /^\/(?:[\w~!$&'()+,;=:@.-]+\/)*(?:[\w~!$&'()+,;=:@.-]+|\*)?$/;

/**
 * Forwards calls of the browser to one API with the access token of the session, for listed paths and methods alone
 * (RFC 10017 §6.1): the browser never sees the token. A path is compared as it will be sent; one with encoded
 * characters, dot segments (also with parameters, `..;`) or double slashes is on no list. Cookies and `Authorization`
 * of the browser stay here, and `Set-Cookie` of the API too. Answers say `X-Content-Type-Options: nosniff`.
 *
 * A handler for `protect`, to be mounted behind `authenticateSession`. Denials: `forward.not_listed` (404),
 * `forward.method_not_listed` (405), `body.too_large` (413), `forward.unavailable` (502), and those of
 * `session.accessToken()`.
 *
 * @throws ConfigurationError without paths or methods, or for those that cannot be compared.
 * @example
 * protect(account, forward(browser, { to: 'https://api.example.com', paths: ['/orders/*'], methods: ['GET'] }))
 */
export function forward(
  sessions: Sessions,
  options: ForwardOptions,
): (request: Request, facts: Readonly<SessionFacts>) => Promise<Response> {
  assertKnownOptions(NAME, options, [
    'to',
    'paths',
    'methods',
    'stripPrefix',
    'maxBytes',
    'timeout',
    'insecureLoopback',
    'fetch',
    'onFault',
  ]);
  const { to, paths, methods, stripPrefix = '', maxBytes = 1_048_576, onFault } = options;
  const {
    fetch = (input: RequestInfo | URL, init?: RequestInit) => globalThis.fetch(input, init),
  } = options;
  const origin = normalizeOrigin(to);
  const isLoopback = /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:|$)/.test(origin ?? '');
  assertConfiguration(
    origin?.startsWith('https:') || (options.insecureLoopback === true && isLoopback),
    `${NAME}: to must be the https origin of an API, like https://api.example.com.`,
  );
  assertConfiguration(
    Array.isArray(paths) &&
      paths.length > 0 &&
      paths.every((path) => typeof path === 'string' && PATH.test(path) && !hasDots(path)),
    `${NAME}: paths must list what may be called, like ['/orders', '/orders/*'].`,
  );
  assertConfiguration(
    Array.isArray(methods) && methods.length > 0 && methods.every((each) => /^[A-Z]+$/.test(each)),
    `${NAME}: methods must list what may be called, like ['GET', 'POST'].`,
  );
  assertConfiguration(
    stripPrefix === '' || (PATH.test(stripPrefix) && !stripPrefix.endsWith('/')),
    `${NAME}: stripPrefix must be a path without a slash at its end, like /api.`,
  );
  assertConfiguration(
    Number.isSafeInteger(maxBytes) && maxBytes >= 0,
    `${NAME}: maxBytes must be a whole number of bytes.`,
  );
  const timeoutMs = durationMs(NAME, 'timeout', options.timeout ?? '30s', { max: '10m' });
  const whole = new Set(paths.filter((path) => !path.endsWith('/*')));
  const below = paths.filter((path) => path.endsWith('/*')).map((path) => path.slice(0, -1));
  const allowedMethods = new Set(methods);
  const proofs = sessions.clients.map((client) => ({
    client,
    proofs: client.dpopKey && dpopProofs(client.dpopKey, client.settings.now),
  }));
  const fail = (denial: Denial): Response => {
    if (denial.cause !== undefined) report(onFault, denial.cause);
    return denialResponse(denial);
  };
  const targetOf = (request: Request): string | undefined => {
    const path = pathOf(request);
    if (!path.startsWith(`${stripPrefix}/`) || !PATH.test(path) || hasDots(path)) return undefined;
    const rest = path.slice(stripPrefix.length);
    const isListed = whole.has(rest) || below.some((base) => rest.startsWith(base));
    return isListed && !rest.includes('*') ? rest : undefined;
  };

  return async (request, { session }) => {
    const path = targetOf(request);
    if (path === undefined) return fail(denied('not_found', 'forward.not_listed').denial);
    const { method } = request;
    if (!allowedMethods.has(method)) {
      return fail(denied('method_not_allowed', 'forward.method_not_listed').denial);
    }
    // Before a token is renewed for it.
    const body = request.body === null ? null : await readBytes(request.body, maxBytes);
    if (body === undefined) return fail(denied('too_large', 'body.too_large').denial);
    const token = await session.accessToken();
    if (!token.ok) return fail(token.denial);
    const url = `${origin}${path}${queryOf(request)}`;
    const headers = new Headers();
    for (const name of SENT) {
      const value = request.headers.get(name);
      if (value !== null) headers.set(name, value);
    }
    headers.set('authorization', `${token.tokenType} ${token.accessToken}`);
    const prover = proofs.find(
      ({ client }) => client.issuer === session.issuer && client.clientId === session.clientId,
    )?.proofs;
    const once = async (): Promise<Response> => {
      if (prover !== undefined) {
        headers.set('dpop', await prover.proof(method, url, token.accessToken));
      }
      const controller = new AbortController();
      const timer = setTimeout(() => controller.abort(), timeoutMs);
      try {
        const init = { method, headers, redirect: 'manual', signal: controller.signal } as const;
        return await fetch(url, body === null ? init : { ...init, body });
      } finally {
        // The head has come; the body may stream for as long as the browser listens.
        clearTimeout(timer);
      }
    };
    try {
      let answer = await once();
      if (prover?.keepNonce(url, answer.headers) === true && answer.status === 401) {
        await answer.body?.cancel();
        answer = await once();
      }
      // A 401 of the API is about the token that the browser does not know: its session may be good.
      if (answer.status === 401) {
        await answer.body?.cancel();
        return fail(denied('upstream', 'forward.unavailable').denial);
      }
      const shown = new Headers({
        'cache-control': 'private, no-store',
        // On this origin a file that a user uploaded must not be shown as a page.
        'x-content-type-options': 'nosniff',
      });
      for (const name of ANSWERED) {
        const value = answer.headers.get(name);
        if (value !== null) shown.set(name, value);
      }
      return new Response(answer.body, { status: answer.status, headers: shown });
    } catch (cause) {
      return fail(denied('upstream', 'forward.unavailable', { cause }).denial);
    }
  };
}

/** Also with parameters behind them: many servers cut these off (`/orders/..;/admin`) and then go up. */
function hasDots(path: string): boolean {
  return path.split('/').some((part) => /^\.\.?(?:;|$)/.test(part));
}
