import type { Denial } from '@apisec/core';
import {
  assertBodyLimit,
  assertKnownOptions,
  DEFAULT_MAX_BODY_BYTES,
  httpDenial,
} from '@apisec/core/host';
import { type GraphQLError, type GraphQLSchema, subscribe } from 'graphql';
import type { Request as AnyRequest, HandlerOptions, Response } from 'graphql-sse';
import { onCallerDisconnect } from './caller-disconnect.ts';
import { denialError } from './denial-error.ts';
import { decide } from './guarded-operation.ts';
import { HOST_OPTIONS, type HostOptions, hostCall } from './host-call.ts';
import { executeOrFail, executeUntilOver } from './native-abort.ts';
import { viewRequest } from './node-context.ts';
import { applyHeaders } from './operation-answer.ts';
import { complete, disconnect } from './operation-ending.ts';
import { OPERATION_OPTIONS, type OperationOptions, operationPlan } from './operation-plan.ts';
import { beginOperation, type OperationState } from './operation-state.ts';
import { guardResult, prepareExecution } from './prepare-execution.ts';
import { headerOf, headersTarget, nodeRequestOf, onStreamClosed } from './stream-response.ts';

type Context = Record<PropertyKey, unknown>;
type AnyOptions = HandlerOptions<unknown, unknown, Context>;
type SseRequest = AnyRequest<unknown, unknown>;

/** What is the guard's to say. */
type Guarded = 'schema' | 'authenticate' | 'validate' | 'onSubscribe' | 'onOperation' | 'onNext';

/** Options of {@link apisec}. */
export interface SseOptions<Facts extends object>
  extends OperationOptions<Facts>,
    HostOptions<SseRequest> {
  readonly schema: GraphQLSchema;
  /**
   * Bytes of one request's body, as it announces them; one that does not is denied as well (`body.too_large`), since
   * graphql-sse reads bodies to their end. Default: 1 MiB.
   */
  readonly maxBodyBytes?: number | undefined;
  /** Epoch milliseconds, by which tokens end subscriptions. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/**
 * The options of a graphql-sse handler whose operations are guarded, each with a stream of its own ("distinct
 * connections mode"): a denial is the HTTP answer, with status and challenge; each event goes through field policies
 * and filters; a stream ends with the token that it was admitted by, and counts as a running call until then. Resolvers
 * read the facts with `factsOf(contextValue, guard)`.
 *
 * A POST must be `application/json`, which no other origin sends without a preflight (`content_type.not_allowed`).
 * Header edits of admitted operations are made where graphql-sse hands over Node's response; its fetch handler has no
 * place for them.
 *
 * @param handler your own options: `context`, `onConnect` and the like are asked after the guard.
 * @throws ConfigurationError when the guard has no grant, an option is not known, or `fields` or the table names
 * something that the schema does not have.
 * @example
 * createServer(createHandler(apisec({ admission: api, schema })));
 */
export function apisec<Facts extends object>(
  options: SseOptions<Facts>,
  handler: Omit<AnyOptions, Guarded> = {},
): AnyOptions {
  assertKnownOptions('apisec', options, [...OPERATION_OPTIONS, ...OWN_OPTIONS]);
  const { schema, maxBodyBytes = DEFAULT_MAX_BODY_BYTES, now = Date.now } = options;
  assertBodyLimit(maxBodyBytes, 'apisec');
  const plan = operationPlan(options, 'apisec');
  const fields = plan.prepare(schema);
  // By the arguments of the execution, which are made here.
  const states = new WeakMap<object, OperationState>();
  const begin = (request: SseRequest): OperationState => {
    const node = { req: nodeRequestOf(request) };
    const get = (name: string) => headerOf(request, name);
    const headers = { get, has: (name: string) => get(name) !== undefined };
    const { method, url } = request;
    const view = () => viewRequest({ method, url, headers }, node);
    return beginOperation(plan, hostCall(options, request, node, view));
  };
  return {
    ...handler,
    schema,
    // Streams that outlive their requests belong to nobody who was asked, and are kept without bound.
    authenticate: () => null,
    // Done before the operation was decided.
    validate: () => [],
    onConnect: async (request) => {
      const denial = unreadable(request, maxBodyBytes);
      if (!denial) return handler.onConnect?.(request);
      const state = begin(request);
      state.denial = denial;
      await decide(state, undefined);
      complete(state, { outcome: 'denied', denial: state.denial });
      return answer(request, state, [denialError(state.denial)]);
    },
    onSubscribe: async (request, params) => {
      const state = begin(request);
      const left = () => disconnect(state, 200);
      const forget = onCallerDisconnect({ req: nodeRequestOf(request) }, undefined, left);
      onStreamClosed(request, () => {
        forget();
        left();
      });
      const prepared = await prepareExecution(state, params, {
        schema,
        fields,
        carriers: [request, request.raw].filter(isObject),
        context: () =>
          typeof handler.context === 'function'
            ? handler.context(request, params)
            : handler.context,
        isGone: () => state.disconnected !== undefined,
      });
      if (!prepared.args) return answer(request, state, prepared.errors);
      applyHeaders(state, headersTarget(request, {}));
      states.set(prepared.args, state);
      return prepared.args as typeof prepared.args & { contextValue: Context };
    },
    execute: (args) =>
      executeOrFail(() => executeUntilOver(args, states.get(args), handler.execute as never)),
    subscribe: (args) => executeOrFail(() => (handler.subscribe ?? subscribe)(args)),
    onOperation: (_context, _request, args, result) => guardResult(states.get(args), result, now),
  };
}

const OWN_OPTIONS = [...HOST_OPTIONS, 'schema', 'maxBodyBytes', 'now'] as const;

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** What is not executed is answered before any stream begins. */
function answer(
  request: SseRequest,
  state: OperationState,
  errors: readonly GraphQLError[],
): Response {
  const headers: Record<string, string> = {};
  const target = headersTarget(request, headers);
  applyHeaders(state, target);
  const { denial, caller } = state;
  const denied =
    denial && httpDenial({ ...denial, answer: undefined }, { requestId: caller?.requestId });
  for (const [name, value] of denied?.headers ?? []) target.set(name, value);
  target.set('cache-control', 'no-store');
  headers['content-type'] = 'application/json; charset=utf-8';
  return [JSON.stringify({ errors }), { status: denied?.status ?? 400, statusText: '', headers }];
}

/**
 * Why the body of a request is not read: browsers send it on behalf of any origin, graphql-sse would read something
 * else than was sent, or it is too long.
 */
function unreadable(request: SseRequest, maxBytes: number): Denial | undefined {
  if (request.method !== 'POST') return undefined;
  const isJson = JSON_TYPE.test(headerOf(request, 'content-type') ?? '');
  if (!isJson || headerOf(request, 'content-encoding') !== undefined) return NOT_JSON;
  const length = headerOf(request, 'content-length') ?? '';
  return /^\d{1,15}$/.test(length) && Number(length) <= maxBytes ? undefined : TOO_LARGE;
}

const JSON_TYPE = /^application\/json *(?:; *charset="?utf-8"? *)?$/i;
const NOT_JSON: Denial = Object.freeze({
  kind: 'unsupported',
  code: 'content_type.not_allowed',
  detail: 'Operations are sent as application/json, in UTF-8 and without a content coding.',
});
const TOO_LARGE: Denial = Object.freeze({
  kind: 'too_large',
  code: 'body.too_large',
  detail: 'The body is larger than allowed, or does not say how large it is.',
});
