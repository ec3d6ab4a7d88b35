import type { Denial } from '@apisec/core';
import { assertCount, assertKnownOptions } from '@apisec/core/host';
import type { ExecutionArgs, GraphQLSchema } from 'graphql';
import type { Context, ServerOptions, SubscribePayload } from 'graphql-ws';
import { requestIn, viewConnection } from './connection-request.ts';
import { checkBefore, decide } from './guarded-operation.ts';
import { HOST_OPTIONS, type HostOptions, hostCall } from './host-call.ts';
import { executeUntilOver } from './native-abort.ts';
import { complete, disconnect } from './operation-ending.ts';
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
  // Those of each connection that are under way.
  const running = new WeakMap<object, Map<string, OperationState>>();
  const begin = (context: AnyContext): OperationState =>
    beginOperation(
      plan,
      hostCall(options, context, requestIn(context), () =>
        viewConnection(context, connectionHeaders),
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
      if (Object.keys(context.subscriptions).length > maxOperations) state.denial = BUSY;
      const prepared = await prepareExecution(state, payload, {
        schema,
        fields,
        carriers: [context, requestIn(context).req].filter((each) => each !== undefined),
        context: (args) => contextFor(server, context, id, payload, args),
        isGone: () => !(id in context.subscriptions),
      });
      if (!prepared.args) return prepared.errors;
      states.set(prepared.args, state);
      const others = running.get(context) ?? new Map<string, OperationState>();
      running.set(context, others.set(id, state));
      return prepared.args;
    },
    execute: (args) => executeUntilOver(args, states.get(args), server.execute),
    onOperation: ({ subscriptions }, id, _payload, args, result) => {
      const state = states.get(args);
      // Its caller has ended it meanwhile.
      if (state && !(id in subscriptions)) disconnect(state);
      return guardResult(state, result, now);
    },
    onComplete: async (context, id, payload) => {
      running.get(context)?.delete(id);
      await server.onComplete?.(context, id, payload);
    },
    onDisconnect: async (context, code, reason) => {
      for (const state of running.get(context)?.values() ?? []) disconnect(state);
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

const LONG = '#'.repeat(1_025);
const BUSY: Denial = Object.freeze({ kind: 'rate_limited', code: 'limit.concurrency' });

function contextFor(
  { context: made }: Pick<AnyServerOptions, 'context'>,
  ...of: [AnyContext, string, SubscribePayload, ExecutionArgs]
): unknown {
  return typeof made === 'function' ? made(...of) : made;
}
