import type { Readable } from 'node:stream';
import type { NodeIncoming, NodeResponse } from '@apisec/node';

/*
 * What the hooks need of a request and a reply, so that one set of hooks fits every server type, type provider
 * and logger that an application has chosen.
 */

/** A Fastify request. */
export interface HookRequest {
  readonly raw: NodeIncoming;
  readonly method: string;
  body: unknown;
}

/** A Fastify reply. */
export interface HookReply {
  readonly raw: NodeResponse;
  readonly code: (status: number) => unknown;
  readonly header: (name: string, value: string) => unknown;
  readonly getHeader: (name: string) => unknown;
  readonly removeHeader: (name: string) => unknown;
  readonly send: (payload?: unknown) => unknown;
}

type Hook = (request: HookRequest, reply: HookReply, done: (error?: Error) => void) => void;

/** The hooks of one route. They belong together: a route that replaces one of them is denied. */
export interface SecureRoute {
  readonly onRequest: Hook;
  readonly preParsing: (
    request: HookRequest,
    reply: HookReply,
    payload: Readable,
    done: (error: Error | null, payload?: Readable) => void,
  ) => void;
  readonly preHandler: Hook;
  readonly onSend: (
    request: HookRequest,
    reply: HookReply,
    payload: unknown,
    done: (error: null, payload: unknown) => void,
  ) => void;
}

/** A plugin for `register`; `route` is the same as the options of a single route. */
export interface SecurePlugin {
  (instance: object, options: object, done: (error?: Error) => void): void;
  readonly route: SecureRoute;
}
