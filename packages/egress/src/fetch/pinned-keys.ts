import { createHash, X509Certificate } from 'node:crypto';
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';
import {
  assertConfiguration,
  assertKnownOptions,
  canonicalHost,
  parseMoment,
} from '@apisec/core/host';
import { type EgressError, upstreamError } from './egress-error.ts';
import type { KeyPins } from './safe-fetch.ts';

/** The keys of one host. */
export interface HostPins {
  /**
   * `sha256/` and the base64 of the SHA-256 of a public key (SPKI), of the host or of an authority in its chain. At
   * least two: one must be a backup, a key that is kept elsewhere, or the host is lost with its key.
   */
  readonly pins: readonly string[];
  /** Until when these pins are known to be right, for example `2027-06-01`. After it the host is denied. */
  readonly expires: string;
  /** Goes on without pins once they have expired; what is left is the certificate check. */
  readonly insecureAllowExpired?: boolean | undefined;
  /** Only reports. For the time before you trust your pins. */
  readonly reportOnly?: boolean | undefined;
}

/** What {@link pinnedKeys} reports. */
export interface PinReport {
  readonly host: string;
  readonly problem: 'mismatch' | 'expired';
  readonly isDenied: boolean;
  /** The pins of the chain that was shown, the host's first; none over plain HTTP. */
  readonly seen: readonly string[];
}

/** Options of {@link pinnedKeys}. */
export interface PinnedKeysOptions {
  /** By exact host name; other hosts are not pinned. */
  readonly hosts: Readonly<Record<string, HostPins>>;
  readonly onReport?: ((report: PinReport) => void) | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** Pins for `safeFetch`, which can be replaced while it runs. */
export interface PinnedKeys extends KeyPins {
  /** New pins of a host, for the next connection; open ones are not used any more. */
  readonly replace: (host: string, pins: HostPins) => void;
}

const NAME = 'pinnedKeys';
const PIN = /^sha256\/[A-Za-z0-9+/]{43}=$/;

/**
 * Denies hosts whose certificate chain holds none of the keys that it must hold, although an authority vouches for it
 * (a pin as in RFC 7469 §2.1, kept by you and not sent by the host). The chain is followed by its signatures, so that a
 * certificate which is only sent along does not count, and a call over plain HTTP shows no key at all. Denial:
 * `egress.key_not_pinned`.
 *
 * @throws ConfigurationError for fewer than two pins, a pin that is not one, or a date that cannot be read.
 * @example
 * const pins = pinnedKeys({
 *   hosts: {
 *     'api.example.com': {
 *       pins: [`sha256/${'A'.repeat(43)}=`, `sha256/${'B'.repeat(43)}=`],
 *       expires: '2030-01-01',
 *     },
 *   },
 * });
 * const fetch = safeFetch({ pins });
 */
export function pinnedKeys(options: PinnedKeysOptions): PinnedKeys {
  assertKnownOptions(NAME, options, ['hosts', 'onReport', 'now']);
  const { onReport = () => undefined, now = () => Date.now() } = options;
  assertConfiguration(
    typeof options.hosts === 'object' && options.hosts !== null,
    `${NAME}: hosts must be an object from host names to { pins, expires }.`,
  );
  const hosts = new Map<string, ReturnType<typeof readPins>>();
  for (const [host, pins] of Object.entries(options.hosts))
    hosts.set(readHost(host), readPins(host, pins));
  let generation = 0;

  const check = (name: string, socket: TLSSocket | undefined): EgressError | undefined => {
    const wanted = hosts.get(name);
    if (wanted === undefined) return undefined;
    const seen = socket === undefined ? [] : chainPins(socket);
    const isExpired = now() >= wanted.expiresMs;
    // Deliberately open where it says so: authorities still vouch for the host, and the report tells that pins are due.
    const isDenied = !wanted.reportOnly && !(isExpired && wanted.allowExpired);
    if (!isExpired && seen.some((pin) => wanted.pins.has(pin))) return undefined;
    onReport({ host: name, problem: isExpired ? 'expired' : 'mismatch', isDenied, seen });
    return isDenied
      ? upstreamError(
          'egress.key_not_pinned',
          'The host does not have the key that it must have.',
          seen,
        )
      : undefined;
  };
  return Object.freeze({
    check,
    generation: () => {
      const time = now();
      let expired = 0;
      for (const { expiresMs } of hosts.values()) if (time >= expiresMs) expired += 1;
      return generation + expired;
    },
    replace: (host: string, pins: HostPins) => {
      hosts.set(readHost(host), readPins(host, pins));
      // By more than the pins that may have expired before, and count no more.
      generation += hosts.size + 1;
    },
  });
}

/** The host as `safeFetch` asks for it. Pins of a host that no call has would pin nothing. */
function readHost(text: string): string {
  const host = canonicalHost(text);
  assertConfiguration(
    host !== undefined,
    `${NAME}: ${JSON.stringify(text)} is not a host. Write 'api.example.com' or an address, without scheme, port or path.`,
  );
  return host;
}

function readPins(host: string, value: HostPins) {
  assertKnownOptions(`${NAME}: ${host}`, value, [
    'pins',
    'expires',
    'insecureAllowExpired',
    'reportOnly',
  ]);
  const { pins, expires, insecureAllowExpired = false, reportOnly = false } = value;
  assertConfiguration(
    Array.isArray(pins) && new Set(pins).size >= 2 && pins.every((pin) => PIN.test(String(pin))),
    `${NAME}: ${host} needs at least two different pins, one of them a backup, like 'sha256/' and 44 characters of base64.`,
  );
  const expiresMs = parseMoment(expires);
  assertConfiguration(
    expiresMs !== undefined,
    `${NAME}: ${host} needs expires, a date like '2027-06-01' or '2027-06-01T12:00:00Z'.`,
  );
  assertConfiguration(
    typeof insecureAllowExpired === 'boolean' && typeof reportOnly === 'boolean',
    `${NAME}: ${host}: insecureAllowExpired and reportOnly must be true or false.`,
  );
  return { pins: new Set<string>(pins), expiresMs, allowExpired: insecureAllowExpired, reportOnly };
}

const LONGEST_CHAIN = 10;

/** The pins of the host's certificate and of those that really signed it, one after another. */
function chainPins(socket: TLSSocket): string[] {
  const pins: string[] = [];
  let peer: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  let below: X509Certificate | undefined;
  while (peer?.raw !== undefined && pins.length < LONGEST_CHAIN) {
    const certificate = new X509Certificate(peer.raw);
    if (
      below !== undefined &&
      !(below.checkIssued(certificate) && below.verify(certificate.publicKey))
    )
      break;
    const spki = certificate.publicKey.export({ type: 'spki', format: 'der' });
    pins.push(`sha256/${createHash('sha256').update(spki).digest('base64')}`);
    below = certificate;
    // The root is its own issuer.
    const next: DetailedPeerCertificate | undefined = peer.issuerCertificate;
    peer = next === peer ? undefined : next;
  }
  return pins;
}
