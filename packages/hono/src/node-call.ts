import {
  assertHeader,
  type ConnectionLike,
  type Enforcement,
  type FetchCall,
  fault,
  isConnection,
  onDisconnect,
  type SentOutcome,
} from '@apisec/core/host';
import type { Context } from 'hono';
import { editHead, type LateEdit, type NodeOutgoing } from './node-head.ts';

/** What `@hono/node-server` puts into `c.env`: in an upgrade there is no response. */
interface NodeEnv {
  readonly incoming?: {
    readonly socket?: unknown;
    /** Of HTTP/2. */
    readonly stream?: unknown;
    readonly httpVersionMajor?: unknown;
  };
  readonly outgoing?: Partial<NodeOutgoing>;
}

/** What Node knows of a call beyond the web standards. */
export type NodeCall = Pick<
  FetchCall<object>,
  'applyHeaders' | 'onSent' | 'onDisconnect' | 'onSocketClosed'
>;

/**
 * The call as `@hono/node-server` has it; nothing on other hosts. Header edits go to Node's own response, so that the
 * web `Response` keeps the fast way that its body is sent by, and its end is heard of there without a look at the body.
 */
export function nodeCallOf(c: Context): NodeCall {
  // What hosts put there is theirs: nothing is taken for granted.
  const { incoming, outgoing } = (c.env ?? {}) as NodeEnv;
  const connection = incoming?.stream ?? incoming?.socket;
  if (!isConnection(connection)) return NONE;
  // A response that is queued behind another of its connection (pipelining, RFC 9112 §9.3.2) never hears of its end.
  const pipelined = incoming?.httpVersionMajor === 1;
  const watch = (disconnected: () => void) =>
    onDisconnect(connection, disconnected, { pipelined: pipelined && outgoing !== undefined });
  if (!isOutgoing(outgoing)) {
    return outgoing === undefined
      ? { onDisconnect: watch, onSocketClosed: watch }
      : { onDisconnect: watch };
  }
  return {
    onDisconnect: watch,
    applyHeaders: (enforcement) => applyHeaders(outgoing, enforcement),
    onSent: (sent) => onSent(outgoing, connection, watch, sent),
  };
}

const NONE: NodeCall = Object.freeze({});

function isOutgoing(outgoing: Partial<NodeOutgoing> | undefined): outgoing is NodeOutgoing {
  return (
    typeof outgoing?.setHeader === 'function' &&
    typeof outgoing.writeHead === 'function' &&
    typeof outgoing.once === 'function'
  );
}

/** `set` stands unless the handler sets the header itself; `append` and `delete` hold whatever the handler does. */
function applyHeaders(outgoing: NodeOutgoing, { applyHeaders }: Enforcement) {
  let late: LateEdit[] = [];
  try {
    applyHeaders({
      set: (name, value) => {
        // Node throws by itself where it cannot send that.
        outgoing.setHeader(name, value);
        if (late.length > 0) late = late.filter((edit) => edit.name !== name.toLowerCase());
      },
      append: (name, value) => {
        assertHeader(name, value);
        late.push({ op: 'append', name: name.toLowerCase(), value });
      },
      delete: (name) => {
        assertHeader(name, '');
        late.push({ op: 'delete', name: name.toLowerCase() });
      },
    });
  } catch (cause) {
    return fault('policy.invalid_outcome', cause);
  }
  if (late.length > 0) editHead(outgoing, late);
  return undefined;
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
