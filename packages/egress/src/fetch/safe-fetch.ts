import type { CheckedUrl, CheckUrlOptions, Deny } from '@apisec/core';
import {
  assertConfiguration,
  assertKnownOptions,
  type Duration,
  durationMs,
  parseUrl,
  URL_OPTIONS,
  urlRules,
} from '@apisec/core/host';
import type { CheckPeer, Connecting, Resolve } from './connector.ts';
import { denialError, egressError, isEgressError, upstreamError } from './egress-error.ts';
import { type EgressCall, exchange } from './exchange.ts';
import { connectionPools } from './pools.ts';
import { proxyChoice } from './proxy.ts';
import { followed } from './redirect.ts';
import { type RequestParts, readRequest } from './request-parts.ts';
import { pinningIsHonoured } from './self-test.ts';
import { systemResolver } from './system-resolver.ts';

/** What a safe fetch shows of itself to TLS servers, and whom it trusts; never whether it checks them. */
export interface EgressTlsOptions {
  /** Certificates of authorities in PEM, instead of those that Node trusts. */
  readonly ca?: string | readonly string[] | undefined;
  /** A client certificate and its key, in PEM. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** Keys that hosts must have, made by `pinnedKeys`. */
export interface KeyPins {
  readonly check: CheckPeer;
  /** Grows when pins change or expire, so that no connection outlives them. */
  readonly generation: () => number;
}

/** Options of {@link safeFetch}. */
export interface SafeFetchOptions extends CheckUrlOptions {
  /** Of the whole call, to the last byte of the body: 30 seconds by default. */
  readonly timeout?: Duration | undefined;
  /** To resolve, connect and shake hands: 5 seconds by default. */
  readonly connectTimeout?: Duration | undefined;
  /** Of the decoded body. Default: 10,000,000. */
  readonly maxResponseBytes?: number | undefined;
  /** Default: 5. */
  readonly maxRedirects?: number | undefined;
  /** Headers that are no credentials, and so are sent to another origin after a redirect, too. */
  readonly crossOriginHeaders?: readonly string[] | undefined;
  /** Follows redirects from https to http. */
  readonly insecureAllowDowngrade?: boolean | undefined;
  /** Open connections for each origin. Default: 32. */
  readonly maxConnectionsPerOrigin?: number | undefined;
  /** Calls at once; more are denied. Default: 1,000. */
  readonly maxConcurrent?: number | undefined;
  readonly tls?: EgressTlsOptions | undefined;
  readonly pins?: KeyPins | undefined;
  /**
   * A forward proxy, or `'environment'` for `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`. It gets the checked address,
   * not the name. Default: none, whatever the environment says.
   */
  readonly proxy?: string | undefined;
  /**
   * All addresses of a name. Default: the system's resolver, with half of Node's threads at most
   * (`UV_THREADPOOL_SIZE`), so that names which nobody answers leave the others to the rest of the process; one more is
   * for names that have resolved before. Without a place in `connectTimeout` a call is denied with `egress.overloaded`.
   */
  readonly resolve?: Resolve | undefined;
}

/** A `fetch` that only leads where it may. */
export interface SafeFetch {
  (input: string | URL | Request, init?: RequestInit): Promise<Response>;
  /** Rejects where the runtime does not honour the pinning. Each call waits for it; call it at start to fail early. */
  readonly selfTest: () => Promise<void>;
  /** Ends all connections. Later calls are denied. */
  readonly close: () => Promise<void>;
}

const NAME = 'safeFetch';
const OPTIONS: readonly string[] = [
  ...URL_OPTIONS,
  'timeout',
  'connectTimeout',
  'maxResponseBytes',
  'maxRedirects',
  'crossOriginHeaders',
  'insecureAllowDowngrade',
  'maxConnectionsPerOrigin',
  'maxConcurrent',
  'tls',
  'pins',
  'proxy',
  'resolve',
];

/**
 * Makes a `fetch` for URLs that somebody else gave: it denies whatever could be turned against your own network
 * (server-side request forgery, OWASP API 7).
 *
 * The URL is parsed once (`checkUrl` of `@apisec/core`). Its name is resolved once for each connection; each answer is
 * classified (`classifyAddress`), and one that may not be reached denies the call; the connection goes to a checked
 * address, and its certificate must be one of the name. Each redirect passes all of it again; to another
 * origin no header goes along that could be a credential, and no body. Time, size before and after decoding, redirects,
 * connections and calls at once are bounded. Proxy variables of the environment are ignored. A runtime that does not
 * connect as it is told is found out, and gets no call at all.
 *
 * Rejects with an `EgressError`, which has a `code`: those of `checkUrl`, and `egress.request_malformed`,
 * `.header_not_allowed`, `.overloaded`, `.closed`, `.pinning_unsupported`, `.pinning_untested`, `.redirect_downgrade`;
 * and of kind `upstream`, to be answered with 502: `egress.name_unresolved`, `.connection_failed`,
 * `.certificate_invalid`, `.key_not_pinned`, `.timeout`, `.response_too_large`, `.response_malformed`,
 * `.encoding_unsupported`, `.too_many_redirects`, `.redirect_body`. After the response has come, reading its body
 * rejects with the same errors. An aborted call rejects with its signal's reason.
 *
 * @throws ConfigurationError for an option that is unknown or cannot be read.
 * @example
 * const fetch = safeFetch({ timeout: '10s', maxResponseBytes: 1_000_000 });
 * const response = await fetch('https://example.com/');
 */
export function safeFetch(options: SafeFetchOptions = {}): SafeFetch {
  assertKnownOptions(NAME, options, OPTIONS);
  const timeoutMs = durationMs(NAME, 'timeout', options.timeout ?? '30s', { max: '1h' });
  const connectMs = durationMs(NAME, 'connectTimeout', options.connectTimeout ?? '5s', {
    max: '5m',
  });
  const maxBytes = whole('maxResponseBytes', options.maxResponseBytes ?? 10_000_000, 0);
  const maxRedirects = whole('maxRedirects', options.maxRedirects ?? 5, 0);
  const maxConcurrent = whole('maxConcurrent', options.maxConcurrent ?? 1_000, 1);
  const connections = whole('maxConnectionsPerOrigin', options.maxConnectionsPerOrigin ?? 32, 1);
  const {
    crossOriginHeaders = [],
    insecureAllowDowngrade = false,
    resolve = systemResolver(connectMs),
  } = options;
  assertConfiguration(
    Array.isArray(crossOriginHeaders) &&
      crossOriginHeaders.every((name) => typeof name === 'string'),
    `${NAME}: crossOriginHeaders must be a list like ['x-request-id'].`,
  );
  assertConfiguration(
    typeof insecureAllowDowngrade === 'boolean',
    `${NAME}: insecureAllowDowngrade must be true or false.`,
  );
  assertConfiguration(
    typeof resolve === 'function',
    `${NAME}: resolve must be a function from a name to a list of addresses.`,
  );
  const { pins } = options;
  assertConfiguration(
    pins === undefined || typeof pins.check === 'function',
    `${NAME}: pins must be made by pinnedKeys().`,
  );
  const rules = urlRules(NAME, urlOptionsOf(options));
  const connecting: Connecting = {
    rules,
    resolve,
    timeoutMs: connectMs,
    tls: tlsOptions(options.tls ?? {}),
    checkPeer: pins?.check,
    proxyFor: proxyChoice(NAME, options.proxy, process.env),
  };
  const pools = connectionPools(connecting, connections);
  const redirects = {
    crossOriginHeaders: new Set(crossOriginHeaders.map((name) => name.toLowerCase())),
    allowDowngrade: insecureAllowDowngrade,
  };
  let running = 0;
  let isClosed = false;
  let isTested = false;

  const send = async (
    first: CheckedUrl,
    given: RequestParts,
    call: EgressCall,
  ): Promise<Response> => {
    let parts = given;
    let checked = first;
    for (let hops = 0; ; hops++) {
      const pool = pools.poolOf(checked, pins?.generation() ?? 0);
      const answer = await exchange(pool, checked.url, parts, call, maxBytes);
      if (answer instanceof Response) {
        if (hops > 0) Object.defineProperty(answer, 'redirected', { value: true });
        return answer;
      }
      if (parts.redirect === 'error' || hops >= maxRedirects) {
        throw upstreamError('egress.too_many_redirects', 'The host redirects more than it may.');
      }
      const next = targetOf(answer.location, checked.url);
      parts = followed(parts, answer.status, checked.url, next.url, redirects);
      checked = next;
    }
  };

  /** Judges an absolute target by its own spelling, a relative one by what it resolves to. */
  const targetOf = (location: string, base: URL): CheckedUrl => {
    const isAbsolute = /^[a-z][a-z0-9+.-]*:/i.test(location);
    const target = isAbsolute ? undefined : parseUrl(location, base.href);
    const checked = rules.check(target ?? location);
    if (!checked.ok) throw deniedError(checked);
    return checked;
  };

  const fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    if (isClosed) throw egressError('unavailable', 'egress.closed', 'This fetch was closed.');
    const text = input instanceof Request ? input.url : input;
    const checked = rules.check(text);
    if (!checked.ok) throw deniedError(checked);
    const parts = readRequest(input, init);
    if (!isTested) {
      await pinningIsHonoured();
      isTested = true;
    }
    parts.signal?.throwIfAborted();
    if (running >= maxConcurrent) {
      throw egressError('unavailable', 'egress.overloaded', 'Too many calls are running.');
    }
    running += 1;
    let isRunning = true;
    const call: EgressCall = {
      finish: () => {
        if (!isRunning) return;
        isRunning = false;
        running -= 1;
        clearTimeout(timer);
        parts.signal?.removeEventListener('abort', abort);
      },
    };
    const stop = (error: Error): void => {
      call.stopped = error;
      call.stop?.(error);
    };
    const abort = (): void => stop(abortReason(parts.signal));
    const timer = setTimeout(
      () => stop(upstreamError('egress.timeout', 'The call took too long.')),
      timeoutMs,
    );
    parts.signal?.addEventListener('abort', abort);
    try {
      return await send(checked, parts, call);
    } catch (error) {
      call.finish();
      throw isEgressError(error) || error === call.stopped
        ? error
        : upstreamError('egress.connection_failed', 'The host could not be reached.', error);
    }
  };

  return Object.freeze(
    Object.assign(fetch, {
      selfTest: pinningIsHonoured,
      close: async () => {
        isClosed = true;
        await pools.close();
      },
    }),
  );
}

function deniedError({ denial }: Deny): TypeError {
  return denialError(denial);
}

function abortReason(signal: AbortSignal | undefined): Error {
  // As fetch does; what is not an Error is still what the caller of abort() asked for.
  return (signal?.reason ?? new Error('The call was aborted.')) as Error;
}

function whole(option: string, value: unknown, least: number): number {
  assertConfiguration(
    Number.isSafeInteger(value) && Number(value) >= least,
    `${NAME}: ${option} must be a whole number, at least ${least}.`,
  );
  return Number(value);
}

function urlOptionsOf(options: SafeFetchOptions): CheckUrlOptions {
  return Object.fromEntries(
    URL_OPTIONS.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]),
  );
}

function tlsOptions(tls: EgressTlsOptions): { ca?: string[]; cert?: string; key?: string } {
  assertKnownOptions(`${NAME}: tls`, tls, ['ca', 'cert', 'key']);
  const { ca, cert, key } = tls;
  assertConfiguration(
    (cert === undefined) === (key === undefined),
    `${NAME}: tls needs cert and key together.`,
  );
  return {
    ...(ca !== undefined && { ca: typeof ca === 'string' ? [ca] : [...ca] }),
    ...(cert !== undefined && key !== undefined && { cert, key }),
  };
}
