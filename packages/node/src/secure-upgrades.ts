import { type IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Admission, Decision, Denial, HttpFacts } from '@apisec/core';
import {
  admit,
  assertAdmission,
  assertConfiguration,
  assertHttpOperations,
  assertKnownOptions,
  assertProblemOptions,
  chain,
  type DenialLog,
  faultReporter,
  HTTP_FACTS,
  isThenable,
  later,
  report,
} from '@apisec/core/host';
import { beginCall, decideCall } from './call.ts';
import { nodeDenialLog } from './development-log.ts';
import { nodeFacts, nodeRequestId } from './facts.ts';
import type { ProxyTrust } from './peer.ts';
import { literalPath, nodeRequest } from './request.ts';
import { renderAs, sendDenial } from './response.ts';
import { endWithToken as endUpgrade } from './upgrade.ts';

/** Options of {@link secureUpgrades}. */
export interface SecureUpgradesOptions {
  /** Whom to believe about who calls; see `trustProxies`. Default: the connection's own address. */
  readonly trust?: ProxyTrust | undefined;
  /** The operation that an upgrade means, for `coverage`. Default: method and path (`GET /live`). */
  readonly operation?: ((request: IncomingMessage) => string) | undefined;
  /**
   * Ends a connection when the credential expires that opened it (`credentials.expired`): with a close frame (1008),
   * and a second later without. Default: false, and it lasts until one of its ends closes it.
   */
  readonly endWithToken?: boolean | undefined;
  /** As in `secure`. Default: neither type nor id. */
  readonly problemTypeBase?: string | undefined;
  /** Told of faults. Default: one line on `console.error` for each cause and minute. */
  readonly onFault?: ((cause: unknown) => void) | undefined;
  /** Writes why an upgrade was denied, for operators alone: `logDenials()`. Default: as in `secure`. */
  readonly logDenials?: DenialLog | false | undefined;
  /** Epoch milliseconds, by which credentials expire. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

const NAME = 'secureUpgrades';
const OPTIONS = [
  'trust',
  'operation',
  'endWithToken',
  'problemTypeBase',
  'onFault',
  'logDenials',
  'now',
];

/** An HTTP/1 server of Node, with TLS or without. */
type UpgradeServer = Pick<Server, 'emit'>;

/** How long the other end may take to close. */
const CLOSING_MS = 1_000;

const secured = new WeakSet<object>();

/**
 * Decides every upgrade of a server (RFC 9110 §7.8) before anything that listens for upgrades sees it: `ws`,
 * `graphql-ws`, `express-ws`, in whatever order they were attached. Upgrades never pass through Express, so
 * `app.use(secure(…))` guards none of them. Denials are HTTP answers with problem details; listeners read facts with
 * `factsOf(request, guard)`.
 *
 * An admitted connection counts as a running call until it closes (`concurrencyLimit`, audit). What goes over it no
 * policy sees, so a guard with `onMessage` (`message.unavailable`, 500) or `onRelease` (`release.unfilterable`, 500)
 * denies. Header edits are on denials; the answer 101 is written by whatever serves the connection.
 *
 * Where the routes of a framework take upgrades themselves (`@fastify/websocket`, Hono), its `secure` decides them.
 *
 * @throws ConfigurationError when the guard has no grant, or the server has been secured before.
 * @example
 * const server = createServer(app);
 * secureUpgrades(server, api, { endWithToken: true });
 * new WebSocketServer({ server, path: '/live' }).on('connection', (socket, request) => {
 *   socket.send(`Hello ${factsOf(request, api).principal.subject}`);
 * });
 */
export function secureUpgrades<Facts extends object>(
  server: UpgradeServer,
  admission: Admission<HttpFacts, Facts>,
  options: SecureUpgradesOptions = {},
): void {
  assertKnownOptions(NAME, options, OPTIONS);
  assertAdmission(admission, NAME, HTTP_FACTS);
  assertProblemOptions(NAME, options);
  if (options.operation === undefined) assertHttpOperations(NAME, admission);
  assertConfiguration(
    typeof (server as Partial<UpgradeServer> | undefined)?.emit === 'function',
    `${NAME}: give the server itself: const server = createServer(app); ${NAME}(server, guard).`,
  );
  assertConfiguration(
    !secured.has(server),
    `${NAME}: this server is secured already. Give it one guard or one coverage table.`,
  );
  secured.add(server);
  const { trust, operation, problemTypeBase: typeBase, now = Date.now } = options;
  const { endWithToken = false, onFault = faultReporter('@apisec/node') } = options;
  const log = nodeDenialLog(NAME, options.logDenials);
  const settings: Settings = { endWithToken, onFault, now };
  const { emit } = server;

  const decide = (response: ServerResponse, incoming: IncomingMessage, pass: () => boolean) => {
    const view = nodeRequest(incoming);
    if (typeBase !== undefined) {
      renderAs(response, { typeBase, requestId: nodeRequestId(incoming, trust) });
    }
    const supply = () =>
      nodeFacts(incoming, trust, operation?.(incoming) ?? `${view.method} ${literalPath(view)}`);
    const proceed = (decision: Decision<object>): void => {
      conclude(decision, response, settings, pass);
    };
    const decision = decideCall(admission, view, incoming, supply, log);
    return isThenable(decision) ? decision.then(proceed) : proceed(decision);
  };

  // Not a listener: whatever listens beside it would be told as well.
  server.emit = (event: string | symbol, ...values: unknown[]): boolean => {
    // `emit` is overloaded; what Node gives it stays as it is.
    const pass = (): boolean =>
      (emit as (...all: unknown[]) => boolean).call(server, event, ...values);
    if (event !== 'upgrade') return pass();
    const [incoming, socket] = values as [IncomingMessage, Socket];
    // Nobody else has a listener before the decision, and an error without one would end the process.
    socket.on('error', () => undefined);
    const response = new ServerResponse(incoming);
    response.shouldKeepAlive = false;
    try {
      // Throws where an answer is still due on this connection: two at once would be mixed.
      response.assignSocket(socket);
    } catch {
      socket.destroy();
      return true;
    }
    void chain(
      () => decide(response, incoming, pass),
      () => undefined,
      (cause) => {
        report(onFault, cause);
        socket.destroy();
      },
    );
    return true;
  };
}

interface Settings {
  readonly endWithToken: boolean;
  readonly onFault: (cause: unknown) => void;
  readonly now: () => number;
}

function conclude(
  decision: Decision<object>,
  response: ServerResponse,
  { endWithToken, onFault, now }: Settings,
  pass: () => boolean,
): void {
  const { req: incoming } = response;
  const { socket } = incoming;
  const call = beginCall(response, decision, onFault);
  if (!decision.allowed || call.denial !== undefined) {
    response.once('finish', () => socket.destroySoon());
    // Also where the other end reads nothing, so that the denial is never written.
    later(() => socket.destroy(), CLOSING_MS);
    // A decision that denies always has its denial there.
    sendDenial(response, call.denial as Denial);
    return;
  }
  call.enter(() => {
    response.detachSocket(socket);
    admit(incoming, decision);
    if (endWithToken) endUpgrade(response, decision, call.note, now);
    let isHeard = false;
    try {
      isHeard = pass();
    } catch (cause) {
      report(onFault, cause);
    }
    if (!isHeard) socket.destroy();
  });
}
