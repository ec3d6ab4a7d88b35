import { connect as connectTcp, isIP, type Socket } from 'node:net';
import {
  type ConnectionOptions,
  checkServerIdentity,
  connect as connectTls,
  type PeerCertificate,
  type TLSSocket,
} from 'node:tls';
import type { CheckedUrl } from '@apisec/core';
import { formatAddress, parseAddress, type UrlRules } from '@apisec/core/host';
import type { buildConnector } from 'undici';
import { denialError, type EgressError, isEgressError, upstreamError } from './egress-error.ts';
import { openTunnel, type Proxy } from './proxy.ts';
import { connected, within } from './sockets.ts';

/** Resolves a name to all of its addresses. */
export type Resolve = (name: string) => Promise<readonly string[]>;

/** What is checked of a connection beyond its certificate chain and name. Over plain HTTP there is no TLS socket. */
export type CheckPeer = (name: string, socket: TLSSocket | undefined) => EgressError | undefined;

/** How connections are made. */
export interface Connecting {
  readonly rules: UrlRules;
  readonly resolve: Resolve;
  readonly timeoutMs: number;
  readonly tls: ConnectionOptions;
  readonly checkPeer?: CheckPeer | undefined;
  readonly proxyFor: (name: string, scheme: string) => Proxy | undefined;
}

/** More answers than any honest name has are not even looked at. */
const MOST_ANSWERS = 128;
/** A name with many dead addresses may not keep a caller waiting. */
const MOST_ATTEMPTS = 4;

/**
 * Makes the connections of one origin: resolves its name once for each connection, checks every answer, and connects to
 * one of those addresses and to nothing else. What runs over the connection later is pinned to it.
 */
export function pinnedConnector(
  { host, port, url }: CheckedUrl,
  connecting: Connecting,
): buildConnector.connector {
  const secure = url.protocol === 'https:';
  const name = 'name' in host ? host.name : host.address;
  return (_options, callback) => {
    const deadline = Date.now() + connecting.timeoutMs;
    const run = async (): Promise<Socket> => {
      const addresses = 'address' in host ? [host.address] : await answersOf(name, connecting);
      let failure: unknown;
      for (const address of addresses.slice(0, MOST_ATTEMPTS)) {
        const left = deadline - Date.now();
        if (left <= 0) break;
        try {
          return await connectTo(address, left);
        } catch (error) {
          if (isEgressError(error)) throw error;
          failure = error;
        }
      }
      throw connectionFailed(failure);
    };

    const checkPeer = (socket: TLSSocket | undefined): void => {
      let problem: EgressError | undefined;
      try {
        problem = connecting.checkPeer?.(name, socket);
      } catch (cause) {
        // What cannot be checked, or reported, is not connected to.
        problem = upstreamError(
          'egress.key_not_pinned',
          'The key of the host was not checked.',
          cause,
        );
      }
      if (problem !== undefined) throw problem;
    };

    const connectTo = async (address: string, timeoutMs: number): Promise<Socket> => {
      if (!secure) checkPeer(undefined);
      const end = Date.now() + timeoutMs;
      const proxy = connecting.proxyFor(name, url.protocol);
      const tcp = proxy
        ? await openTunnel(proxy, { address, port }, timeoutMs)
        : await connected(connectTcp({ host: address, port }), 'connect', timeoutMs);
      if (proxy === undefined && !isSame(tcp.remoteAddress, address)) {
        tcp.destroy();
        // A runtime that connects elsewhere does not honour the pinning.
        throw upstreamError('egress.connection_failed', UNREACHABLE, 'another address was reached');
      }
      if (!secure) return tcp;
      const socket = connectTls({
        minVersion: 'TLSv1.2',
        ...connecting.tls,
        socket: tcp,
        // An address has no server name (RFC 6066 §3); Node then checks it against the certificate's addresses.
        host: name,
        ...(isIP(name) === 0 && { servername: name }),
        ALPNProtocols: ['http/1.1'],
        // Said aloud, so that no environment variable says otherwise.
        rejectUnauthorized: true,
        checkServerIdentity: checkNames,
      });
      await connected(socket, 'secureConnect', Math.max(1, end - Date.now()));
      try {
        checkPeer(socket);
      } catch (problem) {
        socket.destroy();
        throw problem;
      }
      return socket;
    };

    run().then(
      (socket) => callback(null, socket),
      (error: unknown) => callback(isEgressError(error) ? error : connectionFailed(error), null),
    );
  };
}

/** Node takes the common name where a certificate has no DNS name, which HTTP forbids (RFC 9110 §4.3.4). */
function checkNames(name: string, certificate: PeerCertificate): Error | undefined {
  return checkServerIdentity(name, {
    ...certificate,
    subject: { ...certificate.subject, CN: '' },
  });
}

const UNREACHABLE = 'The host could not be reached.';

function connectionFailed(cause: unknown): EgressError {
  const code = (cause as { code?: unknown } | undefined)?.code;
  const isTls =
    typeof code === 'string' &&
    /^(?:ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|EPROTO)/.test(code);
  return isTls
    ? upstreamError('egress.certificate_invalid', 'The host did not prove who it is.', cause)
    : upstreamError('egress.connection_failed', UNREACHABLE, cause);
}

/** Every address of a name, all of which may be reached: one that may not denies the name. */
async function answersOf(
  name: string,
  { resolve, rules, timeoutMs }: Connecting,
): Promise<string[]> {
  let answers: readonly string[];
  try {
    answers = await within(resolve(name), timeoutMs);
  } catch (cause) {
    // No place to look it up, which is nothing that the host did.
    if (isEgressError(cause)) throw cause;
    throw upstreamError(
      'egress.name_unresolved',
      'The name of the host could not be resolved.',
      cause,
    );
  }
  if (!Array.isArray(answers) || answers.length === 0 || answers.length > MOST_ANSWERS) {
    throw upstreamError('egress.name_unresolved', 'The name of the host could not be resolved.');
  }
  const addresses = new Set<string>();
  for (const answer of answers as readonly unknown[]) {
    const text = String(answer);
    const problem = rules.checkAddress(text);
    if (problem !== undefined) throw denialError(problem.denial);
    const bytes = parseAddress(text);
    // An answer that is not an address was denied.
    if (bytes !== undefined) addresses.add(formatAddress(bytes));
  }
  return [...addresses];
}

function isSame(remote: string | undefined, address: string): boolean {
  const one = parseAddress(remote ?? '');
  const other = parseAddress(address);
  return one !== undefined && other !== undefined && formatAddress(one) === formatAddress(other);
}
