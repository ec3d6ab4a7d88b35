import type { Admission, ClientCertificate, GraphqlFacts, Peer, RequestLike } from '@apisec/core';
import {
  assertAdmission,
  assertConfiguration,
  type Ending,
  type Enforcement,
  enforce,
  report,
} from '@apisec/core/host';
import {
  assertTable,
  type CompiledFields,
  compileFields,
  type FieldPolicies,
  gateFields,
  gateIntrospection,
  listRootFields,
  openFields,
  refusalError,
} from '@apisec/graphql';
import type { ApolloServerPlugin, BaseContext } from '@apollo/server';
import { GraphQLError, type GraphQLFieldResolver, type GraphQLSchema } from 'graphql';
import { onDeparture } from './departure.ts';
import { endingOf, watchIncremental } from './ending.ts';
import { headersTarget, releaseData, renderRefusal } from './response.ts';
import { type Ruling, rule } from './ruling.ts';

/** Options of {@link apisec}. */
export interface ApisecOptions<Facts extends object, Context extends BaseContext> {
  /**
   * A guard for every operation, or a `coverage` table from root fields (`Query.orders`) to guards. With a
   * table each root field of an operation must be listed and its guard must admit; a guard listed for
   * several fields runs once. `api.assertCovered(listRootFields(schema))`, of `@apisec/graphql`, tells at
   * start what was forgotten.
   *
   * `Query.__schema` and `Query.__type` are root fields like others, `Query.__typename` where nothing else
   * is selected. An operation that never resolved (it does not parse or validate, or its hash is not
   * known) is listed as `unresolved`; automatic persisted queries need that entry.
   */
  readonly admission: Admission<GraphqlFacts, Facts>;
  /**
   * Policies for single fields, by schema coordinate (`User.email`), asked before the field's resolver. A
   * refused field is null with an error at its path; the rest of the answer, and the HTTP status, stay.
   * With a coverage table they see the facts of the guard of the root field above.
   */
  readonly fields?: FieldPolicies<NoInfer<Facts>> | undefined;
  /** Who is at the other end, from what your context knows. Default: unknown. */
  readonly peer?: ((contextValue: Context) => Peer) | undefined;
  /**
   * What the caller proved to hold in mutual TLS: on Node `nodeCertificate(req)` of `@apisec/node`. Default:
   * nothing, so tokens that are bound to a certificate are refused.
   */
  readonly certificate?: ((contextValue: Context) => ClientCertificate | undefined) | undefined;
  /**
   * What policies see of the request; on Node hand over `nodeRequest(req)` of `@apisec/node`. Default:
   * Apollo's own view, with the raw headers of `contextValue.req` where your context has it.
   *
   * With neither, a repeated `Authorization` is not seen: Apollo is given only the first. Have one of
   * them, or create the HTTP server with `joinDuplicateHeaders`.
   */
  readonly request?: ((contextValue: Context) => RequestLike) | undefined;
  /**
   * Aborted when the caller leaves: on fetch-style hosts the `signal` of the web request. Default: the connection of
   * `contextValue.req` where that is a Node request. With neither, a call whose caller has left runs to its end, and
   * is told as if somebody had read its answer.
   */
  readonly signal?: ((contextValue: Context) => AbortSignal | undefined) | undefined;
  /** The `fieldResolver` of your server, where you gave it one and `fields` are guarded. */
  readonly fieldResolver?: GraphQLFieldResolver<unknown, Context> | undefined;
  /** Told what an `onComplete` threw. */
  readonly onError?: ((cause: unknown) => void) | undefined;
}

/** One operation on its way. */
interface Flight {
  ruling: Promise<Ruling> | undefined;
  /** There once it is admitted. */
  duty: Enforcement | undefined;
  /** Decisions of field policies that oblige the server to do something. */
  readonly late: { readonly allowed: boolean; readonly duty: Enforcement }[];
  /** How it ended. */
  ended: Ending | undefined;
  /** How it is to end, since nobody waits for its answer any more. */
  departed: Ending | undefined;
  /** Stops waiting for its caller to leave. */
  forget: () => void;
  /** Makes an answer in parts end, where it is one. */
  stop: () => void;
}

/**
 * A guard in front of every operation of an Apollo Server, and policies in front of its fields.
 *
 * An operation is decided once it is parsed and validated, so that its name and fields are what will be
 * executed; one that never got so far is decided before it is answered, so that strangers learn nothing
 * from its errors. Each operation of a batch is decided by itself. Resolvers read the facts with
 * `factsOf(contextValue, guard)`.
 *
 * Policies with `onMessage` see the variables (not the literals in the document, which only the schema
 * checks), those with `onRelease` the `data`; an incremental answer (`@defer`, `@stream`) cannot be
 * filtered and is refused (`release.unfilterable`).
 *
 * Apollo itself answers what never becomes an operation: its landing page, its CSRF check, bodies that do not
 * parse, `Accept` headers that it cannot serve. Its standalone server also answers preflights, and lets every
 * origin read; `cors` takes effect behind a host of your own.
 *
 * @throws ConfigurationError when the guard has no grant; at server start when `fields` names something
 * that the schema does not have.
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
  const { admission, fields = {}, onError } = options;
  assertAdmission(admission, 'apisec');
  // The option is typed by the user's context value; to the schema it is unknown.
  const fieldResolver = options.fieldResolver as GraphQLFieldResolver<unknown, unknown> | undefined;
  const flights = new WeakMap<object, Flight>();
  // By schema: one plugin may be given to several servers.
  const guarded = new WeakMap<GraphQLSchema, CompiledFields>();
  return {
    serverWillStart: async ({ schema }) => {
      const compiled = compileFields(schema, fields);
      guarded.set(schema, compiled);
      assertTable(schema, admission);
      gateFields(schema, [...listRootFields(schema), ...compiled.coordinates], fieldResolver);
      gateIntrospection(schema);
      return {
        schemaDidLoadOrUpdate: ({ coreSupergraphSdl }) =>
          assertConfiguration(
            coreSupergraphSdl === undefined || compiled.coordinates.length === 0,
            'apisec: a gateway resolves no fields itself. Guard them in the subgraphs.',
          ),
      };
    },
    requestDidStart: async (context) => {
      const { contextValue, response } = context;
      const flight: Flight = {
        ruling: undefined,
        duty: undefined,
        late: [],
        ended: undefined,
        departed: undefined,
        forget: nothing,
        stop: nothing,
      };
      flights.set(context, flight);
      const head = headersTarget(response.http);
      const decide = async (): Promise<Ruling> => {
        const ruling = await rule(options, context);
        ruling.duty.applyHeaders(head);
        // What is refused is told as such, though nobody reads it.
        if (ruling.denial) return ruling;
        flight.duty = ruling.duty;
        if (flight.departed) finish(flight, ruling.duty, flight.departed);
        return ruling;
      };
      try {
        flight.forget = onDeparture(contextValue, options.signal?.(contextValue), () => {
          flight.departed = { outcome: 'aborted', status: response.http.status ?? 200 };
          if (flight.duty) finish(flight, flight.duty, flight.departed);
          flight.stop();
        });
      } catch (cause) {
        // Open: it tells nothing of who may, only when a call ends, and that without it is when it is answered.
        report(onError, cause);
      }
      return {
        didResolveOperation: async () => {
          const { denial, request, factsOf, admits } = await (flight.ruling ??= decide());
          // Stops the pipeline; what the caller sees of it is settled in willSendResponse.
          if (denial) throw refusalError(denial);
          // Over, and told so: nothing would tell the resolvers any more, or count them. Nobody reads this.
          if (flight.departed) throw new GraphQLError('The caller has left.');
          const compiled = guarded.get(context.schema);
          const fields = compiled?.open({
            request,
            factsOf,
            oblige: (decision) => {
              const { allowed } = decision;
              const field = { allowed, duty: enforce(decision, onError) };
              flight.late.push(field);
              // Where a field fails, those beside it go on, and the answer does not wait for them.
              if (flight.ended) finishField(field, flight.ended);
            },
          });
          openFields(contextValue, context.schema, (coordinate, source, args, info) => {
            // What depends on the caller is not for a cache that answers others without asking.
            if (compiled?.guards(coordinate)) context.overallCachePolicy.restrict({ maxAge: 0 });
            return admits(coordinate) ?? fields?.(coordinate, source, args, info);
          });
        },
        willSendResponse: async (sending) => {
          // Decided here where the pipeline stopped before there was an operation.
          const { denial: refusal, duty } = await (flight.ruling ??= decide());
          const denial =
            refusal ?? (duty.onRelease && (await releaseData(duty.onRelease, sending.response)));
          if (denial) renderRefusal(sending.response, denial);
          for (const field of flight.late) field.duty.applyHeaders(head);
          const ending = endingOf(sending, denial);
          const { body } = sending.response;
          if (body.kind === 'single') return finish(flight, duty, ending);
          flight.stop = watchIncremental(sending.response, body, (outcome) =>
            finish(flight, duty, { ...ending, outcome }),
          );
          if (flight.departed) flight.stop();
        },
      };
    },
    unexpectedErrorProcessingRequest: async ({ requestContext }) => {
      const flight = flights.get(requestContext);
      flight?.forget();
      const ruling = await flight?.ruling;
      if (flight && ruling) finish(flight, ruling.duty, { outcome: 'failed', status: 500 });
    },
  };
}

/** Only the first time counts. */
function finish(flight: Flight, duty: Enforcement, ending: Ending): void {
  flight.ended ??= ending;
  flight.forget();
  for (const field of flight.late) finishField(field, ending);
  duty.complete(ending);
}

function finishField({ allowed, duty }: Flight['late'][number], ending: Ending): void {
  duty.complete(allowed ? ending : { ...ending, outcome: 'denied' });
}

const nothing = (): void => undefined;
