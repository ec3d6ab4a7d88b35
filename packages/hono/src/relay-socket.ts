import { SOCKET_EXPIRED } from '@apisec/core/host';

/** One end of a `WebSocketPair`, as far as it is needed. */
interface WorkerSocket {
  binaryType?: unknown;
  readonly accept: () => void;
  readonly send: (data: unknown) => void;
  readonly close: (code?: number, reason?: string) => void;
  readonly addEventListener: <Kind extends keyof WorkerEvents>(
    kind: Kind,
    listener: (event: WorkerEvents[Kind]) => void,
  ) => void;
}

interface WorkerEvents {
  readonly message: { readonly data: unknown };
  readonly close: { readonly code: number; readonly reason: string };
  readonly error: unknown;
}

type SocketPair = new () => Readonly<Record<0 | 1, WorkerSocket>>;

/** What goes out in place of the response of a handler, and how to end the socket. */
export interface RelayedSocket {
  readonly response: Response;
  readonly end: () => void;
}

/**
 * Stands between the caller and the socket of a handler on Workers, where Hono gives the handler's end to nobody:
 * passes on what either of them sends, until it is ended.
 */
export function relaySocket(response: Response): RelayedSocket {
  const { WebSocketPair } = globalThis as unknown as { readonly WebSocketPair: SocketPair };
  const { 0: outside, 1: caller } = new WebSocketPair();
  // The caller gets the other pair: this end is ours.
  const { webSocket: handler } = response as unknown as { readonly webSocket: WorkerSocket };
  let isEnded = false;
  const passOn = (from: WorkerSocket, to: WorkerSocket): void => {
    from.accept();
    // Blobs could be sent on in another order only.
    from.binaryType = 'arraybuffer';
    from.addEventListener('message', ({ data }) => {
      if (!isEnded) to.send(data);
    });
    from.addEventListener('close', ({ code, reason }) => {
      closeAs(from, code, reason);
      closeAs(to, code, reason);
    });
    from.addEventListener('error', () => closeAs(to, BROKEN, ''));
  };
  passOn(handler, caller);
  passOn(caller, handler);
  const init = { status: 101, headers: response.headers, webSocket: outside };
  return {
    response: new Response(null, init),
    end: () => {
      isEnded = true;
      closeAs(caller, EXPIRED, SOCKET_EXPIRED.code);
      closeAs(handler, EXPIRED, SOCKET_EXPIRED.code);
    },
  };
}

const EXPIRED = 1_008;
const BROKEN = 1_011;

/** RFC 6455 §7.4.1: 1005, 1006 and 1015 stand for what was not said, and may not be sent. */
function closeAs(socket: WorkerSocket, code: number, reason: string): void {
  const isSaid = code !== 1_005 && code !== 1_006 && code !== 1_015;
  try {
    if (isSaid) socket.close(code, reason);
    else socket.close();
  } catch {
    // Closed before.
  }
}
