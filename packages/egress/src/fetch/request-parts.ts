import { egressError } from './egress-error.ts';

/** A request in the form that goes on the wire. */
export interface RequestParts {
  readonly method: string;
  /** Names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string | Uint8Array | ReadableStream<Uint8Array> | undefined;
  readonly redirect: 'follow' | 'manual' | 'error';
  readonly signal: AbortSignal | undefined;
}

/** RFC 9110 §7.6.1 and what frames a message or names its target: only the connection may say these. */
const NOT_YOURS: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const METHOD = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,32}$/;
/** `fetch` forbids the first two; a CONNECT would turn the call into a tunnel. */
const FORBIDDEN_METHODS: ReadonlySet<string> = new Set(['TRACE', 'TRACK', 'CONNECT']);
/** Fetch writes these in capitals, and no others. */
const CAPITALS: ReadonlySet<string> = new Set([
  'DELETE',
  'GET',
  'HEAD',
  'OPTIONS',
  'POST',
  'PUT',
  'PATCH',
]);

/** Reads what `fetch` takes, or throws an error with a code. */
export function readRequest(input: string | URL | Request, init: RequestInit = {}): RequestParts {
  // They would go around the pinning, or promise what nobody checks here.
  for (const option of ['dispatcher', 'agent', 'integrity'] as const) {
    if (Reflect.get(init, option) !== undefined && Reflect.get(init, option) !== '') {
      throw malformed(`The option ${option} is not taken here.`);
    }
  }
  const { body } = init;
  const simple =
    body === undefined || body === null || typeof body === 'string' || body instanceof Uint8Array;
  if (simple && !(input instanceof Request)) {
    const method = readMethod(init.method ?? 'GET');
    const headers = readHeaders(init.headers);
    if (typeof body === 'string' && !headers.some(([name]) => name === 'content-type')) {
      headers.push(['content-type', 'text/plain;charset=UTF-8']);
    }
    if (body !== undefined && body !== null && (method === 'GET' || method === 'HEAD')) {
      throw malformed('GET and HEAD have no body.');
    }
    return {
      method,
      headers,
      body: body ?? undefined,
      redirect: readRedirect(init.redirect ?? 'follow'),
      signal: init.signal ?? undefined,
    };
  }
  readMethod(init.method ?? 'GET');
  let request: Request;
  try {
    // The type of Node's own streams knows no `duplex`, which they need.
    const withDuplex = { duplex: 'half', ...init } as RequestInit;
    request = new Request(input, withDuplex);
  } catch (cause) {
    throw malformed('The request cannot be sent.', cause);
  }
  const headers = readHeaders(request.headers);
  return {
    method: readMethod(request.method),
    headers,
    body: request.body ?? undefined,
    redirect: readRedirect(request.redirect),
    signal: request.signal,
  };
}

function readMethod(method: unknown): string {
  const text = typeof method === 'string' ? method : '';
  const capitals = text.toUpperCase();
  if (!METHOD.test(text) || FORBIDDEN_METHODS.has(capitals)) {
    throw malformed('This method is not sent.');
  }
  return CAPITALS.has(capitals) ? capitals : text;
}

function readRedirect(mode: unknown): 'follow' | 'manual' | 'error' {
  if (mode === 'follow' || mode === 'manual' || mode === 'error') return mode;
  throw malformed("redirect must be 'follow', 'manual' or 'error'.");
}

function readHeaders(init: HeadersInit | undefined): [string, string][] {
  if (init === undefined || init === null) return [];
  let headers: Headers;
  try {
    // It denies line breaks, NUL and what is not a name, and joins what is there twice.
    headers = new Headers(init);
  } catch (cause) {
    throw malformed('A header cannot be sent.', cause);
  }
  const list: [string, string][] = [];
  for (const [name, value] of headers) {
    if (NOT_YOURS.has(name) || name.startsWith('sec-') || name.startsWith(':')) {
      throw egressError(
        'malformed',
        'egress.header_not_allowed',
        `The header ${name} is not taken here.`,
      );
    }
    list.push([name, value]);
  }
  return list;
}

function malformed(detail: string, cause?: unknown): TypeError {
  return egressError('malformed', 'egress.request_malformed', detail, cause);
}
