import {
  assertConfiguration,
  assertKnownOptions,
  type Duration,
  durationMs,
  type Flight,
  joinFlight,
  normalizeOrigin,
} from '@apisec/core/host';
import type { OAuthClient, TokenSet } from '../client/client-types.ts';
import { denied, type OAuthDenied, unavailable } from '../client/failures.ts';
import { randomFraction } from '../lib/random.ts';
import { dpopProofs } from './dpop-proofs.ts';

/** Options of {@link tokenSource}. */
export interface TokenSourceOptions {
  readonly scope?: readonly string[] | undefined;
  readonly resource?: readonly string[] | undefined;
  /**
   * The APIs that `fetch` sends tokens to, as `scheme://host[:port]`; a call to another one is rejected before it is
   * sent. Default: none, so `fetch` cannot be used.
   */
  readonly origins?: readonly string[] | undefined;
  /**
   * A token is renewed so long before its end, and up to a fifth sooner, so that processes do not ask in step.
   * Default: `'60s'`, at most a fifth of its life.
   */
  readonly refreshAhead?: Duration | undefined;
  /** For how long a token is used whose issuer does not say when it ends. Default: `'5m'`. */
  readonly assumedLifetime?: Duration | undefined;
  /** Where tokens come from. Default: `client.clientCredentials`. */
  readonly grant?: (() => Promise<TokenSet | OAuthDenied>) | undefined;
  /** From 0 to 1, spreads renewals. Default: from `crypto.getRandomValues`. */
  readonly random?: (() => number) | undefined;
}

/** A token to call with. */
export interface ServiceToken {
  readonly ok: true;
  readonly accessToken: string;
  readonly tokenType: 'Bearer' | 'DPoP';
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

/** Tokens of a service, kept fresh. */
export interface TokenSource {
  readonly token: () => Promise<ServiceToken | OAuthDenied>;
  /**
   * The token for clients that send it by themselves, as `secureClient` of `@apisec/grpc` does. Hand in the one that
   * a server denied, and it is dropped. Rejects where there is none, and where tokens are bound to a key: such
   * clients prove none.
   */
  readonly bearer: (deniedToken?: string) => Promise<{
    readonly token: string;
    /** Epoch milliseconds. */
    readonly expiresAt: number;
  }>;
  /**
   * What a call must carry: `authorization`, and `dpop` where tokens are bound to a key. For clients of any protocol.
   */
  readonly headers: (call: {
    readonly method: string;
    readonly url: string;
  }) => Promise<
    { readonly ok: true; readonly headers: Readonly<Record<string, string>> } | OAuthDenied
  >;
  /**
   * `fetch` with a token, to the listed origins alone; redirects are not followed. A 401 is tried again once, with a
   * new token or nonce, unless the body streams. Where there is no token the answer is a 503 of this process, and
   * nothing is sent.
   */
  readonly fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>;
  /** Drops the token, as after a 401. */
  readonly invalidate: () => void;
}

const NAME = 'tokenSource';
const FIRST_BACKOFF_MS = 1_000;
const LONGEST_BACKOFF_MS = 30_000;
/** A grant of the user's own has no time limit; after this another one is asked for. */
const STALLED_AFTER_MS = 120_000;
/** A token that an API does not take is given up at most so often: else a broken API would wear out the issuer. */
const GIVE_UP_EVERY_MS = 10_000;

/**
 * Tokens for calls that a service makes for itself (client credentials, RFC 6749 §4.4): fetched once for all who wait,
 * renewed ahead of their end, and used for as long as they live while the issuer is down. After a failure the issuer is
 * asked ever less often, and calls without a token are denied with `oauth.unavailable` (503) at once.
 *
 * One source is one client, scope, resource and proof key. Make it once, not for each call.
 *
 * @throws ConfigurationError for an option that is unknown or out of range, or an origin that is not one.
 * @example
 * const orders = tokenSource(client, { scope: ['orders:read'], origins: ['https://orders.example.com'] });
 * const response = await orders.fetch('https://orders.example.com/orders');
 */
export function tokenSource(client: OAuthClient, options: TokenSourceOptions = {}): TokenSource {
  assertKnownOptions(NAME, options, [
    'scope',
    'resource',
    'origins',
    'refreshAhead',
    'assumedLifetime',
    'grant',
    'random',
  ]);
  assertConfiguration(
    typeof client?.clientCredentials === 'function',
    `${NAME}: pass what oauthClient() returned.`,
  );
  const { scope, resource, origins = [], random = randomFraction } = options;
  const { now, insecureLoopback, fetch: send } = client.settings;
  const { grant = () => client.clientCredentials({ scope, resource }) } = options;
  const allowed = new Set(
    origins.map((each) => {
      const origin = normalizeOrigin(each);
      assertConfiguration(
        origin !== undefined && (origin.startsWith('https:') || insecureLoopback),
        `${NAME}: origin ${JSON.stringify(each)} must be like https://api.example.com.`,
      );
      return origin;
    }),
  );
  const aheadMs = durationMs(NAME, 'refreshAhead', options.refreshAhead ?? '60s', { max: '1d' });
  const assumedMs = durationMs(NAME, 'assumedLifetime', options.assumedLifetime ?? '5m');
  const proofs = client.dpopKey && dpopProofs(client.dpopKey, now);

  // How long a call waits for what another one began: as long as the metadata, at two places, and the token may take.
  const patience = client.settings.timeoutMs * 3 + 1_000;
  let current: ServiceToken | undefined;
  let renewAt = 0;
  let flight: Flight<ServiceToken | OAuthDenied> | undefined;
  let failures = 0;
  let retryAt = 0;
  let lastFailure: OAuthDenied | undefined;
  let gaveUpAt = Number.NEGATIVE_INFINITY;

  const take = (tokens: TokenSet): ServiceToken => {
    const time = now();
    const { accessToken, tokenType, expiresAt = time + assumedMs } = tokens;
    const ahead = Math.min(aheadMs, (expiresAt - time) / 5);
    renewAt = expiresAt - ahead * (1 + random() / 5);
    failures = 0;
    current = Object.freeze({ ok: true, accessToken, tokenType, expiresAt });
    return current;
  };
  const fail = (failure: OAuthDenied): OAuthDenied => {
    const delay = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** failures);
    failures++;
    lastFailure = failure;
    retryAt = now() + delay * (0.5 + random() / 2);
    return failure;
  };
  const renew = (): Promise<ServiceToken | OAuthDenied> => {
    const at = now();
    const joined = joinFlight(flight, patience, at, STALLED_AFTER_MS);
    if (joined !== undefined) return joined.catch((cause: unknown) => unavailable(cause));
    const landing = grant()
      .then(
        (answer) => (answer.ok ? take(answer) : fail(answer)),
        (cause: unknown) => fail(unavailable(cause)),
      )
      .finally(() => {
        if (flight?.landing === landing) flight = undefined;
      });
    flight = { landing, startedAt: at };
    return landing;
  };
  const token = async (): Promise<ServiceToken | OAuthDenied> => {
    const time = now();
    // A clock that was set back must not stop retries for long.
    const mayAsk = failures === 0 || time >= retryAt || time < retryAt - LONGEST_BACKOFF_MS;
    if (current !== undefined && time < current.expiresAt) {
      if (time >= renewAt && mayAsk) void renew();
      return current;
    }
    if (mayAsk) return renew();
    const retryAfterMs = Math.max(1_000, retryAt - time);
    const { kind = 'unavailable', code = 'oauth.unavailable', cause } = lastFailure?.denial ?? {};
    return denied(kind, code, { cause, retryAfterMs });
  };
  const headers: TokenSource['headers'] = async ({ method, url }) => {
    const found = await token();
    if (!found.ok) return found;
    const { accessToken, tokenType } = found;
    const authorization = `${tokenType} ${accessToken}`;
    if (proofs === undefined) return { ok: true, headers: { authorization } };
    const dpop = await proofs.proof(method, url, accessToken);
    return { ok: true, headers: { authorization, dpop } };
  };
  const invalidate = (): void => {
    const time = now();
    if (Math.abs(time - gaveUpAt) < GIVE_UP_EVERY_MS) return;
    gaveUpAt = time;
    current = undefined;
  };
  const bearer: TokenSource['bearer'] = async (deniedToken) => {
    if (deniedToken !== undefined && current?.accessToken === deniedToken) invalidate();
    const found = await token();
    if (!found.ok) throw new Error(`${NAME}: ${found.denial.code}`, { cause: found.denial.cause });
    if (found.tokenType !== 'Bearer') {
      throw new Error(`${NAME}: the token is bound to a key; send what headers() answers.`);
    }
    return { token: found.accessToken, expiresAt: found.expiresAt };
  };
  const attempt = async (request: Request): Promise<Response> => {
    const { url, method } = request;
    const found = await headers({ method, url });
    if (!found.ok) {
      const { code, retryAfterMs = 1_000 } = found.denial;
      const seconds = Math.max(1, Math.ceil(retryAfterMs / 1_000));
      return Response.json({ code }, { status: 503, headers: { 'retry-after': `${seconds}` } });
    }
    const all = new Headers(request.headers);
    for (const [name, value] of Object.entries(found.headers)) all.set(name, value);
    return send(new Request(request, { headers: all, redirect: 'manual' }));
  };

  return Object.freeze({
    token,
    bearer,
    headers,
    invalidate,
    fetch: async (input: string | URL | Request, init?: RequestInit) => {
      const request = new Request(input, init);
      const { origin } = new URL(request.url);
      if (!allowed.has(origin)) {
        throw new TypeError(`${NAME}: tokens are not sent to ${origin}; list it in origins.`);
      }
      const isRepeatable = request.body === null || isWhole(init?.body);
      const first = await attempt(request);
      const hasNonce = proofs?.keepNonce(request.url, first.headers) === true;
      if (first.status !== 401) return first;
      const challenge = first.headers.get('www-authenticate') ?? '';
      const isNonce = hasNonce && challenge.includes('use_dpop_nonce');
      if (!isNonce) invalidate();
      if (!isRepeatable) return first;
      await first.body?.cancel();
      const answer = await attempt(new Request(input, init));
      proofs?.keepNonce(request.url, answer.headers);
      return answer;
    },
  } satisfies TokenSource);
}

/** What streams can be sent once. */
function isWhole(body: unknown): boolean {
  return (
    typeof body === 'string' ||
    body instanceof URLSearchParams ||
    body instanceof ArrayBuffer ||
    ArrayBuffer.isView(body) ||
    body instanceof Blob ||
    body instanceof FormData
  );
}
