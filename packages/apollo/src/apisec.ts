import { assertConfiguration, assertKnownOptions, fault, stateOf } from '@apisec/core/host';
import {
  cacheability,
  checkBefore,
  checkDocument,
  complete,
  decide,
  denialError,
  deniedDocument,
  disconnect,
  HOST_OPTIONS,
  type HostedOperation,
  headerFields,
  hostOperation,
  OPERATION_OPTIONS,
  openOperation,
  operationPlan,
  requestOf,
  showsPages,
  viewRequest,
} from '@apisec/graphql';
import { nodeDenialLog } from '@apisec/node';
import type { ApolloServerPlugin, BaseContext } from '@apollo/server';
import { ApolloServerPluginLandingPageDisabled } from '@apollo/server/plugin/disabled';
import { GraphQLError } from 'graphql';
import { batchOf, joinBatch } from './batch.ts';
import { maskContextError } from './context-errors.ts';
import { laterErrors } from './later-errors.ts';
import type { ApisecOptions } from './options.ts';
import { certificateIn, emptyRequest, textOf } from './request.ts';
import { checkValidation, renderAnswer, restrictCaches, watchEnding } from './response.ts';

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
 * Apollo shows a landing page to everybody. It is off but while somebody develops, or where `documentationPages` says
 * so; a page that you list as a plugin yourself stays.
 *
 * Apollo itself answers what never becomes an operation: its CSRF check, bodies that do not parse. It also answers
 * `Accept` headers that it cannot serve (406), but only once the operation has run: a mutation is denied before
 * (`http.not_acceptable`). Of what your context function throws callers get the text only where it is a `GraphQLError`.
 * Apollo's standalone server lets every origin read; `startStandalone` of `@apisec/apollo/standalone` heeds `cors`.
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
  assertKnownOptions('apisec', options, [
    ...OPERATION_OPTIONS,
    ...HOST_OPTIONS,
    'documentationPages',
    'signal',
  ]);
  const logDenials = nodeDenialLog('apisec', options.logDenials) ?? false;
  const plan = operationPlan({ ...options, logDenials }, 'apisec');
  const hostOptions = { ...options, certificate: options.certificate ?? certificateIn };
  const hosting = stateOf<HostedOperation>('apisec.operation');
  return {
    // Its marks tell Apollo not to install the page that it shows to everybody before any plugin is asked.
    ...(showsPages('apisec', options) ? {} : ApolloServerPluginLandingPageDisabled()),
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
      const { contextValue, request, response, overallCachePolicy } = context;
      const batch = context.requestIsBatched ? batchOf(response.http) : undefined;
      if (batch) await joinBatch(batch, plan.maxBatch);
      /** Makes an answer in parts end, where it is one. */
      let stop = nothing;
      const hosted = hostOperation(plan, hostOptions, {
        seen: contextValue,
        view: () => viewRequest(request.http, contextValue),
        head: headerFields(response.http.headers),
        batch: batch?.operations,
        // Where a plugin has named the type of the answer, Apollo does not heed what the caller accepts.
        answers: response.http.headers.has('content-type') ? undefined : ANSWERS,
        signal: () => options.signal?.(contextValue),
        disconnected: (each) => {
          disconnect(each, response.http.status ?? 200);
          stop();
        },
      });
      hosting.set(context, hosted);
      const { state } = hosted;
      if (await checkBefore(state, textOf(state, request), request.variables)) {
        emptyRequest(request);
      }
      const later = laterErrors(plan.showsErrors);
      // A spread would give each listener its own hidden class, and Apollo would pay for it as well.
      return {
        didEncounterSubsequentErrors: later.didEncounterSubsequentErrors,
        willSendSubsequentPayload: later.willSendSubsequentPayload,
        parsingDidStart: async () => async (error?: Error) => {
          const { document, schema } = context;
          if (error || !document || !checkDocument(state, document, schema)) return;
          Object.assign(context, { document: deniedDocument() });
        },
        validationDidStart: async () => async (errors) => checkValidation(state, errors),
        didResolveOperation: async ({ schema, document, operation }) => {
          const variables = request.variables ?? {};
          const source = operation ? { schema, document, operation, variables } : undefined;
          const denial = await decide(state, source);
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
          const denial = await renderAnswer(state, sending, batch);
          stop = watchEnding(state, sending, denial, (ending) => {
            hosted.forget();
            complete(state, ending);
          });
          if (state.disconnected) stop();
        },
      };
    },
    contextCreationDidFail: async ({ error }) => {
      if (!plan.showsErrors) await maskContextError(error, plan.onFault);
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

/** What Apollo answers with; the last one is for incremental answers. */
const ANSWERS = ['application/json', 'application/graphql-response+json', 'multipart/mixed'];

const nothing = (): void => undefined;
