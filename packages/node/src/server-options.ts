import type { Server as HttpServer } from 'node:http';
import { createSecureContext } from 'node:tls';
import type { Duration } from '@apisec/core';
import {
  assertBetween,
  assertConfiguration,
  assertKnownOptions,
  durationMs,
} from '@apisec/core/host';

/** Options of {@link secureServerOptions}. */
export interface SecureServerSettings {
  /** Takes TLS 1.3 alone. Default: false, and TLS 1.2 too, with forward secrecy. */
  readonly onlyTls13?: boolean | undefined;
  /** How long the head of a request may take. Default: `15s`. */
  readonly headersTimeout?: Duration | undefined;
  /** How long a whole request may take to come in, its body included. Default: `60s`. */
  readonly requestTimeout?: Duration | undefined;
  /** How long a connection without a request is kept. Default: `5s`. */
  readonly keepAliveTimeout?: Duration | undefined;
  /** How long a TLS handshake may take. Default: `10s`. */
  readonly handshakeTimeout?: Duration | undefined;
  /** Bytes of the head of a request, 1,024 or more. Default: 16 KiB. */
  readonly maxHeaderSize?: number | undefined;
  /** Calls that one HTTP/2 connection may make at a time. Default: 100. */
  readonly maxConcurrentStreams?: number | undefined;
}

/** Options of `createServer` of `node:http`, `node:https` and `node:http2`. */
export interface SecureServerOptions {
  readonly headersTimeout: number;
  readonly requestTimeout: number;
  readonly keepAliveTimeout: number;
  readonly connectionsCheckingInterval: number;
  readonly maxHeaderSize: number;
  /**
   * Node answers HTTP/1.1 without `Host` by itself: 400, without a body. Put false behind it where all that the server
   * answers is behind a guard: adapters then deny it with problem details (`host.missing`), and log it.
   */
  readonly requireHostHeader: true;
  readonly insecureHTTPParser: false;
  readonly joinDuplicateHeaders: false;
  readonly handshakeTimeout: number;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  readonly ciphers: string;
  readonly honorCipherOrder: true;
  readonly ecdhCurve: string;
  readonly settings: { readonly maxConcurrentStreams: number; readonly maxHeaderListSize: number };
}

const NAME = 'secureServerOptions';
const TLS13 = ['TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256'];
/** Ephemeral keys and authenticated encryption alone (RFC 9325 §4.2, RFC 10015). */
const TLS12 = ['AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'CHACHA20-POLY1305'].flatMap((cipher) => [
  `ECDHE-ECDSA-${cipher}`,
  `ECDHE-RSA-${cipher}`,
]);
const GROUPS = ['X25519', 'P-256', 'P-384'];
const HYBRID = 'X25519MLKEM768';

/**
 * Options for servers that face the open network: clients that send slowly are cut, heads of requests are bounded, TLS
 * is 1.3 or 1.2 with ephemeral keys, and the hybrid group X25519MLKEM768 (RFC 10024) comes first where OpenSSL has it.
 * Spread your key and certificate behind it.
 *
 * @throws ConfigurationError for a duration or number outside its bounds, and unknown options.
 * @example
 * createServer({ ...secureServerOptions({ onlyTls13: true }), key, cert }, app)
 */
export function secureServerOptions(options: SecureServerSettings = {}): SecureServerOptions {
  assertKnownOptions(NAME, options, [
    'onlyTls13',
    'headersTimeout',
    'requestTimeout',
    'keepAliveTimeout',
    'handshakeTimeout',
    'maxHeaderSize',
    'maxConcurrentStreams',
  ]);
  const { onlyTls13 = false, maxHeaderSize = 16_384, maxConcurrentStreams = 100 } = options;
  const read = (option: keyof SecureServerSettings, byDefault: Duration): number =>
    durationMs(NAME, option, options[option] ?? byDefault, { min: '10ms', max: '1h' });
  const headersTimeout = read('headersTimeout', '15s');
  const requestTimeout = read('requestTimeout', '60s');
  assertConfiguration(typeof onlyTls13 === 'boolean', `${NAME}: onlyTls13 must be true or false.`);
  assertConfiguration(
    headersTimeout <= requestTimeout,
    `${NAME}: headersTimeout must not be longer than requestTimeout, which it is a part of.`,
  );
  assertBetween(NAME, 'maxHeaderSize', maxHeaderSize, 1_024, 1_048_576, 'bytes');
  assertBetween(NAME, 'maxConcurrentStreams', maxConcurrentStreams, 1, 10_000, 'calls');
  return Object.freeze<SecureServerOptions>({
    headersTimeout,
    requestTimeout,
    keepAliveTimeout: read('keepAliveTimeout', '5s'),
    // Node looks for slow clients this often: every 30 seconds unless it is told.
    connectionsCheckingInterval: Math.min(5_000, Math.ceil(headersTimeout / 2)),
    maxHeaderSize,
    requireHostHeader: true,
    insecureHTTPParser: false,
    joinDuplicateHeaders: false,
    handshakeTimeout: read('handshakeTimeout', '10s'),
    minVersion: onlyTls13 ? 'TLSv1.3' : 'TLSv1.2',
    ciphers: (onlyTls13 ? TLS13 : [...TLS13, ...TLS12]).join(':'),
    honorCipherOrder: true,
    ecdhCurve: groups(),
    settings: Object.freeze({ maxConcurrentStreams, maxHeaderListSize: maxHeaderSize }),
  });
}

let known: string | undefined;

/** OpenSSL 3.5 has the hybrid group; older ones fail on its name. */
function groups(): string {
  if (known !== undefined) return known;
  const all = [HYBRID, ...GROUPS].join(':');
  try {
    createSecureContext({ ecdhCurve: all });
    known = all;
  } catch {
    known = GROUPS.join(':');
  }
  return known;
}

/** Options of {@link limitServer}. */
export interface LimitServerOptions {
  /** How long a connection may be silent in the middle of a call, reading or writing. Default: `2m`. */
  readonly idleTimeout?: Duration | undefined;
  /** Header fields of a request; one with more is denied (`call.headers_dropped`). Default: 100. */
  readonly maxHeaders?: number | undefined;
  /** Requests on one connection; it is closed then. Default: 1,000. */
  readonly maxRequestsPerConnection?: number | undefined;
  /** Open connections; further ones are closed at once. Default: as many as the system allows. */
  readonly maxConnections?: number | undefined;
}

/**
 * Sets bounds that Node reads from properties of a server and not from options. Answers the same server.
 *
 * @throws ConfigurationError for a duration or number outside its bounds, and unknown options.
 * @example
 * limitServer(createServer(secureServerOptions(), app), { maxConnections: 10_000 }).listen(3000)
 */
export function limitServer<Server extends HttpServer>(
  server: Server,
  options: LimitServerOptions = {},
): Server {
  const where = 'limitServer';
  assertKnownOptions(where, options, [
    'idleTimeout',
    'maxHeaders',
    'maxRequestsPerConnection',
    'maxConnections',
  ]);
  const { idleTimeout = '2m', maxHeaders = 100, maxRequestsPerConnection = 1_000 } = options;
  const { maxConnections } = options;
  assertBetween(where, 'maxHeaders', maxHeaders, 10, 10_000, 'fields');
  assertBetween(where, 'maxRequestsPerConnection', maxRequestsPerConnection, 1, 1e9, 'requests');
  if (maxConnections !== undefined) {
    assertBetween(where, 'maxConnections', maxConnections, 1, 1e9, 'connections');
    server.maxConnections = maxConnections;
  }
  server.timeout = durationMs(where, 'idleTimeout', idleTimeout, { min: '10ms', max: '1d' });
  server.maxHeadersCount = maxHeaders;
  server.maxRequestsPerSocket = maxRequestsPerConnection;
  return server;
}
