import type { Denial } from '@apisec/core';
import { assertCount, assertKnownOptions } from '@apisec/core/host';
import { type ExecutionArgs, GraphQLError, type GraphQLSchema, subscribe } from 'graphql';
import type { Context, ServerOptions, SubscribePayload } from 'graphql-ws';
import { checkBefore } from './check-before.ts';
import { requestIn, viewConnection } from './connection-request.ts';
import { isAsyncIterable } from './guarded-events.ts';
import { decide } from './guarded-operation.ts';
import { HOST_OPTIONS, type HostOptions, hostCall } from './host-call.ts';
import { executeOrFail, executeUntilOver } from './native-abort.ts';
import { complete, disconnect, endEarly } from './operation-ending.ts';
import { OPERATION_OPTIONS, type OperationOptions, operationPlan } from './operation-plan.ts';
import { beginOperation, type OperationState } from './operation-state.ts';
import { guardResult, prepareExecution } from './prepare-execution.ts';

type AnyContext = Context;
type AnyServerOptions = ServerOptions;

/** Options of {@link apisec}. */
export interface WsOptions<Facts extends object>
  extends OperationOptions<Facts>,
    HostOptions<AnyContext> {
  readonly schema: GraphQLSchema;
  /**
   * Members of the connection's payload that count as request headers, since browsers cannot set any.
   * Default: `authorization`. What the request has itself is joined with them, so that two credentials are seen.
   */
  readonly connectionHeaders?: readonly string[] | undefined;
  /** Operations of one connection at once. Default: 100. The others are denied (`limit.concurrency`). */
  readonly maxOperations?: number | undefined;
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
  assertCount('apisec', 'maxOperations', maxOperations);
  const plan = operationPlan(options, 'apisec');
  const fields = plan.prepare(schema);
  // By the arguments of the execution, which are made here.
  const states = new WeakMap<object, OperationState>();
  const connections = new WeakMap<object, Map<SubscribePayload, Running>>();
  const begin = (context: AnyContext): OperationState =>
    beginOperation(
      plan,
      hostCall(
        options,
        context,
        requestIn(context),
        () => viewConnection(context, connectionHeaders),
        true,
      ),
    );
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
      const running = connections.get(context) ?? new Map<SubscribePayload, Running>();
      connections.set(context, running);
      for (const earlier of running.values()) if (earlier.id === id) abandon(earlier);
      if (running.size >= maxOperations) state.denial = BUSY;
      else running.set(payload, { id, state });
      const prepared = await prepareExecution(state, payload, {
        schema,
        fields,
        carriers: [context, requestIn(context).req].filter((each) => each !== undefined),
        context: (args) => contextFor(server, context, id, payload, args),
        isGone: () => state.disconnected !== undefined || !(id in context.subscriptions),
      });
      if (!prepared.args) {
        running.delete(payload);
        return prepared.errors;
      }
      states.set(prepared.args, state);
      return prepared.args;
    },
    execute: (args) =>
      executeOrFail(() => executeUntilOver(args, states.get(args), server.execute)),
    subscribe: (args) => executeOrFail(() => (server.subscribe ?? subscribe)(args)),
    onOperation: async (context, id, payload, args, result) => {
      const state = states.get(args);
      // Its caller has ended it meanwhile.
      if (state?.disconnected || (state && !(id in context.subscriptions))) disconnect(state);
      const guarded = await guardResult(state, result, now);
      const current = connections.get(context)?.get(payload);
      if (!current || !isAsyncIterable(guarded)) return guarded;
      current.events = guarded;
      if (!state?.disconnected) return guarded;
      end(current);
      // Not its events: another operation may have its id by now, and graphql-ws would take them for that one's.
      return { errors: [new GraphQLError('The caller has disconnected.')] };
    },
    onComplete: async (context, id, payload) => {
      connections.get(context)?.delete(payload);
      await server.onComplete?.(context, id, payload);
    },
    onDisconnect: async (context, code, reason) => {
      for (const each of connections.get(context)?.values() ?? []) end(each);
      await server.onDisconnect?.(context, code, reason);
    },
  } satisfies AnyServerOptions;
}

const OWN_OPTIONS = [
  ...HOST_OPTIONS,
  'schema',
  'connectionHeaders',
  'maxOperations',
  'now',
] as const;

/**
 * An operation that was begun and is not over. It is known by its payload: graphql-ws knows it by its id alone, forgets
 * that as soon as its caller ends it, and takes it again though the operation runs on.
 */
interface Running {
  readonly id: string;
  readonly state: OperationState;
  events?: AsyncGenerator<unknown>;
}

/** Its caller has ended it. What it holds is given back once it is over, as its resolvers may run on. */
function abandon({ state, events }: Running): void {
  state.disconnected ??= { outcome: 'aborted' };
  endEarly(state);
  void events?.return(undefined);
}

/** Its caller has left. */
function end({ state, events }: Running): void {
  disconnect(state);
  void events?.return(undefined);
}

const LONG = '#'.repeat(1_025);
const BUSY: Denial = Object.freeze({ kind: 'rate_limited', code: 'limit.concurrency' });

function contextFor(
  { context: made }: Pick<AnyServerOptions, 'context'>,
  ...of: [AnyContext, string, SubscribePayload, ExecutionArgs]
): unknown {
  return typeof made === 'function' ? made(...of) : made;
}
