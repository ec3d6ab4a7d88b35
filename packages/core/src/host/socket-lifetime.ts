import type { Denial } from '../engine/denial.ts';
import type { AuthenticatedFacts } from '../engine/facts.ts';
import { callAt } from '../lib/call-at.ts';
import { later } from '../lib/clock.ts';
import type { WatchedConnection } from './guard-fetch.ts';

/** A WebSocket ended with the credential that opened it. */
export const SOCKET_EXPIRED: Denial = Object.freeze({
  kind: 'unauthenticated',
  code: 'credentials.expired',
  detail: 'The credential has expired. Open the connection again with a new one.',
});

/** The connection below a WebSocket, as far as it is needed. */
export interface SocketLike {
  readonly destroyed?: unknown;
  readonly end?: ((bytes: Uint8Array) => unknown) | undefined;
  readonly destroy?: (() => unknown) | undefined;
}

/** How long the other end may take to close. */
const CLOSING_MS = 1_000;

/** When the credential of an admitted call expires (epoch milliseconds); undefined where it never does. */
export function expiryOf(facts: object): number | undefined {
  // Supplied by every policy that authenticates; a fact of that name by others is read as far as it is a number.
  const { authentication } = facts as Partial<AuthenticatedFacts>;
  const expiresAt: unknown = authentication?.expiresAt;
  return typeof expiresAt === 'number' ? expiresAt : undefined;
}

/** Calls back when the credential of an admitted call expires; answers how to stop that. */
export function atExpiry(
  facts: object,
  now: () => number,
  expired: () => void,
): (() => void) | undefined {
  const at = expiryOf(facts);
  return at === undefined ? undefined : callAt(at, now, expired);
}

/** What a host knows of a WebSocket, and can do to it. */
export interface HostSocket {
  /** Calls back once when its connection closes. */
  readonly onClosed: (closed: () => void) => void;
  /** Whether the handler has opened it, for hosts that know. */
  readonly isOpened?: (() => boolean) | undefined;
  /** Ends its connection. Must not throw. */
  readonly end: () => void;
}

/** Completes the call of a WebSocket with its connection, or, where there is a clock, with its credential. */
export function watchSocket(
  { onClosed, isOpened, end }: HostSocket,
  now: (() => number) | undefined,
): WatchedConnection {
  return {
    isOpened,
    watch: (facts, complete) => {
      const stop =
        now &&
        atExpiry(facts, now, () => {
          complete({ outcome: 'denied', status: 101, denial: SOCKET_EXPIRED });
          end();
        });
      onClosed(() => {
        stop?.();
        complete({ outcome: 'succeeded', status: 101 });
      });
    },
  };
}

/**
 * Ends a WebSocket below whatever serves it: with a close frame (1008, `credentials.expired`), and a second later by
 * cutting the connection.
 */
export function endSocket(socket: SocketLike): void {
  if (socket.destroyed === true) return;
  try {
    // Servers write whole frames, and this one may stand between the fragments of a message (RFC 6455 §5.4).
    socket.end?.(closeFrame(1_008, SOCKET_EXPIRED.code));
  } catch {
    // Somebody else has ended it.
  }
  later(() => socket.destroy?.(), CLOSING_MS);
}

/** A close frame of a server (RFC 6455 §5.5.1), as for 1008: a policy was violated. */
function closeFrame(status: number, reason: string): Uint8Array {
  const payload = [status >> 8, status & 255, ...new TextEncoder().encode(reason)];
  const FINAL_CLOSE = 0x88;
  return Uint8Array.of(FINAL_CLOSE, payload.length, ...payload);
}
