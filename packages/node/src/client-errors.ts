import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { type Denial, type DenialKind, type Peer, peerOf, type RequestLike } from '@apisec/core';
import {
  assertKnownOptions,
  assertProblemOptions,
  type DenialLog,
  enforce,
  errorProblem,
  type HttpDenial,
  later,
  PROBLEM_OPTIONS,
  type ProblemOptions,
  report,
  requestIdFrom,
  stateOf,
  UNKNOWN_PEER,
  withDenialLog,
} from '@apisec/core/host';
import { nodeDenialLog } from './development-log.ts';
import { type NodeIncoming, nodeRequest } from './request.ts';
import type { NodeResponse } from './response.ts';

/** What Node could not read or meet, and what was answered. */
export interface ClientError {
  readonly requestId: string;
  /** Whoever is at the other end of the connection: nothing that a proxy says could be read. */
  readonly peer: Peer;
  readonly status: number;
  /**
   * `http.bad_request`, `message.timeout`, `message.too_large` or `http.headers_too_large`; of `unmetExpectations`
   * `http.expectation_failed`.
   */
  readonly code: string;
  /** Why, in the words of Node's parser, which hold nothing of the request. */
  readonly cause: Error;
  /** False where an answer was on its way already, so that the connection was closed without another. */
  readonly answered: boolean;
}

/** Options of {@link clientErrors} and {@link unmetExpectations}. */
export interface ClientErrorsOptions extends ProblemOptions {
  /**
   * Writes what was denied, for operators alone: `logDenials()`. Default: nothing; where `NODE_ENV` is `development`,
   * text on the terminal, which `false` switches off.
   */
  readonly logDenials?: DenialLog | false | undefined;
  /**
   * Told of each, for `audit`: no guard ever sees such a request. It is called as often as anybody likes to send one.
   *
   * @example
   * onClientError: ({ requestId, peer, code }) =>
   *   void trail.record({ act: 'request.rejected', outcome: 'denied', peer: peer.id, reason: code, requestId })
   */
  readonly onClientError?: ((error: ClientError) => void) | undefined;
}

/** A listener for the event `clientError` of `node:http` and `node:https`. */
export type ClientErrorListener = (error: Error, socket: object) => void;

/** A listener for the event `checkExpectation` of servers of Node. */
export type ExpectationListener = (request: NodeIncoming, response: NodeResponse) => void;

/** The names of {@link ClientErrorsOptions}. */
export const CLIENT_ERROR_OPTIONS: readonly string[] = [
  ...PROBLEM_OPTIONS,
  'logDenials',
  'onClientError',
];

const KINDS: Readonly<Record<number, DenialKind>> = {
  408: 'timeout',
  413: 'too_large',
  431: 'too_large',
};
/** How long a caller may take to read the answer and to close. */
const CLOSING_MS = 1_000;
const UNREAD = Object.freeze({
  method: '',
  url: '/',
  headers: Object.freeze({ get: () => undefined, has: () => false }),
});
const CALL = Object.freeze({ protocol: 'http', operation: '(unread)' } as const);

/**
 * Answers what Node's own HTTP parser rejects, before any framework sees it, with problem details (RFC 9457)
 * and an id, and closes the connection:
 * - 400 (`http.bad_request`): not HTTP, or framed in two ways (RFC 9112 §6.3).
 * - 408 (`message.timeout`): slower than `headersTimeout` and `requestTimeout` allow.
 * - 413 (`message.too_large`): chunk extensions longer than 16 KiB.
 * - 431 (`http.headers_too_large`): a head longer than `maxHeaderSize`.
 *
 * Where an answer is on its way on the connection, half-sent or due to a request before, it is closed without another
 * one: callers, and proxies in front of them, would take it for that.
 *
 * @throws ConfigurationError for a `problemTypeBase` that is not an absolute URL, and unknown options.
 * @example
 * const server = limitServer(createServer(secureServerOptions(), app));
 * server.on('clientError', clientErrors({ problemTypeBase: 'https://api.example.com/problems/' }));
 */
export function clientErrors(options: ClientErrorsOptions = {}): ClientErrorListener {
  const deny = denier('clientErrors', options);
  const seen = stateOf<true>('apisec.client-error');
  return (error, connection) => {
    // Node says so in its documentation; TypeScript's types know a mere duplex stream.
    const socket = connection as HttpSocket;
    // What comes behind it fails as well.
    if (seen.get(socket)) return;
    seen.set(socket, true);
    const status = statusOf(error);
    if (status === undefined || socket.destroyed) {
      socket.destroy();
      return;
    }
    // The error itself holds the bytes that came.
    const cause = new Error(`${codeOf(error)}: ${error.message}`);
    deny({ status, cause, socket, view: UNREAD }, (problem) => answer(socket, problem));
  };
}

/**
 * Answers requests whose `Expect` is not `100-continue` (RFC 9110 §10.1.1) with problem details and an id: 417,
 * `http.expectation_failed`. Without a listener Node answers 417 without a body, and nobody hears of it. Either way no
 * handler and no guard sees the request, and Node reads its body away, so that what follows on the connection is read
 * right.
 *
 * @throws ConfigurationError for a `problemTypeBase` that is not an absolute URL, and unknown options.
 * @example
 * server.on('checkExpectation', unmetExpectations({ logDenials: logDenials() }));
 */
export function unmetExpectations(options: ClientErrorsOptions = {}): ExpectationListener {
  const deny = denier('unmetExpectations', options);
  return (request, response) => {
    const cause = new Error('Expect is not 100-continue');
    const { socket } = request;
    deny({ status: 417, cause, socket, view: nodeRequest(request) }, (problem) => {
      const { status, headers, body = '' } = problem;
      for (const [name, value] of headers) response.setHeader(name, value);
      response.setHeader('content-length', Buffer.byteLength(body));
      response.statusCode = status;
      response.end(body);
      return true;
    });
  };
}

/** One request that is answered before any handler. */
interface Unserved {
  readonly status: number;
  readonly cause: Error;
  readonly socket: { readonly remoteAddress?: string | undefined };
  readonly view: RequestLike;
}

/** Has a request answered by `send`, which says whether it could, and tells operators. */
function denier(
  name: string,
  options: ClientErrorsOptions,
): (unserved: Unserved, send: (problem: HttpDenial) => boolean) => void {
  assertKnownOptions(name, options, CLIENT_ERROR_OPTIONS);
  assertProblemOptions(name, options);
  const { problemTypeBase: typeBase, insecureVerbose: verbose, onClientError } = options;
  const log = nodeDenialLog(name, options.logDenials);
  return ({ status, cause, socket, view }, send) => {
    const requestId = requestIdFrom(undefined);
    const problem = errorProblem(
      { status, message: cause.message },
      { typeBase, requestId, verbose },
    );
    // Before it is closed, which takes the address away.
    const { remoteAddress } = socket;
    const answered = send(problem);
    const peer = remoteAddress === undefined ? UNKNOWN_PEER : peerOf(remoteAddress);
    const { code } = JSON.parse(problem.body ?? '') as { readonly code: string };
    const denial: Denial = { kind: KINDS[status] ?? 'malformed', code, cause };
    if (log) tell(log, { denial, status, view, gathered: { call: CALL, peer, requestId } });
    if (onClientError) {
      // `report` hands on whatever it is given.
      report(onClientError as (event: unknown) => void, {
        requestId,
        peer,
        status,
        code,
        cause,
        answered,
      });
    }
  };
}

/** What Node keeps on a connection; its own handling looks at it as well. */
interface HttpSocket extends Socket {
  /** The answer whose turn it is. */
  readonly _httpMessage?: ServerResponse | null;
  readonly parser?: { readonly incoming?: { readonly complete: boolean } | null } | null;
}

/** Undefined for what is no fault of a request: a caller who left, a TLS handshake that failed. */
function statusOf(error: Error): number | undefined {
  const code = codeOf(error);
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 408;
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') return 413;
  if (code === 'HPE_HEADER_OVERFLOW') return 431;
  return code.startsWith('HPE_') ? 400 : undefined;
}

function codeOf(error: Error): string {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' ? code : '';
}

/** Answers whether it could. */
function answer(socket: HttpSocket, { status, headers, body = '' }: HttpDenial): boolean {
  const { _httpMessage: pending, parser } = socket;
  const isTaken = pending
    ? pending.headersSent || pending.req.complete
    : // A handler need not wait for the body.
      parser?.incoming?.complete === false;
  if (isTaken || !socket.writable) {
    socket.destroy();
    return false;
  }
  const fields = [
    ...headers,
    ['date', new Date().toUTCString()],
    ['content-length', String(Buffer.byteLength(body))],
    ['connection', 'close'],
  ];
  const head = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${head}\r\n${body}`);
  if (pending) {
    // Its handler must hear that the rest of the body never comes.
    socket.destroySoon();
    return true;
  }
  // Closed while bytes of the caller are unread, it would be reset, and the answer lost.
  socket.once('end', () => socket.destroy());
  later(() => socket.destroy(), CLOSING_MS);
  return true;
}

function tell(
  log: DenialLog,
  {
    denial,
    status,
    view,
    gathered,
  }: {
    readonly denial: Denial;
    readonly status: number;
    readonly view: RequestLike;
    readonly gathered: Readonly<Record<string, unknown>>;
  },
): void {
  const decision = { allowed: false, denial, obligations: [], trace: [], gathered } as const;
  enforce(withDenialLog<never>(decision, log, view)).complete({
    outcome: 'denied',
    status,
    denial,
  });
}
