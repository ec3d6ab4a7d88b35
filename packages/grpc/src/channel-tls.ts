import { assertConfiguration, assertKnownOptions, type Duration } from '@apisec/core/host';
import { type ChannelCredentials, experimental } from '@grpc/grpc-js';
import { watchFiles } from './pem-files.ts';

/** Options of {@link channelTls}. Files are in PEM. */
export interface ChannelTlsOptions {
  /** File with the authorities that certify the server. */
  readonly ca: string;
  /** File with the certificate of this client, where the server asks for one. Together with `key`. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /**
   * How often the files are read while channels are open. New connections use what they hold by then. Default:
   * `1m`.
   */
  readonly reload?: Duration | 'never' | undefined;
  /**
   * Hears of files that cannot be used. The earlier ones stay. Default: one line on `console.error` for each cause and
   * minute.
   */
  readonly onFault?: ((cause: unknown) => void) | undefined;
}

/** Credentials for a client, whose files can be read again at once. */
export interface ChannelTls {
  readonly credentials: ChannelCredentials;
  /** Reads the files now. Resolves to false where they cannot be used. */
  readonly reload: () => Promise<boolean>;
}

const OPTIONS: readonly (keyof ChannelTlsOptions)[] = ['ca', 'cert', 'key', 'reload', 'onFault'];

/**
 * Does not connect to a server that none of your authorities certifies, and shows it a certificate of this client.
 *
 * @throws ConfigurationError when a file cannot be read, or one of `cert` and `key` is there without the other.
 * @example
 * const { credentials } = channelTls({ ca: 'servers.crt', cert: 'tls.crt', key: 'tls.key' });
 * const client = new OrdersClient('orders.internal:50051', credentials);
 */
export function channelTls(options: ChannelTlsOptions): ChannelTls {
  assertKnownOptions('channelTls', options, OPTIONS);
  const { ca, cert, key } = options;
  assertConfiguration(
    typeof ca === 'string',
    'channelTls: name the file of the authorities that certify the server (ca).',
  );
  assertConfiguration(
    (cert === undefined) === (key === undefined),
    'channelTls: name both cert and key, or neither.',
  );
  type Authorities = experimental.CaCertificateUpdateListener;
  type Identities = experimental.IdentityCertificateUpdateListener;
  const authorities = new Set<Authorities>();
  const identities = new Set<Identities>();
  const files = watchFiles('channelTls', { ca, cert, key }, options, () => {
    for (const listener of authorities) tellAuthorities(listener);
    for (const listener of identities) tellIdentity(listener);
  });
  const tellAuthorities = (listener: Authorities): void => {
    const { ca: caCertificate } = files.current();
    listener(caCertificate === undefined ? null : { caCertificate });
  };
  const tellIdentity = (listener: Identities): void => {
    const { cert: certificate, key: privateKey } = files.current();
    listener(certificate && privateKey ? { certificate, privateKey } : null);
  };
  const provider: experimental.CertificateProvider = {
    addCaCertificateListener: (listener) => {
      authorities.add(listener);
      files.start();
      tellAuthorities(listener);
    },
    removeCaCertificateListener: (listener) => {
      if (authorities.delete(listener)) files.stop();
    },
    addIdentityCertificateListener: (listener) => {
      identities.add(listener);
      tellIdentity(listener);
    },
    removeIdentityCertificateListener: (listener) => void identities.delete(listener),
  };
  return {
    credentials: experimental.createCertificateProviderChannelCredentials(
      provider,
      cert === undefined ? null : provider,
    ),
    reload: files.reload,
  };
}
