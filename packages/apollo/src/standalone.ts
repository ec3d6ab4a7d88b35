import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { ListenOptions } from 'node:net';
import type { Admission, Denial, Duration, GraphqlFacts, RequestIdFacts } from '@apisec/core';
import {
  assertAdmission,
  assertBodyLimit,
  assertCorsInFront,
  assertCount,
  assertKnownOptions,
  chain,
  DEFAULT_MAX_BODY_BYTES,
  type DenialLog,
  durationMs,
  faultReporter,
  isJson,
  parseJsonBody,
} from '@apisec/core/host';
import { denialError, setCaller } from '@apisec/graphql';
import {
  beginCall,
  clientErrors,
  nodeCertificate,
  nodePeer,
  nodeRequest,
  nodeRequestId,
  type ProxyTrust,
  readRawBody,
  secureServerOptions,
  sendDenial,
} from '@apisec/node';
import { type ApolloServer, type BaseContext, HeaderMap } from '@apollo/server';
import { ApolloServerPluginDrainHttpServer } from '@apollo/server/plugin/drainHttpServer';
import { GraphQLError } from 'graphql';

/** Options of {@link startStandalone}. */
export interface StandaloneOptions<Context extends BaseContext> {
  /** The guard or table of the plugin: it answers the preflights. */
  readonly admission: Admission<GraphqlFacts, object>;
  /**
   * What resolvers get. `req` must be in it for the plugin to know who calls. What it throws stays inside, but for a
   * `GraphQLError`. Default: `{ req, res }`.
   */
  readonly context?:
    | ((from: { readonly req: IncomingMessage; readonly res: ServerResponse }) => Promise<Context>)
    | undefined;
  /** Where to listen. Default: port 4000. */
  readonly listen?: ListenOptions | undefined;
  /** Whom to believe about who calls, in operations and preflights; see `trustProxies`. Default: the connection. */
  readonly trust?: ProxyTrust | undefined;
  /** The largest body, in bytes; more is denied (`message.too_large`). Default: 1 MiB. */
  readonly maxBodyBytes?: number | undefined;
  /**
   * How many operations one HTTP request may hold, as the plugin's option of that name; more are denied before Apollo
   * sees any (`batch.too_large`). Default: 10.
   */
  readonly maxBatch?: number | undefined;
  /** How long a body may take; longer is denied (`message.timeout`). Default: `30s`. */
  readonly bodyTimeout?: Duration | undefined;
  /** Told of faults. Default: one line on `console.error` for each cause and minute. */
  readonly onFault?: ((cause: unknown) => void) | undefined;
  /** Writes what Node's parser denied, as `clientErrors` of `@apisec/node` does. Default: as there. */
  readonly logDenials?: DenialLog | false | undefined;
}

/** A server that listens. */
export interface Standalone {
  readonly url: string;
  /** Ended by `server.stop()` of Apollo. */
  readonly httpServer: Server;
}

const NAME = 'startStandalone';
const OPTIONS = [
  'admission',
  'context',
  'listen',
  'trust',
  'maxBodyBytes',
  'maxBatch',
  'bodyTimeout',
  'onFault',
  'logDenials',
];
const NOT_ALLOWED: Denial = Object.freeze({
  kind: 'method_not_allowed',
  code: 'operation.unlisted',
});

/**
 * Serves Apollo Server by itself, in place of Apollo's `startStandaloneServer`: that one answers every preflight with
 * `*` and lets every origin read every answer, in front of any plugin. Here the guard answers preflights, what `cors`
 * says is what browsers get, bodies are bounded (Apollo's takes 50 MB), and slow callers are cut as by
 * `secureServerOptions` of `@apisec/node`.
 *
 * Denials of its own: `message.malformed`, `message.too_large`, `message.timeout`, `message.unsupported` (a content
 * coding), `batch.too_large`; `operation.unlisted` (405) for an OPTIONS that no `cors` answers; and those of
 * `clientErrors` of `@apisec/node`.
 *
 * @throws ConfigurationError when the guard has no grant, or an option is unknown.
 * @example
 * const server = new ApolloServer({ typeDefs, resolvers, plugins: [apisec({ admission: api })] });
 * const { url } = await startStandalone(server, { admission: api, listen: { port: 4000 } });
 */
export async function startStandalone<Context extends BaseContext>(
  server: ApolloServer<Context>,
  options: StandaloneOptions<Context>,
): Promise<Standalone> {
  assertKnownOptions(NAME, options, OPTIONS);
  const { admission, listen = { port: 4000 }, trust } = options;
  const { maxBodyBytes = DEFAULT_MAX_BODY_BYTES, maxBatch = 10, bodyTimeout = '30s' } = options;
  const { onFault = faultReporter('@apisec/apollo') } = options;
  assertAdmission(admission, NAME);
  assertCorsInFront(NAME, admission);
  assertBodyLimit(maxBodyBytes, NAME);
  assertCount(NAME, 'maxBatch', maxBatch);
  const bounds = {
    maxBytes: maxBodyBytes,
    timeoutMs: durationMs(NAME, 'bodyTimeout', bodyTimeout, { max: '1h' }),
  };
  // By its type, Context is what Apollo's own default is where there is no function.
  const made = options.context ?? (async (from: object) => from as Context);
  /** Apollo would tell the caller what it throws. */
  const contextOf: typeof made = async (from) => {
    try {
      return await made(from);
    } catch (cause) {
      // Made for callers.
      if (cause instanceof GraphQLError) throw cause;
      onFault(cause);
      throw denialError({ kind: 'internal', code: 'handler.threw' });
    }
  };

  /** Decides what is not a call of GraphQL by the policies that need no operation. */
  const answerOptions = (req: IncomingMessage, res: ServerResponse): unknown => {
    const call = { protocol: 'graphql', operation: 'unresolved', fields: [] } as const;
    const ask = () => {
      const peer = nodePeer(req, trust);
      const facts: GraphqlFacts & RequestIdFacts = {
        call,
        peer,
        requestId: nodeRequestId(req, trust),
      };
      return admission.check(nodeRequest(req), facts);
    };
    return chain(
      ask,
      (decision) => sendDenial(res, beginCall(res, decision, onFault).denial ?? NOT_ALLOWED),
      (cause) => fail(res, cause),
    );
  };
  const fail = (res: ServerResponse, cause: unknown): void => {
    onFault(cause);
    sendDenial(res, { kind: 'internal', code: 'handler.threw' });
  };
  const execute = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    // The plugin takes over what the request has.
    nodeRequestId(req, trust);
    if (trust !== undefined) {
      setCaller(req, {
        peer: () => nodePeer(req, trust),
        certificate: () => nodeCertificate(req, trust),
      });
    }
    const headers = new HeaderMap();
    for (const [name, value] of Object.entries(req.headers)) {
      if (value !== undefined) headers.set(name, [value].flat().join(', '));
    }
    let body: unknown;
    if (req.method === 'POST') {
      const read = await readRawBody(req, bounds);
      const parsed = read.ok ? bodyOf(headers, read.bytes, maxBatch) : read;
      if (!parsed.ok) {
        sendDenial(res, parsed.denial);
        return;
      }
      body = parsed.value;
    }
    const url = req.url ?? '/';
    const at = url.indexOf('?');
    const answer = await server.executeHTTPGraphQLRequest({
      httpGraphQLRequest: {
        method: req.method ?? 'GET',
        headers,
        search: at < 0 ? '' : url.slice(at),
        body,
      },
      context: () => contextOf({ req, res }),
    });
    for (const [name, value] of answer.headers) res.setHeader(name, value);
    res.statusCode = answer.status ?? 200;
    if (answer.body.kind === 'complete') {
      res.end(answer.body.string);
      return;
    }
    for await (const chunk of answer.body.asyncIterator) {
      if (!res.write(chunk) && !res.closed) await drained(res);
      if (res.closed) return;
    }
    res.end();
  };
  const httpServer = createServer(secureServerOptions(), (req, res) => {
    if (req.method === 'OPTIONS') answerOptions(req, res);
    else execute(req, res).catch((cause: unknown) => fail(res, cause));
  });
  httpServer.on('clientError', clientErrors({ logDenials: options.logDenials }));
  server.addPlugin(ApolloServerPluginDrainHttpServer({ httpServer }));
  await server.start();
  httpServer.listen(listen);
  await once(httpServer, 'listening');
  return { url: urlOf(httpServer), httpServer };
}

/** Until more can be written, or the reader has left. */
function drained(res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      res.off('drain', go);
      res.off('close', go);
      resolve();
    };
    res.once('drain', go).once('close', go);
  });
}

type Parsed =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly denial: Denial };

/** JSON alone: what Apollo makes of anything else is an error of its own, before anything runs. */
function bodyOf(headers: HeaderMap, bytes: Uint8Array, maxBatch: number): Parsed {
  if (!isJson(headers)) return { ok: true, value: undefined };
  try {
    const value = parseJsonBody(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    const isBatch = Array.isArray(value) && value.length > maxBatch;
    return isBatch ? { ok: false, denial: BATCH } : { ok: true, value };
  } catch (cause) {
    return { ok: false, denial: { kind: 'malformed', code: 'message.malformed', cause } };
  }
}

const BATCH: Denial = Object.freeze({ kind: 'malformed', code: 'batch.too_large' });

function urlOf(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === 'string') return String(address);
  const { family, port } = address;
  const host = ['', '::', '0.0.0.0'].includes(address.address) ? 'localhost' : address.address;
  return `http://${family === 'IPv6' && host !== 'localhost' ? `[${host}]` : host}:${port}/`;
}
