import { constants } from 'node:crypto';
import type { ServerHttp2Session } from 'node:http2';
import type { DetailedPeerCertificate, SecureContextOptions, TLSSocket } from 'node:tls';
import { assertConfiguration, assertKnownOptions, type Duration } from '@apisec/core/host';
import {
  ServerCredentials,
  type ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from '@grpc/grpc-js';
import { wireCall } from './grpc-handle.ts';
import { fingerprintsIn, type Pem, type WatchedFiles, watchFiles } from './pem-files.ts';

/** Options of {@link serverTls}. Files are in PEM. */
export interface ServerTlsOptions {
  /** File with the certificate of the server, and the intermediate ones behind it. */
  readonly cert: string;
  /** File with its private key. */
  readonly key: string;
  /**
   * `required`: who shows no certificate of one of `ca` does not connect. `optional`: who shows none, or another, is a
   * caller without the fact `certificate`. `none`: certificates are not asked for.
   */
  readonly clientCertificates: 'required' | 'optional' | 'none';
  /** File with the authorities that certify clients. Never those of the system: anybody has a certificate of them. */
  readonly ca?: string | undefined;
  /**
   * How often the files are looked at. Connections stay open while they change, but for those of clients whose
   * authority is no longer among `ca`: these end, streams included. Default: `1m`.
   */
  readonly reload?: Duration | 'never' | undefined;
  /**
   * Hears of files that cannot be used. The earlier ones stay. Default: one line on `console.error` for each cause and
   * minute.
   */
  readonly onFault?: ((cause: unknown) => void) | undefined;
}

/** Credentials for `bindAsync`, whose files can be read again at once. */
export interface ServerTls extends ServerCredentials {
  /** Reads the files now. Resolves to false where they cannot be used. */
  readonly reload: () => Promise<boolean>;
}

const OPTIONS: readonly (keyof ServerTlsOptions)[] = [
  'cert',
  'key',
  'clientCertificates',
  'ca',
  'reload',
  'onFault',
];

/**
 * Denies connections of clients that hold no certificate of your authorities, and reads its files again while the
 * server runs. Policies see the certificate as the fact `certificate`: see `authenticateCertificate` and
 * `requireCertificateBinding`. TLS 1.2 and 1.3.
 *
 * @throws ConfigurationError when a file cannot be read, the key is not that of the certificate, or `ca` is missing
 * where client certificates are asked for.
 * @example
 * server.bindAsync(
 *   '0.0.0.0:50051',
 *   serverTls({ cert: 'tls.crt', key: 'tls.key', ca: 'clients.crt', clientCertificates: 'required' }),
 *   done,
 * );
 */
export function serverTls(options: ServerTlsOptions): ServerTls {
  assertKnownOptions('serverTls', options, OPTIONS);
  const { cert, key, ca, clientCertificates } = options;
  assertConfiguration(
    ['required', 'optional', 'none'].includes(clientCertificates),
    "serverTls: clientCertificates must be 'required', 'optional' or 'none'.",
  );
  assertConfiguration(
    typeof cert === 'string' && typeof key === 'string',
    'serverTls: cert and key must be the paths of PEM files.',
  );
  assertConfiguration(
    (ca === undefined) === (clientCertificates === 'none'),
    'serverTls: set ca, the file of the authorities that certify clients, if client certificates are asked for, and only then.',
  );
  let replace: ((pem: Pem) => void) | undefined;
  const files = watchFiles('serverTls', { cert, key, ca }, options, (pem) => replace?.(pem));
  const credentials = new FileCredentials(files, clientCertificates);
  replace = (pem) => credentials.replace(pem);
  return credentials;
}

const ADD = '_addWatcher';
const REMOVE = '_removeWatcher';

class FileCredentials extends ServerCredentials implements ServerTls {
  readonly #files: WatchedFiles;
  readonly #connections = new Set<ServerHttp2Session>();
  readonly #interceptors: ServerInterceptor[];
  #authorities: ReadonlySet<string>;
  #users = 0;

  constructor(files: WatchedFiles, clientCertificates: ServerTlsOptions['clientCertificates']) {
    super(
      {
        requestCert: clientCertificates !== 'none',
        rejectUnauthorized: clientCertificates === 'required',
      },
      contextOf(files.current()),
    );
    this.#files = files;
    this.#authorities = authoritiesOf(files.current());
    // Only interceptors see connections: grpc-js tells credentials nothing of them.
    this.#interceptors = clientCertificates === 'none' ? [] : [(_, call) => this.#see(call)];
  }

  get reload(): () => Promise<boolean> {
    return this.#files.reload;
  }

  override _getInterceptors(): ServerInterceptor[] {
    return this.#interceptors;
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }

  override _addWatcher(watcher: (context: SecureContextOptions | null) => void): void {
    super[ADD](watcher);
    this.#users++;
    this.#files.start();
  }

  override _removeWatcher(watcher: (context: SecureContextOptions | null) => void): void {
    super[REMOVE](watcher);
    if (this.#users === 0) return;
    this.#users--;
    this.#files.stop();
  }

  replace(pem: Pem): void {
    this.#authorities = authoritiesOf(pem);
    this.updateSecureContextOptions(contextOf(pem));
    for (const connection of this.#connections) this.#endUntrusted(connection);
  }

  /** Remembers the connection of a call, at its first one: idle ones do no harm. */
  #see(call: ServerInterceptingCallInterface): ServerInterceptingCall {
    const { session } = wireCall(call).stream;
    if (session !== undefined && !this.#connections.has(session as ServerHttp2Session)) {
      // A stream of a server has a session of one.
      const connection = session as ServerHttp2Session;
      this.#connections.add(connection);
      connection.once('close', () => this.#connections.delete(connection));
      // Its handshake may have begun before the authorities changed.
      this.#endUntrusted(connection);
    }
    // What interceptors get is what they may answer; the type of grpc-js names only one kind.
    return call as ServerInterceptingCall;
  }

  #endUntrusted(connection: ServerHttp2Session): void {
    const { socket } = connection;
    // Plain sockets have no such member, and whom TLS did not authorise has no certificate here.
    const { authorized } = socket as Partial<TLSSocket>;
    if (authorized !== true) return;
    const anchor = anchorOf((socket as TLSSocket).getPeerCertificate(true));
    if (anchor === undefined || !this.#authorities.has(anchor)) connection.destroy();
  }
}

function contextOf({ cert, key, ca }: Pem): SecureContextOptions {
  // A session that a client comes back to knows its certificate, and not the chain that led to an authority.
  const secureOptions = ca === undefined ? undefined : constants.SSL_OP_NO_TICKET;
  return { cert, key, ca, minVersion: 'TLSv1.2', secureOptions };
}

function authoritiesOf({ ca }: Pem): ReadonlySet<string> {
  return ca === undefined ? new Set() : fingerprintsIn(ca);
}

/** The authority at the end of a chain, by its fingerprint. */
function anchorOf(leaf: DetailedPeerCertificate | undefined): string | undefined {
  let last = leaf;
  // A certificate that signs itself is its own issuer. Ten are more than any chain has.
  for (let length = 0; length < 10; length++) {
    const issuer = last?.issuerCertificate;
    if (issuer === undefined || issuer === last) return last?.fingerprint256;
    last = issuer;
  }
  return undefined;
}
