import {
  type ConnectionLike,
  endSocket,
  type FetchCall,
  type HostSocket,
  holdHeaders,
  isConnection,
  isSameAuthority,
  lacksHost,
  type NodeHead,
  onDisconnect,
  readAbsoluteTarget,
  type SentOutcome,
} from '@apisec/core/host';
import type { Context } from 'hono';

/** A response of Node's HTTP/1 or HTTP/2 server, as far as it is needed. */
interface NodeOutgoing extends NodeHead {
  readonly writableFinished?: boolean;
  readonly closed?: boolean;
  readonly destroyed?: boolean;
  readonly errored?: unknown;
  /** Of HTTP/2. */
  readonly stream?: { readonly aborted?: boolean; readonly rstCode?: number | undefined } | null;
  readonly once: (event: 'finish' | 'close', listener: () => void) => unknown;
}

/** What `@hono/node-server` puts into `c.env`: in an upgrade there is no response. */
interface NodeEnv {
  readonly incoming?: {
    readonly socket?: unknown;
    /** Of HTTP/2. */
    readonly stream?: unknown;
    readonly httpVersion?: unknown;
    readonly httpVersionMajor?: unknown;
    readonly url?: unknown;
    readonly headers?: { readonly host?: unknown };
  };
  readonly outgoing?: Partial<NodeOutgoing>;
}

/** What Node knows of a call beyond the web standards. */
export interface NodeCall
  extends Pick<FetchCall<object>, 'applyHeaders' | 'onSent' | 'onDisconnect'> {
  readonly socket?: HostSocket | undefined;
}

/**
 * The call as `@hono/node-server` has it; undefined on other hosts. Header edits go to Node's own response, so that the
 * web `Response` keeps the fast way that its body is sent by, and its end is heard of there without a look at the body.
 */
export function nodeCallOf(c: Context): NodeCall | undefined {
  // What hosts put there is theirs: nothing is taken for granted.
  const { incoming, outgoing } = (c.env ?? {}) as NodeEnv;
  const connection = incoming?.stream ?? incoming?.socket;
  if (!isConnection(connection)) return undefined;
  // A response that is queued behind another of its connection (pipelining, RFC 9112 §9.3.2) never hears of its end.
  const pipelined = incoming?.httpVersionMajor === 1;
  const watch = (disconnected: () => void) =>
    onDisconnect(connection, disconnected, { pipelined: pipelined && outgoing !== undefined });
  if (!isOutgoing(outgoing)) {
    return outgoing === undefined
      ? { onDisconnect: watch, socket: { onClosed: watch, end: () => endSocket(connection) } }
      : { onDisconnect: watch };
  }
  return {
    onDisconnect: watch,
    applyHeaders: (edits) => holdHeaders(outgoing, edits),
    onSent: (sent) => onSent(outgoing, connection, watch, sent),
  };
}

/**
 * Why a call is denied before its guard is asked: it has no host, or a target with a host of its own (RFC 9112 §3.2.2)
 * that is not the one in `Host`, of which the URL of the request is made from the one while policies on hosts look at
 * the other; or a target that routers cut differently.
 */
export function unclearHost(c: Context): 'call.target_unclear' | 'host.missing' | undefined {
  const { incoming } = (c.env ?? {}) as NodeEnv;
  const { url } = incoming ?? {};
  if (incoming === undefined || typeof url !== 'string') return undefined;
  if (lacksHost(incoming)) return 'host.missing';
  if (url.startsWith('/')) return undefined;
  const { authority } = readAbsoluteTarget(url) ?? {};
  return authority !== undefined && isSameAuthority(authority, String(incoming.headers?.host))
    ? undefined
    : 'call.target_unclear';
}

function isOutgoing(outgoing: Partial<NodeOutgoing> | undefined): outgoing is NodeOutgoing {
  return (
    typeof outgoing?.setHeader === 'function' &&
    typeof outgoing.getHeaderNames === 'function' &&
    typeof outgoing.writeHead === 'function' &&
    typeof outgoing.once === 'function'
  );
}

/** Tells once how a response ended. */
function onSent(
  outgoing: NodeOutgoing,
  connection: ConnectionLike & { readonly errored?: unknown },
  watch: (disconnected: () => void) => () => void,
  sent: (outcome: SentOutcome) => void,
): void {
  let stop: (() => void) | undefined;
  let isTold = false;
  const tell = (outcome: SentOutcome): void => {
    if (isTold) return;
    isTold = true;
    stop?.();
    sent(outcome);
  };
  // What the body of the response threw is the error of Node's response.
  const close = (): void => tell(outgoing.errored ? 'failed' : 'aborted');
  const finish = (): void => {
    if (outgoing.errored || wasReset(outgoing, connection)) close();
    else tell('succeeded');
  };
  // Also where it comes too late to hear of it.
  if (outgoing.writableFinished === true) return finish();
  if (outgoing.closed === true || outgoing.destroyed === true) return close();
  outgoing.once('finish', finish);
  outgoing.once('close', close);
  stop = watch(close);
}

/** Node emits `finish` as well when what was written could not be sent, or the stream was reset. */
function wasReset(
  { stream }: NodeOutgoing,
  connection: ConnectionLike & { readonly errored?: unknown },
): boolean {
  if (stream) return stream.aborted === true || (stream.rstCode ?? 0) !== 0;
  return connection.destroyed === true || Boolean(connection.errored);
}
