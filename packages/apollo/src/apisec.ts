import { assertConfiguration, assertKnownOptions, fault, report, stateOf } from '@apisec/core/host';
import {
  applyFieldHeaders,
  applyHeaders,
  beginOperation,
  cacheability,
  checkBefore,
  checkDocument,
  complete,
  decide,
  denialError,
  deniedDocument,
  deniedText,
  disconnect,
  HOST_OPTIONS,
  type HostOptions,
  headerFields,
  hostCall,
  OPERATION_OPTIONS,
  type OperationOptions,
  type OperationSource,
  type OperationState,
  onCallerDisconnect,
  openOperation,
  operationPlan,
  requestOf,
  resolveText,
  viewRequest,
  waitTogether,
} from '@apisec/graphql';
import { type CertificateSource, nodeCertificate, nodeDenialLog } from '@apisec/node';
import type { ApolloServerPlugin, BaseContext, GraphQLRequestContext } from '@apollo/server';
import { GraphQLError } from 'graphql';
import { batchOf, type HttpBatch, settleStatus } from './batch.ts';
import {
  releaseResponse,
  renderDenial,
  renderErrors,
  restrictCaches,
  watchEnding,
} from './response.ts';

/**
 * Options of {@link apisec}. Hosts are asked about your context value; Node's request is found in it as `req`. Without
 * that, and without `request`, a repeated `Authorization` is not seen, since Apollo is given only the first: then create
 * the HTTP server with `joinDuplicateHeaders`.
 */
export interface ApisecOptions<Facts extends object, Context extends BaseContext>
  extends OperationOptions<Facts>,
    HostOptions<Context> {
  /**
   * Aborted when the caller disconnects: on fetch-style hosts the `signal` of the web request. Default: the connection
   * of `contextValue.req`. With neither, a call runs to its end, and is recorded as if somebody had read its answer.
   */
  readonly signal?: ((contextValue: Context) => AbortSignal | undefined) | undefined;
}

/** One operation on its way through Apollo. */
interface HostedOperation {
  readonly state: OperationState;
  readonly batch: HttpBatch | undefined;
  /** Stops waiting for its caller to disconnect. */
  forget: () => void;
  /** Makes an answer in parts end, where it is one. */
  stop: () => void;
}

/**
 * A guard in front of every operation of an Apollo Server, and policies in front of its fields.
 *
 * What needs no document is decided before it is parsed, so that strangers cannot make the server read large ones. The
 * rest is decided once the operation is parsed and validated, so that its name and fields are what will be
 * executed; one that never got so far is decided before it is answered, so that strangers learn nothing
 * from its errors. Each operation of a batch is decided by itself; the status of a batch is that of its denials only
 * where all are denied. Resolvers read the facts with `factsOf(contextValue, guard)`, loaders that are built in the
 * context function with `factsOf(req, guard)`.
 *
 * Policies with `onMessage` see the variables (not the literals in the document, which only the schema
 * checks), those with `onRelease` the `data`; an incremental answer (`@defer`, `@stream`) cannot be
 * filtered and is denied (`release.unfilterable`).
 *
 * What was answered for one caller is PRIVATE to caches, and kept by none where policies rework it.
 *
 * Apollo itself answers what never becomes an operation: its landing page, its CSRF check, bodies that do not
 * parse, `Accept` headers that it cannot serve. Its standalone server also answers preflights, and lets every
 * origin read; `cors` takes effect with `startStandalone` of `@apisec/apollo/standalone`, or behind a host of your own.
 *
 * @throws ConfigurationError when the guard has no grant or an option is not known; at server start when `fields` or
 * the table names something that the schema does not have.
 * @example
 * const server = new ApolloServer({
 *   typeDefs,
 *   resolvers,
 *   plugins: [apisec({ admission: api, fields: { 'User.email': requireScopes('pii:read') } })],
 * });
 */
export function apisec<Facts extends object, Context extends BaseContext = BaseContext>(
  options: ApisecOptions<Facts, Context>,
): ApolloServerPlugin<Context> {
  assertKnownOptions('apisec', options, [...OPERATION_OPTIONS, ...HOST_OPTIONS, 'signal']);
  const logDenials = nodeDenialLog('apisec', options.logDenials);
  const plan = operationPlan({ ...options, logDenials }, 'apisec');
  const hostOptions = { ...options, certificate: options.certificate ?? certificateIn };
  const hosting = stateOf<HostedOperation>('apisec.operation');
  const begin = (context: GraphQLRequestContext<Context>): HostedOperation => {
    const { contextValue, request, response } = context;
    const batch = context.requestIsBatched ? batchOf(response.http) : undefined;
    const view = () => viewRequest(request.http, contextValue);
    const call = hostCall(hostOptions, contextValue, contextValue, view);
    const state = beginOperation(plan, { ...call, batch: batch?.operations });
    const hosted: HostedOperation = { state, batch, forget: nothing, stop: nothing };
    hosting.set(context, hosted);
    try {
      const left = () => {
        disconnect(state, response.http.status ?? 200);
        hosted.stop();
      };
      hosted.forget = waitTogether(batch?.operations, left, (each) =>
        onCallerDisconnect(contextValue, options.signal?.(contextValue), each),
      );
    } catch (cause) {
      // Open: it tells nothing of who may, only when a call ends, and that without it is when it is answered.
      report(plan.onFault, cause);
    }
    return hosted;
  };
  return {
    serverWillStart: async ({ schema }) => {
      const compiled = plan.prepare(schema);
      return {
        schemaDidLoadOrUpdate: ({ coreSupergraphSdl }) =>
          assertConfiguration(
            coreSupergraphSdl === undefined || compiled.coordinates.length === 0,
            'apisec: a gateway resolves no fields itself. Guard them in the subgraphs.',
          ),
      };
    },
    requestDidStart: async (context) => {
      const hosted = begin(context);
      const { state } = hosted;
      const { contextValue, request, overallCachePolicy } = context;
      const head = headerFields(context.response.http.headers);
      const ruled = async (source?: OperationSource) => {
        const isNew = state.decided === undefined;
        const denial = await decide(state, source);
        if (isNew) applyHeaders(state, head);
        return denial;
      };
      const { query, extensions, http } = request;
      const text = resolveText(state, { query, extensions, body: http?.body });
      if (text !== query && text !== undefined) {
        // Resolved here, so it is not to be looked up again, nor kept.
        const { persistedQuery: _, ...others } = extensions ?? {};
        Object.assign(request, { query: text, extensions: others });
      }
      if (await checkBefore(state, text, request.variables)) {
        Object.assign(request, DENIED_REQUEST);
      }
      return {
        parsingDidStart: async () => async (error?: Error) => {
          const { document } = context;
          if (error || !document || !checkDocument(state, document)) return;
          Object.assign(context, { document: deniedDocument() });
        },
        didResolveOperation: async ({ schema, document, operation }) => {
          const variables = request.variables ?? {};
          const source = operation ? { schema, document, operation, variables } : undefined;
          const denial = await ruled(source);
          // Stops the pipeline; what the caller sees of it is rendered in willSendResponse.
          if (denial) throw denialError(denial);
          // Over: nothing would end the resolvers any more, or count them. Nobody reads this.
          if (state.disconnected) throw new GraphQLError('The caller has disconnected.');
          if (state.variables) Object.assign(request, { variables: state.variables });
          openOperation(state, {
            contextValue,
            fields: plan.compiled(schema),
            carriers: requestOf(contextValue),
            onParticular: () => overallCachePolicy.restrict({ maxAge: 0 }),
          });
        },
        executionDidStart: async () => {
          // After every plugin has begun: Apollo takes no hints of the schema where a policy is restricted before.
          await Promise.resolve();
          restrictCaches(context, cacheability(state));
        },
        willSendResponse: async (sending) => {
          const { response } = sending;
          const decided = await ruled();
          const denial = decided ?? (await releaseResponse(state, response));
          if (denial) renderDenial(response, denial, hosted.batch !== undefined);
          else if (!plan.showsErrors) renderErrors(sending);
          // Again, for what another plugin answered without executing it.
          restrictCaches(context, cacheability(state));
          applyFieldHeaders(state, head);
          if (hosted.batch) settleStatus(hosted.batch, sending, denial);
          hosted.stop = watchEnding(sending, denial, (ending) => {
            hosted.forget();
            complete(state, ending);
          });
          if (state.disconnected) hosted.stop();
        },
      };
    },
    unexpectedErrorProcessingRequest: async ({ requestContext }) => {
      const hosted = hosting.get(requestContext);
      if (!hosted) return;
      hosted.forget();
      await decide(hosted.state, undefined);
      const denial = hosted.state.denial ?? fault('handler.threw');
      complete(hosted.state, { outcome: 'failed', status: 500, denial });
    },
  };
}

/** With what it says, where a policy asks. */
function certificateIn({ req }: { readonly req?: Partial<CertificateSource> | null }) {
  return req?.headers && nodeCertificate(req as CertificateSource);
}

/** Ends when it is parsed, so that nothing is executed, stored or looked up for it. */
const DENIED_REQUEST = {
  query: deniedText,
  operationName: undefined,
  variables: undefined,
  extensions: undefined,
};

const nothing = (): void => undefined;
