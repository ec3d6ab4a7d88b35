import type { ClientCertificate, Denial, Peer, RequestLike } from '@apisec/core';
import { assertKnownOptions, type Ending, fault, httpDenial, stateOf } from '@apisec/core/host';
import {
  type DocumentNode,
  type ExecutionResult,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { denialError } from './denial-error.ts';
import { deniedText } from './denied-document.ts';
import { guardedEvents, isAsyncIterable, releaseResult, shownResult } from './guarded-events.ts';
import { checkBefore, checkDocument, decide, resolveText } from './guarded-operation.ts';
import { certificateOf, peerOfContext, requestOf, viewRequest } from './node-context.ts';
import { openOperation } from './open-operation.ts';
import { applyFieldHeaders, applyHeaders, cacheability } from './operation-answer.ts';
import { complete, disconnect } from './operation-ending.ts';
import { OPERATION_OPTIONS, type OperationOptions, operationPlan } from './operation-plan.ts';
import { beginOperation, newBatch, type OperationState } from './operation-state.ts';
import { isUnnamed } from './safe-errors.ts';

/** Options of {@link apisec}. */
export interface YogaOptions<Facts extends object> extends OperationOptions<Facts> {
  /** Who is at the other end, from Yoga's server context. Default: the connection of `req` in it. */
  readonly peer?: ((serverContext: object) => Peer) | undefined;
  /** What the caller proved to hold in mutual TLS. Default: what the connection of `req` verified. */
  readonly certificate?: ((serverContext: object) => ClientCertificate | undefined) | undefined;
  /** What policies see of the request. Default: the web request, with the raw headers of Node's `req`. */
  readonly request?: ((request: Request, serverContext: object) => RequestLike) | undefined;
  /** Epoch milliseconds, by which tokens end subscriptions. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** One HTTP request, and the operations in it. */
interface HttpOperations {
  readonly batch: ReturnType<typeof newBatch>;
  readonly states: OperationState[];
}

interface Running {
  readonly state: OperationState;
  schema: GraphQLSchema | undefined;
  document: DocumentNode | undefined;
}

/**
 * A guard in front of every operation of a GraphQL Yoga server, and policies in front of its fields, as
 * `@apisec/apollo` has them. List it first. An answer that another plugin gives without asking, as response caches
 * do, is not sent (`guard.incomplete`): nobody decided who may have it.
 *
 * @throws ConfigurationError when the guard has no grant, an option is not known, or `fields` or the table names
 * something that the schema does not have.
 * @example
 * const yoga = createYoga({ schema, plugins: [apisec({ admission: api })] });
 */
export function apisec<Facts extends object>(options: YogaOptions<Facts>): Plugin {
  assertKnownOptions('apisec', options, [
    ...OPERATION_OPTIONS,
    'peer',
    'certificate',
    'request',
    'now',
  ]);
  const { now = Date.now } = options;
  const plan = operationPlan(options, 'apisec');
  const requests = stateOf<HttpOperations>('apisec.operation');
  const running = new WeakMap<object, Running>();
  const begin = (request: Request, serverContext: object): OperationState => {
    const together = requests.get(request) ?? { batch: newBatch(), states: [] };
    requests.set(request, together);
    const state = beginOperation(plan, {
      request: () =>
        options.request?.(request, serverContext) ?? viewRequest(request, serverContext),
      peer: () => (options.peer ? options.peer(serverContext) : peerOfContext(serverContext)),
      certificate: () =>
        options.certificate ? options.certificate(serverContext) : certificateOf(serverContext),
      batch: together.batch,
    });
    together.states.push(state);
    return state;
  };
  return {
    onSchemaChange: ({ schema }) => void plan.prepare(schema as GraphQLSchema),
    onRequestParse: ({ requestParser, setRequestParser }) => {
      if (requestParser) setRequestParser((request) => readParams(requestParser, request));
    },
    onParams: ({ params, request, context, paramsHandler, setParams, setParamsHandler }) => {
      const state = begin(request, context);
      const { query, extensions } = params;
      const text = resolveText(state, { query, extensions, body: params });
      if (plan.trusted && (text !== query || text === undefined)) {
        const { documentId: _, doc_id: __, ...others } = params as typeof params & Ids;
        // Yoga does not go on without a text; what stands for one that is not known runs nothing.
        setParams({ ...others, query: text ?? deniedText });
      }
      running.set(context, { state, schema: undefined, document: undefined });
      const left = (): void => disconnect(state, 200);
      request.signal.addEventListener('abort', left, { once: true });
      if (request.signal.aborted) left();
      setParamsHandler(async (payload) => {
        const denied = await checkBefore(state, text, params.variables);
        const result = denied ? { errors: [] } : await paramsHandler(payload);
        await decide(state, undefined);
        return conclude(state, result, now, () =>
          request.signal.removeEventListener('abort', left),
        );
      });
    },
    onParse:
      ({ context }) =>
      ({ result }) => {
        const current = running.get(context);
        if (!current || result === null || result instanceof Error) return;
        current.document = result as DocumentNode;
        const denial = checkDocument(current.state, current.document);
        if (denial) throw denialError(denial);
      },
    onValidate: ({ params, context }) => {
      const current = running.get(context);
      if (current) current.schema = params.schema as GraphQLSchema;
    },
    onContextBuilding: async ({ context }) => {
      const current = running.get(context);
      const { schema, document, state } = current ?? {};
      if (!state || !schema || !document) throw denialError(fault('guard.incomplete'));
      const { operationName, variables } = context.params;
      const operation = getOperationAST(document, operationName);
      const source = operation && { schema, document, operation, variables: variables ?? {} };
      const denial = await decide(state, source ?? undefined);
      // Ends the pipeline; what the caller sees of it is rendered by the handler above.
      if (denial) throw denialError(denial);
      if (state.disconnected) throw denialError(fault('guard.incomplete'));
    },
    onExecute: ({ args }) => open(running.get(args.contextValue), args),
    onSubscribe: ({ args }) => open(running.get(args.contextValue), args),
    onExecutionResult: (executed) => {
      const state = running.get(executed.context)?.state;
      // Nobody asked the guard, so another plugin had the answer.
      if (!state?.decided) executed.setResult(deniedResult(fault('guard.incomplete')));
    },
    onResponse: ({ request, response }) => {
      const { headers } = response;
      for (const state of requests.get(request)?.states ?? []) {
        const target = {
          set: (name: string, value: string) => headers.has(name) || headers.set(name, value),
          append: (name: string, value: string) => headers.append(name, value),
          delete: (name: string) => headers.delete(name),
        };
        applyHeaders(state, target);
        applyFieldHeaders(state, target);
        if (cacheability(state) !== 'public') headers.set('cache-control', 'no-store');
      }
    },
  };

  function open(current: Running | undefined, args: OpenArgs): void {
    // A context value that another plugin replaced is not open, so its guarded fields are closed.
    if (!current) return;
    const { state } = current;
    const { contextValue, schema } = args;
    if (state.variables) args.variableValues = { ...state.variables };
    openOperation(state, {
      contextValue,
      fields: plan.compiled(schema as GraphQLSchema),
      carriers: [...requestOf(contextValue), (contextValue as { request: Request }).request],
    });
  }
}

/** Yoga answers 500 to variables in a URL or a form that are not JSON: a fault of the caller. */
async function readParams<Params>(
  read: (request: Request) => Params | PromiseLike<Params>,
  request: Request,
): Promise<Params> {
  try {
    return await read(request);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    const { message, extensions } = denialError(MALFORMED);
    throw new GraphQLError(message, {
      extensions: { ...extensions, http: { status: httpDenial(MALFORMED).status } },
    });
  }
}

const MALFORMED: Denial = Object.freeze({ kind: 'malformed', code: 'message.malformed' });

/** What stands for a trusted document. */
interface Ids {
  readonly documentId?: unknown;
  readonly doc_id?: unknown;
}

/** As far as it is needed of what Yoga executes. */
interface OpenArgs {
  readonly contextValue: object;
  readonly schema: unknown;
  variableValues?: unknown;
}

/** What Yoga takes as a result: one, or one after the other. */
type YogaResult = ExecutionResult | AsyncGenerator<ExecutionResult, void, void>;

async function conclude(
  state: OperationState,
  result: unknown,
  now: () => number,
  forget: () => void,
): Promise<YogaResult> {
  const end = (outcome: Ending['outcome'], denial?: Denial): void => {
    forget();
    const status = denial ? httpDenial({ ...denial, answer: undefined }).status : 200;
    complete(state, { outcome, status, denial });
  };
  if (state.denial) {
    end('denied', state.denial);
    return deniedResult(state.denial);
  }
  if (isAsyncIterable(result)) {
    forget();
    return guardedEvents(state, result, now);
  }
  const { result: sent, denial } = await releaseResult(state, result as ExecutionResult);
  const failed = (result as ExecutionResult).errors?.some(isFault) ?? false;
  end(denial ? 'denied' : failed ? 'failed' : 'succeeded', denial);
  return denial ? deniedResult(denial) : shownResult(state, sent);
}

function isFault(error: GraphQLError): boolean {
  return isUnnamed(error) || error.extensions?.['code'] === 'INTERNAL_SERVER_ERROR';
}

function deniedResult(denial: Denial): ExecutionResult {
  const { status, headers } = httpDenial({ ...denial, answer: undefined });
  const sent = Object.fromEntries([...headers].filter(([name]) => name !== 'content-type'));
  return { errors: [denialError(denial)], extensions: { http: { status, headers: sent } } };
}
