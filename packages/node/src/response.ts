import type { ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import type { Socket } from 'node:net';
import type { Denial } from '@apisec/core';
import { httpDenial } from '@apisec/core/host';

/** A response as Node's HTTP/1 and HTTP/2 servers hand it out. */
export type NodeResponse = ServerResponse | Http2ServerResponse;

/** The functions that put bytes on the wire, as they were before anybody replaced them. */
export interface ResponseWriters {
  readonly writeHead: (status: number) => unknown;
  readonly end: (body?: string) => unknown;
}

const gates = new WeakMap<NodeResponse, (() => unknown)[]>();

/** Notes that something holds this response back, and how to make it stop. */
export function holdBack(response: NodeResponse, open: () => unknown): void {
  gates.set(response, [...(gates.get(response) ?? []), open]);
}

/**
 * Opens every gate of a response. For a denial: a guard that stands behind another may deny what the first
 * wants to filter, and there is nothing of the handler's in it.
 */
export function letThrough(response: NodeResponse): void {
  for (const open of gates.get(response) ?? []) open();
}

/**
 * Renders a denial (`httpDenial`) as the whole response. Where another response is already on its way and
 * not complete, the connection is cut: the caller must not take what it has for the whole.
 */
export function sendDenial(
  response: NodeResponse,
  denial: Denial,
  writers: ResponseWriters = response as ServerResponse,
): void {
  if (response.headersSent) {
    if (!response.writableEnded) response.destroy();
    return;
  }
  letThrough(response);
  const { status, headers, body } = httpDenial(denial);
  for (const [name, value] of headers) response.setHeader(name, value);
  if (body !== undefined) response.setHeader('content-length', Buffer.byteLength(body));
  // HTTP/2 has no reason phrase, and warns whoever sets one.
  if (!('stream' in response)) response.statusMessage = '';
  writers.writeHead(status);
  writers.end(body);
}

/**
 * Tells once how a response ended: whole, or `aborted` since the caller went away (or the connection was
 * cut) before all of it was handed to the network.
 */
export function onEnd(response: NodeResponse, tell: (aborted: boolean) => void): void {
  if ('stream' in response) onStreamEnd(response, tell);
  else onServerResponseEnd(response, tell);
}

function onServerResponseEnd(response: ServerResponse, tell: (aborted: boolean) => void): void {
  const connection = connectionOf(response);
  const calls = connection && callsOn(connection);
  let told = false;
  const tellOnce = (aborted: boolean) => {
    if (told) return;
    told = true;
    calls?.delete(abort);
    tell(aborted);
  };
  const abort = () => tellOnce(true);
  // Also where it comes too late to hear of an answer that somebody else gave.
  if (response.closed || response.writableFinished || connection?.destroyed) {
    tellOnce(!response.writableFinished);
    return;
  }
  calls?.add(abort);
  if (connection && calls && calls.size > MOST_PIPELINED) connection.destroy();
  // Node emits `finish` as well when what was written could not be sent.
  response.once('finish', () => tellOnce(Boolean(connection?.destroyed || connection?.errored)));
  response.once('close', abort);
}

function onStreamEnd(response: Http2ServerResponse, tell: (aborted: boolean) => void): void {
  const { stream } = response;
  let told = false;
  const end = () => {
    if (told) return;
    told = true;
    // `finish` is emitted in either case, also when the stream was reset.
    tell(!response.writableEnded || stream.aborted || stream.rstCode !== 0);
  };
  if (stream.destroyed) {
    end();
    return;
  }
  response.once('finish', end);
  response.once('close', end);
}

/**
 * What waits for the end of a connection. A response that is queued behind another of its connection (pipelining,
 * RFC 9112 §9.3.2) has no socket yet, so it emits nothing when the connection goes: it would never end.
 * One set for each connection, since a listener for each call would be too many for Node.
 */
const callsByConnection = new WeakMap<Socket, Set<() => void>>();

/**
 * Calls of one HTTP/1 connection that may wait for their answers; one more cuts the connection. Node takes thousands
 * out of one packet, each with its place among the running calls, and does not hear of the end of a connection
 * whose answers nobody reads. Nobody who means well has so many in line.
 */
const MOST_PIPELINED = 100;

function callsOn(connection: Socket): Set<() => void> {
  const known = callsByConnection.get(connection);
  if (known !== undefined) return known;
  const calls = new Set<() => void>();
  callsByConnection.set(connection, calls);
  connection.once('close', () => {
    for (const end of calls) end();
  });
  return calls;
}

/** Undefined where a request is made up by something that has no connections, and so no queue. */
function connectionOf({ req }: ServerResponse): Socket | undefined {
  const connection = req?.socket as Partial<Socket> | null | undefined;
  return typeof connection?.once === 'function' ? (connection as Socket) : undefined;
}
