import type { ServerResponse } from 'node:http';
import { constants, type Http2ServerResponse } from 'node:http2';
import type { Socket } from 'node:net';
import type { Denial } from '@apisec/core';
import {
  BODY_HEADERS,
  httpDenial,
  onDisconnect,
  type ProblemRendering,
  stateOf,
} from '@apisec/core/host';

/** A response as Node's HTTP/1 and HTTP/2 servers hand it out. */
export type NodeResponse = ServerResponse | Http2ServerResponse;

/** The functions that put bytes on the wire, as they were before anybody replaced them. */
export interface ResponseWriters {
  readonly writeHead: (status: number) => unknown;
  readonly end: (body?: string) => unknown;
}

/** Opens a gate for everything; with a text, tells one that is open already what its guard has let out. */
type Gate = (text?: string) => unknown;

const gates = stateOf<readonly Gate[]>('apisec.gates');

const renderings = stateOf<ProblemRendering>('apisec.rendering');

/** Says how denials of this response are rendered, whoever gives them. */
export function renderAs(response: NodeResponse, rendering: ProblemRendering): void {
  renderings.set(response, rendering);
}

/** How denials of this response are rendered. */
export function renderingOf(response: NodeResponse): ProblemRendering | undefined {
  return renderings.get(response);
}

/** Notes that something holds this response back, and how to make it stop. */
export function holdBack(response: NodeResponse, open: Gate): void {
  gates.set(response, [...(gates.get(response) ?? []), open]);
}

/**
 * Opens every gate of a response. For a denial: a guard that stands behind another may deny what the first
 * wants to filter, and there is nothing of the handler's in it.
 */
export function letThrough(response: NodeResponse): void {
  for (const open of gates.get(response) ?? []) open();
}

/** Tells every gate that is open what text goes out: one guard may filter what another has filtered. */
export function letOut(response: NodeResponse, text: string): void {
  for (const open of gates.get(response) ?? []) open(text);
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
    if (!response.writableEnded) cut(response);
    return;
  }
  letThrough(response);
  const { status, headers, body } = httpDenial(denial, renderings.get(response));
  dropBodyHeaders(response);
  for (const [name, value] of headers) response.setHeader(name, value);
  // Node would not say it any more where a length was taken away. With 204 there must be none.
  if (status !== 204) response.setHeader('content-length', Buffer.byteLength(body ?? ''));
  // HTTP/2 has no reason phrase, and warns whoever sets one.
  if (!('stream' in response)) response.statusMessage = '';
  writers.writeHead(status);
  writers.end(body);
}

/** Of HTTP/2 the one stream, with an error: one without it would be taken for the end. */
function cut(response: NodeResponse): void {
  if ('stream' in response) response.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  else response.destroy();
}

/** Takes away what was said of a body that is not sent. */
export function dropBodyHeaders(response: NodeResponse): void {
  for (const name of response.getHeaderNames()) {
    if (BODY_HEADERS.includes(name)) response.removeHeader(name);
  }
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
  // Also where it comes too late to hear of an answer that somebody else gave.
  if (response.closed || response.writableFinished || connection?.destroyed) {
    tell(!response.writableFinished);
    return;
  }
  let told = false;
  let stop: (() => void) | undefined;
  const tellOnce = (aborted: boolean) => {
    if (told) return;
    told = true;
    stop?.();
    tell(aborted);
  };
  const abort = () => tellOnce(true);
  // Only the first counts, and the response is gone after it: `once` would make a wrapper for each.
  // Node emits `finish` as well when what was written could not be sent.
  response.on('finish', () => tellOnce(Boolean(connection?.destroyed || connection?.errored)));
  response.on('close', abort);
  stop = connection && onDisconnect(connection, abort, { pipelined: true });
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

/** Undefined where a request is made up by something that has no connections, and so no queue. */
function connectionOf({ req }: ServerResponse): Socket | undefined {
  const connection = req?.socket as Partial<Socket> | null | undefined;
  return typeof connection?.once === 'function' ? (connection as Socket) : undefined;
}

/**
 * True once nobody is there to answer: the connection, or of HTTP/2 the stream, is closed. A response that is queued
 * behind another does not know that by itself.
 */
export function isDisconnected(response: NodeResponse): boolean {
  if ('stream' in response) return response.stream?.destroyed !== false;
  return response.closed || connectionOf(response)?.destroyed === true;
}
