import type { ClientCertificate, Denial, Peer, RequestLike } from '@apisec/core';
import { assertConfiguration, assertKnownOptions, fault } from '@apisec/core/host';
import {
  type ExecutionArgs,
  type ExecutionResult,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  parse,
  validate,
} from 'graphql';
import type { Context, ServerOptions, SubscribePayload } from 'graphql-ws';
import { denialError } from './denial-error.ts';
import { guardedEvents, isAsyncIterable, releaseResult } from './guarded-events.ts';
import { checkBefore, checkDocument, decide, resolveText } from './guarded-operation.ts';
import { certificateOf, peerOfContext, viewRequest } from './node-context.ts';
import { openOperation } from './open-operation.ts';
import { complete } from './operation-ending.ts';
import { OPERATION_OPTIONS, type OperationOptions, operationPlan } from './operation-plan.ts';
import { beginOperation, type OperationState } from './operation-state.ts';
import { isUnnamed, safeGraphqlError, safeResult } from './safe-errors.ts';

type AnyContext = Context;
type AnyServerOptions = ServerOptions;

/** Options of {@link apisec}. */
export interface WsOptions<Facts extends object> extends OperationOptions<Facts> {
  readonly schema: GraphQLSchema;
  /**
   * Members of the connection's payload that count as request headers, since browsers cannot set any.
   * Default: `authorization`. What the request has itself is joined with them, so that two credentials are seen.
   */
  readonly connectionHeaders?: readonly string[] | undefined;
  /** Operations of one connection at once. Default: 100. The others are denied (`limit.concurrency`). */
  readonly maxOperations?: number | undefined;
  readonly peer?: ((context: AnyContext) => Peer) | undefined;
  readonly certificate?: ((context: AnyContext) => ClientCertificate | undefined) | undefined;
  readonly request?: ((context: AnyContext) => RequestLike) | undefined;
  /** Epoch milliseconds, by which tokens expire. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/**
 * The options of a graphql-ws server whose operations are guarded: decided at connect as far as no document is needed
 * for it, and at each subscribe; each event goes through field policies and filters; a subscription ends with the
 * token that it was admitted by, and counts as a running call until then. Resolvers read the facts with
 * `factsOf(contextValue, guard)`.
 *
 * @param server your own options: `context`, `onConnect` and the like are asked after the guard.
 * @throws ConfigurationError when the guard has no grant, an option is not known, or `fields` or the table names
 * something that the schema does not have.
 * @example
 * useServer(apisec({ admission: api, schema }), new WebSocketServer({ server, path: '/graphql' }));
 */
export function apisec<Facts extends object>(
  options: WsOptions<Facts>,
  server: Omit<AnyServerOptions, 'schema' | 'onSubscribe' | 'onOperation' | 'onNext'> = {},
): AnyServerOptions {
  assertKnownOptions('apisec', options, [...OPERATION_OPTIONS, ...OWN_OPTIONS]);
  const { schema, connectionHeaders = ['authorization'], maxOperations = 100 } = options;
  const { now = Date.now } = options;
  assertConfiguration(
    Number.isSafeInteger(maxOperations) && maxOperations >= 1,
    'apisec: maxOperations must be a whole number, 1 or more.',
  );
  const plan = operationPlan(options, 'apisec');
  const fields = plan.prepare(schema);
  // By the arguments of the execution, which are made here.
  const states = new WeakMap<object, OperationState>();
  const begin = (context: AnyContext): OperationState =>
    beginOperation(plan, {
      request: () => options.request?.(context) ?? viewConnection(context, connectionHeaders),
      peer: () => options.peer?.(context) ?? peerOfContext(requestIn(context)),
      certificate: () =>
        options.certificate ? options.certificate(context) : certificateOf(requestIn(context)),
    });
  return {
    ...server,
    schema,
    onConnect: async (context) => {
      const state = begin(context);
      // Padded, since what is short is read before it is decided.
      const denial = await checkBefore(state, LONG, undefined);
      // Nothing was run, so what policies took for it is given back.
      await decide(state, undefined);
      complete(state, denial ? { outcome: 'denied', denial } : { outcome: 'succeeded' });
      // A limit that is used up may have room when there is something to do.
      if (denial && denial.kind !== 'rate_limited') return false;
      return server.onConnect?.(context);
    },
    onSubscribe: async (context, id, payload) => {
      const state = begin(context);
      const { variables, operationName, extensions } = payload;
      const query = resolveText(state, { query: payload.query, extensions, body: payload });
      if (Object.keys(context.subscriptions).length > maxOperations) state.denial = BUSY;
      const isDenied = state.denial ?? (await checkBefore(state, query, variables));
      if (isDenied || query === undefined) return denied(state);
      let document: ReturnType<typeof parse>;
      try {
        document = parse(query);
      } catch (cause) {
        return unresolved(state, [cause as GraphQLError]);
      }
      if (checkDocument(state, document)) return denied(state);
      const errors = validate(schema, document);
      if (errors.length > 0) return unresolved(state, errors);
      const operation = getOperationAST(document, operationName);
      if (!operation) return unresolved(state, [new GraphQLError('There is no such operation.')]);
      if (await decide(state, { schema, document, operation, variables: variables ?? {} })) {
        return denied(state);
      }
      const args: ExecutionArgs = {
        schema,
        document,
        operationName: operationName ?? null,
        variableValues: { ...(state.variables ?? variables) },
      };
      try {
        args.contextValue = await contextFor(server, context, id, payload, args);
      } catch {
        complete(state, { outcome: 'failed' });
        return [new GraphQLError('Internal server error')];
      }
      // Over before it began: nobody would end it any more.
      if (!(id in context.subscriptions)) {
        complete(state, { outcome: 'aborted' });
        return [new GraphQLError('The caller has disconnected.')];
      }
      const carriers = [context, requestIn(context).req].filter((each) => each !== undefined);
      openOperation(state, { contextValue: args.contextValue as object, fields, carriers });
      states.set(args, state);
      return args;
    },
    onOperation: (_context, _id, _payload, args, result) => {
      const state = states.get(args);
      if (!state) throw denialError(fault('guard.incomplete'));
      return isAsyncIterable(result)
        ? guardedEvents(state, result, now, plan.showsErrors ? unchanged : safeResult)
        : once(state, result as ExecutionResult);
    },
  } satisfies AnyServerOptions;
}

/** Why an operation that was denied, or never resolved, is not executed. */
async function denied(state: OperationState): Promise<readonly GraphQLError[]> {
  await decide(state, undefined);
  const { denial = fault('guard.incomplete') } = state;
  complete(state, { outcome: 'denied', denial });
  return [denialError(denial)];
}

async function unresolved(
  state: OperationState,
  errors: readonly GraphQLError[],
): Promise<readonly GraphQLError[]> {
  const denial = await decide(state, undefined);
  complete(state, denial ? { outcome: 'denied', denial } : { outcome: 'succeeded' });
  return denial ? [denialError(denial)] : errors.map(safeGraphqlError);
}

const OWN_OPTIONS = [
  'schema',
  'connectionHeaders',
  'maxOperations',
  'peer',
  'certificate',
  'request',
  'now',
] as const;

const LONG = '#'.repeat(1_025);
const BUSY: Denial = Object.freeze({ kind: 'rate_limited', code: 'limit.concurrency' });

/** The context value of one operation: a copy, so that operations share no decision. */
async function contextFor(
  { context: made }: Pick<AnyServerOptions, 'context'>,
  context: AnyContext,
  id: string,
  payload: SubscribePayload,
  args: ExecutionArgs,
): Promise<object> {
  const value: unknown = typeof made === 'function' ? await made(context, id, payload, args) : made;
  if (typeof value !== 'object' || value === null) return {};
  return Object.assign(
    Object.create(Object.getPrototypeOf(value) as object | null) as object,
    value,
  );
}

/** What hosts call the HTTP request that the connection began with. */
function requestIn(context: AnyContext): { readonly req?: object | undefined } {
  const { request } = (context.extra ?? {}) as { readonly request?: object | undefined };
  return { req: request };
}

/**
 * The request that the connection began with, and what its payload adds. A POST: what comes over it may change things,
 * so what browsers send on behalf of other origins is held to the rules of that.
 */
function viewConnection(context: AnyContext, names: readonly string[]): RequestLike {
  const { req } = requestIn(context) as { readonly req?: { readonly headers?: unknown } };
  const own = (req?.headers ?? {}) as Readonly<
    Record<string, string | readonly string[] | undefined>
  >;
  const params = context.connectionParams ?? {};
  const added = new Map<string, string>();
  for (const [name, value] of Object.entries(params)) {
    const key = name.toLowerCase();
    if (!names.includes(key) || typeof value !== 'string') continue;
    // Twice is seen as twice.
    added.set(key, added.has(key) ? `${added.get(key)}, ${value}` : value);
  }
  const get = (name: string): string | undefined => {
    const key = name.toLowerCase();
    const sent = Object.hasOwn(own, key) ? own[key] : undefined;
    const values = [typeof sent === 'string' ? sent : sent?.join(', '), added.get(key)];
    const present = values.filter((value) => value !== undefined);
    return present.length > 0 ? present.join(', ') : undefined;
  };
  const headers = { get, has: (name: string) => get(name) !== undefined };
  const view = viewRequest({ method: 'POST', headers }, { req });
  return { method: 'POST', url: view.url, headers: added.size > 0 ? headers : view.headers };
}

async function once(state: OperationState, result: ExecutionResult): Promise<ExecutionResult> {
  const { result: sent, denial } = await releaseResult(state, result);
  const failed = result.errors?.some(isUnnamed) ?? false;
  complete(
    state,
    denial ? { outcome: 'denied', denial } : { outcome: failed ? 'failed' : 'succeeded' },
  );
  return state.plan.showsErrors ? sent : safeResult(sent);
}

function unchanged(result: ExecutionResult): ExecutionResult {
  return result;
}
