/** Header fields as Node has them. */
type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * How a proxy writes the certificate that it has verified:
 * - `client-cert`: RFC 9440, `Client-Cert`.
 * - `envoy`: `X-Forwarded-Client-Cert` with one element (`SANITIZE_SET`), its `Cert`.
 * - `nginx`: `X-SSL-Client-Cert` (`$ssl_client_escaped_cert`) and `X-SSL-Client-Verify` (`$ssl_client_verify`).
 * - `ingress-nginx`: `ssl-client-cert` and `ssl-client-verify`.
 * - `haproxy`: `X-SSL-Client-DER` (`ssl_c_der,base64`) and `X-SSL-Client-Verify` (`ssl_c_verify`).
 * - `traefik`: `X-Forwarded-Tls-Client-Cert` (`passTLSClientCert.pem`).
 * - `aws-alb`: `X-Amzn-Mtls-Clientcert-Leaf`, of a load balancer in verify mode.
 * - `google-cloud`: `X-Client-Cert-Leaf` (`{client_cert_leaf}`) and `X-Client-Cert-Chain-Verified`.
 */
export type CertificateHeader =
  | 'client-cert'
  | 'envoy'
  | 'nginx'
  | 'ingress-nginx'
  | 'haproxy'
  | 'traefik'
  | 'aws-alb'
  | 'google-cloud';

interface Format {
  readonly header: string;
  /** The bytes of the leaf; undefined for anything that is not written as the proxy writes it. */
  readonly read: (value: string) => Uint8Array | undefined;
  /** Where the proxy says apart whether it has verified the certificate. */
  readonly verified?: { readonly header: string; readonly is: string };
}

const LONGEST = 16_384;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const PEM = /^-----BEGIN CERTIFICATE-----\s+([A-Za-z0-9+/=\s]+?)\s*-----END CERTIFICATE-----\s*$/;

const FORMATS: Readonly<Record<CertificateHeader, Format>> = {
  'client-cert': { header: 'client-cert', read: readByteSequence },
  envoy: { header: 'x-forwarded-client-cert', read: readEnvoy },
  nginx: {
    header: 'x-ssl-client-cert',
    read: readEscapedPem,
    verified: { header: 'x-ssl-client-verify', is: 'SUCCESS' },
  },
  'ingress-nginx': {
    header: 'ssl-client-cert',
    read: readEscapedPem,
    verified: { header: 'ssl-client-verify', is: 'SUCCESS' },
  },
  haproxy: {
    header: 'x-ssl-client-der',
    read: (value) => readBase64(value.replace(/^"(.*)"$/, '$1')),
    verified: { header: 'x-ssl-client-verify', is: '0' },
  },
  traefik: { header: 'x-forwarded-tls-client-cert', read: readTraefik },
  'aws-alb': { header: 'x-amzn-mtls-clientcert-leaf', read: readEscapedPem },
  'google-cloud': {
    header: 'x-client-cert-leaf',
    read: readByteSequence,
    verified: { header: 'x-client-cert-chain-verified', is: 'true' },
  },
};

/** The formats that {@link readCertificateHeader} knows. */
export const CERTIFICATE_HEADERS: readonly string[] = Object.keys(FORMATS);

/** True for the name of a format. */
export function isCertificateHeader(value: unknown): value is CertificateHeader {
  return typeof value === 'string' && CERTIFICATE_HEADERS.includes(value);
}

/** The certificate that a proxy has verified and written, in DER. A header that is there twice is not read. */
export function readCertificateHeader(
  format: CertificateHeader,
  headers: Headers,
): Uint8Array | undefined {
  const { header, read, verified } = FORMATS[format];
  const value = headers[header];
  if (typeof value !== 'string' || value.length > LONGEST) return undefined;
  // Repeated fields arrive joined with a comma, which makes the value another one.
  if (verified !== undefined && headers[verified.header] !== verified.is) return undefined;
  return read(value);
}

function readBase64(text: string): Uint8Array | undefined {
  if (!BASE64.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

/** A byte sequence of structured fields (RFC 9651 §3.3.5), canonical, and nothing behind it. */
function readByteSequence(value: string): Uint8Array | undefined {
  return value.startsWith(':') && value.endsWith(':') && value.length > 2
    ? readBase64(value.slice(1, -1))
    : undefined;
}

function readEscapedPem(value: string): Uint8Array | undefined {
  const text = unescaped(value);
  const [, base64] = (text !== undefined && PEM.exec(text)) || [];
  return base64 === undefined ? undefined : readBase64(base64.replace(/\s+/g, ''));
}

/**
 * The leaf comes first; older versions escape what newer ones write as it is. Neither writes a space, which is what
 * joins the fields of a header that is there twice: the first would be the caller's.
 */
function readTraefik(value: string): Uint8Array | undefined {
  if (value.includes(' ')) return undefined;
  const [leaf = ''] = value.split(',', 1);
  const text = leaf.includes('%') ? unescaped(leaf) : leaf;
  return text === undefined ? undefined : readBase64(text);
}

/** One element alone: with more, some were written by whoever called the proxy. */
function readEnvoy(value: string): Uint8Array | undefined {
  let found: string | undefined;
  for (const pair of splitQuoted(value)) {
    if (pair === undefined) return undefined;
    const at = pair.indexOf('=');
    if (pair.slice(0, at).trim().toLowerCase() !== 'cert') continue;
    if (found !== undefined) return undefined;
    found = pair.slice(at + 1).trim();
  }
  const [, quoted] = /^"([^"\\]*)"$/.exec(found ?? '') ?? [];
  return quoted === undefined ? undefined : readEscapedPem(quoted);
}

/** The parts between semicolons outside quotes; undefined for a comma there, or a quote that is not closed. */
function* splitQuoted(value: string): Generator<string | undefined> {
  let begin = 0;
  let quoted = false;
  for (let at = 0; at < value.length; at++) {
    const character = value[at];
    if (character === '\\' && quoted) at++;
    else if (character === '"') quoted = !quoted;
    else if (character === ',' && !quoted) yield undefined;
    else if (character === ';' && !quoted) {
      yield value.slice(begin, at);
      begin = at + 1;
    }
  }
  yield quoted ? undefined : value.slice(begin);
}

function unescaped(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
