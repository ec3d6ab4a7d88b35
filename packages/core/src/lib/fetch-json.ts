import { withinTime } from './clock.ts';
import { assertConfiguration } from './configuration-error.ts';
import { type Duration, durationMs } from './duration.ts';
import { parseUrl } from './parse-url.ts';
import { readBytes } from './read-bytes.ts';
import { parseStrictObject } from './strict-json.ts';

/** How documents are fetched from servers that the user named. */
export interface FetchOptions {
  /** How long a fetch may take, at most `1m`. Default: `5s`. */
  readonly timeout?: Duration | undefined;
  /** A larger document is denied, in bytes. Default: 262,144. */
  readonly maxBytes?: number | undefined;
  /** Takes `http:` too where the host is this machine (`localhost`, `127.0.0.1`, `[::1]`): for tests. */
  readonly insecureLoopback?: boolean | undefined;
  /** Default: the runtime's own. */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

/** The names of {@link FetchOptions}, for checks of options. */
export const FETCH_OPTIONS = ['timeout', 'maxBytes', 'insecureLoopback', 'fetch'] as const;

/**
 * Fetches one JSON object; undefined where the server has none (4xx). Rejects with an error that is for logs
 * only.
 */
export type FetchJson = (url: string) => Promise<Readonly<Record<string, unknown>> | undefined>;

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Why a URL may not be fetched from; undefined where it may. */
export function urlProblem(value: unknown, insecureLoopback: boolean): string | undefined {
  const url = typeof value === 'string' ? parseUrl(value) : undefined;
  if (url === undefined) return 'it is not an absolute URL';
  const { protocol, hostname, username, password, hash } = url;
  if (username !== '' || password !== '' || hash !== '') return 'it has a user name or a fragment';
  if (protocol === 'https:') return undefined;
  return protocol === 'http:' && insecureLoopback && LOOPBACK.has(hostname)
    ? undefined
    : 'it is not https (for local tests: insecureLoopback: true)';
}

/**
 * How long a fetch may take, in milliseconds.
 *
 * @throws ConfigurationError when it is out of range.
 */
export function fetchTimeoutMs(name: string, { timeout = '5s' }: FetchOptions): number {
  return durationMs(name, 'timeout', timeout, { max: '1m' });
}

/** What is sent, where it is more than a question for a document. */
export interface BoundedRequest {
  readonly method?: 'GET' | 'POST' | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
}

/**
 * What came back. The body is read only where the status is 200, and undefined where there is none or it is too large.
 */
export interface BoundedResponse {
  readonly status: number;
  readonly contentType: string;
  readonly body: Uint8Array | undefined;
}

/** Rejects where no answer came in time, with an error that is for logs only. */
export type BoundedFetch = (url: string, request: BoundedRequest) => Promise<BoundedResponse>;

/**
 * Fetches without following redirects, within a time and a size.
 *
 * @throws ConfigurationError when a bound is out of range.
 */
export function boundedFetcher(name: string, options: FetchOptions): BoundedFetch {
  const { maxBytes = 262_144, fetch = globalThis.fetch } = options;
  const timeoutMs = fetchTimeoutMs(name, options);
  assertConfiguration(maxBytes > 0, `${name}: maxBytes must be a positive number of bytes.`);
  return async (url, { method = 'GET', headers, body }) => {
    const controller = new AbortController();
    const { signal } = controller;
    const load = async (): Promise<BoundedResponse> => {
      const init = { method, headers, redirect: 'manual', signal } as const;
      const response = await fetch(url, body === undefined ? init : { ...init, body });
      const { status } = response;
      return {
        status,
        contentType: response.headers.get('content-type') ?? '',
        body:
          status === 200 && response.body ? await readBytes(response.body, maxBytes) : undefined,
      };
    };
    try {
      // Raced as well, since a fetch that was handed in may not heed the signal.
      return await withinTime(load(), timeoutMs);
    } finally {
      controller.abort();
    }
  };
}

/**
 * Fetches JSON objects within a time and a size.
 *
 * @throws ConfigurationError when a bound is out of range.
 */
export function jsonFetcher(name: string, options: FetchOptions): FetchJson {
  const fetchBounded = boundedFetcher(name, options);
  const request: BoundedRequest = {
    // Kubernetes serves key sets under their own type only (RFC 7517 §8.5).
    headers: { accept: 'application/jwk-set+json, application/json' },
  };
  return async (url) => {
    const { status, body } = await fetchBounded(url, request);
    if (status >= 400 && status < 500) return undefined;
    if (status !== 200) throw new Error(`${url} answered ${status}`);
    if (body === undefined) throw new Error(`${url} answered no bytes, or too many`);
    const document = parseStrictObject(body);
    if (document === undefined) throw new Error(`${url} did not answer a well-formed JSON object`);
    return document;
  };
}
