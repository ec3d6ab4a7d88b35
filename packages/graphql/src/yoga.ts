import type { RequestLike } from '@apisec/core';
import { assertKnownOptions, fault, stateOf } from '@apisec/core/host';
import type { DocumentNode, ExecutionResult, GraphQLSchema, validate } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { signalWithout } from './caller-disconnect.ts';
import { checkBefore, checkDocument, resolveText } from './check-before.ts';
import { denialError, deniedResult } from './denial-error.ts';
import { type DocumentationPages, PAGE_DISABLED, showsPages } from './documentation-pages.ts';
import { decide } from './guarded-operation.ts';
import { HOST_OPTIONS, type HostOptions, hostCall } from './host-call.ts';
import { hostOperation } from './hosted-operation.ts';
import { deniedErrors, validateFew } from './limits/deny-errors.ts';
import { executeUntilOver, setSignals } from './native-abort.ts';
import { requestOf, viewRequest } from './node-context.ts';
import { openOperation } from './open-operation.ts';
import { sourceIn } from './operation-call.ts';
import { disconnect } from './operation-ending.ts';
import { OPERATION_OPTIONS, type OperationOptions, operationPlan } from './operation-plan.ts';
import { deny, type OperationState } from './operation-state.ts';
import { guardResult } from './prepare-execution.ts';
import { denialAnswer, type YogaAnswer } from './yoga-answer.ts';
import { batched, endRequest, requestedBy, setBatchStatus } from './yoga-batch.ts';
import { corsOfGuard } from './yoga-cors.ts';
import { keepLongDocuments } from './yoga-documents.ts';
import { readParams, withText } from './yoga-params.ts';

/** Options of `apisec`. Hosts are asked about what Yoga calls its server context. */
export interface YogaOptions<Facts extends object>
  extends OperationOptions<Facts>,
    Omit<HostOptions<object>, 'request'>,
    DocumentationPages {
  /** What policies see of the request. Default: the web request, with the raw headers of Node's `req`. */
  readonly request?: ((request: Request, serverContext: object) => RequestLike) | undefined;
  /** Epoch milliseconds, by which tokens end subscriptions. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** One operation, and what Yoga has made of it so far. */
interface Running {
  readonly state: OperationState;
  schema?: GraphQLSchema;
  document?: DocumentNode;
}

/**
 * A guard in front of every operation of a GraphQL Yoga server, and policies in front of its fields, as
 * `@apisec/apollo` has them. List it first. An answer that another plugin gives without asking, as response caches
 * do, is not sent (`guard.incomplete`): nobody decided who may have it.
 *
 * Where the guard has `cors`, it answers preflights, and what Yoga's own option `cors` says is taken away: by default
 * that lets every origin read with credentials. In a table `cors` must be at the beginning of every row.
 *
 * GraphiQL and the landing page are denied (`page.disabled`, 404) but while somebody develops, or where
 * `documentationPages` says so: Yoga shows them to everybody, and asks no guard.
 *
 * @throws ConfigurationError when the guard has no grant, an option is not known, `cors` comes after authentication,
 * or `fields` or the table names something that the schema does not have.
 * @example
 * const yoga = createYoga({ schema, plugins: [apisec({ admission: api })] });
 */
export function apisec<Facts extends object>(options: YogaOptions<Facts>): Plugin {
  assertKnownOptions('apisec', options, [
    ...OPERATION_OPTIONS,
    ...HOST_OPTIONS,
    'documentationPages',
    'now',
  ]);
  const { now = Date.now, request: viewOf, peer, certificate, requestId } = options;
  const plan = operationPlan(options, 'apisec');
  const hidesPages = !showsPages('apisec', options);
  const answerCors = corsOfGuard('apisec', plan);
  const running = stateOf<Running>('apisec.operation');
  const begin = (request: Request, context: object): OperationState => {
    const requested = requestedBy(request);
    const hosted = hostOperation(
      plan,
      { peer, certificate, requestId },
      {
        seen: context,
        view: () => viewOf?.(request, context) ?? viewRequest(request, context),
        batch: requested.batch,
        answers: ANSWERS,
        signal: () => signalWithout(context, request.signal),
        disconnected: (state) => disconnect(state, 200),
      },
    );
    // Yoga answers by itself what it finds wrong with the parameters, and asks no handler: it ends with the response.
    requested.operations.push(hosted);
    return hosted.state;
  };
  const open = ({ args }: { readonly args: OpenArgs }): void => {
    const { contextValue } = args;
    const state = running.get(contextValue)?.state;
    // A context value that another plugin replaced is not open, so its guarded fields are closed.
    if (!state) return;
    if (state.variables) args.variableValues = { ...state.variables };
    const fields = plan.compiled(args.schema);
    const carriers = [...requestOf(contextValue), contextValue.request];
    openOperation(state, { contextValue, fields, carriers });
  };
  return {
    onPluginInit: keepLongDocuments,
    onSchemaChange: ({ schema }) => void plan.prepare(schema as GraphQLSchema),
    onRequestParse: ({ request, requestParser: read, setRequestParser }) => {
      if (read) setRequestParser((parsed) => readParams(read, parsed));
      return {
        // Also of what the parser of another plugin reads in its place.
        onRequestParseDone: ({ requestParserResult, setRequestParserResult }) =>
          setRequestParserResult(batched(request, requestParserResult, plan.maxBatch)),
      };
    },
    onParams: ({ params, request, context, paramsHandler, setParams, setParamsHandler }) => {
      const state = begin(request, context);
      const { query, extensions, variables } = params;
      const text = resolveText(state, { query, extensions, body: params });
      if (plan.trusted && (text !== query || text === undefined)) setParams(withText(params, text));
      running.set(context, { state });
      setParamsHandler(async (payload) => {
        const denied = await checkBefore(state, text, variables);
        const result = denied ? undefined : await executeUntilOver(payload, state, paramsHandler);
        await decide(state, undefined);
        const sent = await guardResult(state, result, now, 200);
        // Both are what Yoga takes: a result, or events.
        return state.denial ? deniedResult(state.denial) : (sent as ExecutionResult);
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
    onValidate: ({ params, context, validateFn, setValidationFn }) => {
      const current = running.get(context);
      if (!current) return undefined;
      current.schema = params.schema as GraphQLSchema;
      setValidationFn((...[schema, document, rules]: Parameters<typeof validate>) =>
        validateFew(schema, document, !plan.showsErrors, (bounds) =>
          validateFn(schema, document, rules, bounds),
        ),
      );
      return ({ result }) => void deny(current.state, deniedErrors(result));
    },
    onContextBuilding: async ({ context }) => {
      const { schema, document, state } = running.get(context) ?? {};
      if (!state || !schema || !document) throw denialError(fault('guard.incomplete'));
      const { operationName, variables } = context.params;
      const denial = await decide(state, sourceIn(schema, document, operationName, variables));
      // Ends the pipeline; what the caller sees of it is rendered by the handler above.
      if (denial) throw denialError(denial);
      if (state.disconnected) throw denialError(fault('guard.incomplete'));
    },
    onExecute: ({ args }) => {
      setSignals(args, running.get(args.contextValue)?.state);
      open({ args });
    },
    onSubscribe: open,
    onExecutionResult: (executed) => {
      // Nobody asked the guard, so another plugin had the answer.
      if (running.get(executed.context)?.state.decided) return;
      executed.setResult(deniedResult(fault('guard.incomplete')));
    },
    onResultProcess: ({ request, result }) => setBatchStatus(request, result),
    onResponse: (answer) => {
      const { request, response, serverContext } = answer;
      if (hidesPages) closePage(answer);
      // Yoga has put its own on it by now, since it stands in front of all plugins.
      const answered = answerCors?.(
        answer,
        hostCall(
          { peer, certificate, requestId },
          serverContext,
          serverContext,
          () => viewOf?.(request, serverContext) ?? viewRequest(request, serverContext),
        ),
      );
      endRequest(request, response.headers);
      return answered;
    },
  };
}

/** What Yoga answers with. */
const ANSWERS = [
  'application/json',
  'application/graphql-response+json',
  'text/event-stream',
  'multipart/mixed',
];

/** As far as it is needed of what Yoga executes. */
interface OpenArgs {
  readonly contextValue: { readonly request: Request };
  readonly schema: GraphQLSchema;
  variableValues?: unknown;
}

/**
 * Yoga shows GraphiQL and its landing page before it asks any plugin, and plugins cannot see its options. No
 * operation is answered in HTML, so every HTML answer is a page.
 */
function closePage({ response, setResponse, fetchAPI }: YogaAnswer): void {
  const type = response.headers.get('content-type') ?? '';
  if (/^\s*(?:text\/html|application\/xhtml\+xml)\b/i.test(type)) {
    setResponse(denialAnswer(PAGE_DISABLED, fetchAPI));
  }
}
