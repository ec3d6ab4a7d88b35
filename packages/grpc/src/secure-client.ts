import {
  assertConfiguration,
  assertKnownOptions,
  type Duration,
  durationMs,
  faultReporter,
  report,
} from '@apisec/core/host';
import {
  type ChannelCredentials,
  InterceptingCall,
  type Interceptor,
  type Listener,
  Metadata,
  type Requester,
  type StatusObject,
  status,
} from '@grpc/grpc-js';
import { type ClientToken, type TokenCache, tokenCache } from './token-cache.ts';

/** Options of {@link secureClient}. */
export interface SecureClientOptions {
  /** Of the channel: `channelTls(…).credentials`. */
  readonly credentials: ChannelCredentials;
  /** The deadline of calls that name none, and the longest of those that do. */
  readonly deadline: Duration;
  /**
   * Where access tokens come from: `tokenSource(…).bearer` of `@apisec/oauth`, or a function of your own. Asked once at
   * a time, before a token ends, and again after a server denied one, which it is then handed.
   */
  readonly token?: ((deniedToken?: string) => Promise<ClientToken>) | undefined;
  /**
   * Sends tokens over channels without TLS, where whoever listens can take them. For a sidecar on one machine. Default:
   * false.
   */
  readonly insecureTokens?: boolean | undefined;
  /**
   * Methods that may run twice (they read, or are idempotent), by full path: they are called again where the server is
   * not available and has answered nothing yet. Default: none.
   */
  readonly retryable?: readonly string[] | undefined;
  /** How often a call of them is made at most. Default: 3. */
  readonly attempts?: number | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
  /**
   * Hears why the source of tokens failed; the caller gets UNAUTHENTICATED. Default: one line on `console.error` for
   * each cause and minute.
   */
  readonly onFault?: ((cause: unknown) => void) | undefined;
}

/** What a client of grpc-js is made with. */
export interface SecureClient {
  readonly credentials: ChannelCredentials;
  readonly interceptors: Interceptor[];
}

const OPTIONS: readonly (keyof SecureClientOptions)[] = [
  'credentials',
  'deadline',
  'token',
  'insecureTokens',
  'retryable',
  'attempts',
  'now',
  'onFault',
];
const IS_SECURE = '_isSecure';
const TOKEN_MARGIN_MS = 30_000;
const BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 5_000;
const MAX_ATTEMPTS = 10;

/**
 * Makes a client whose calls end in time, carry a token that is still good, and are made again only where that is safe:
 * after UNAUTHENTICATED once, with a new token, since the server has not begun; after UNAVAILABLE for methods that may
 * run twice. Streams are never made again.
 *
 * @throws ConfigurationError for a token over a channel without TLS.
 * @example
 * const { credentials, interceptors } = secureClient({
 *   credentials: channelTls({ ca: 'servers.crt' }).credentials,
 *   deadline: '5s',
 *   token: tokenSource(client).bearer,
 *   retryable: ['/shop.v1.Orders/List'],
 * });
 * const client = new OrdersClient('orders.internal:50051', credentials, { interceptors });
 */
export function secureClient(options: SecureClientOptions): SecureClient {
  assertKnownOptions('secureClient', options, OPTIONS);
  const { credentials, token, insecureTokens = false, retryable = [], attempts = 3 } = options;
  const { now = Date.now, onFault = faultReporter('@apisec/grpc') } = options;
  const deadlineMs = durationMs('secureClient', 'deadline', options.deadline);
  assertConfiguration(
    typeof credentials?.[IS_SECURE] === 'function',
    'secureClient: credentials must be those of a channel, as channelTls() makes them.',
  );
  assertConfiguration(
    token === undefined || typeof token === 'function',
    'secureClient: token must be a function that answers a promise of { token, expiresAt }.',
  );
  assertConfiguration(
    token === undefined || credentials[IS_SECURE]() || insecureTokens,
    'secureClient: a token over a channel without TLS can be read by others. Use channelTls(), or set insecureTokens.',
  );
  assertConfiguration(
    Number.isInteger(attempts) && attempts >= 1 && attempts <= MAX_ATTEMPTS,
    `secureClient: attempts must be a whole number from 1 to ${MAX_ATTEMPTS}.`,
  );
  assertConfiguration(
    retryable.every((path) => path.startsWith('/')),
    "secureClient: retryable must list full paths, like '/shop.v1.Orders/List'.",
  );
  const tokens = token && tokenCache(token, TOKEN_MARGIN_MS, now);
  const repeatable = new Set(retryable);
  const interceptor: Interceptor = (callOptions, nextCall) => {
    const { path, requestStream, responseStream } = callOptions.method_definition;
    const latest = now() + deadlineMs;
    const asked = Number(callOptions.deadline ?? Infinity);
    const deadline = Math.min(latest, asked);
    const open = (): InterceptingCall =>
      // The type of grpc-js names the class; the interface is what it calls.
      nextCall({ ...callOptions, deadline }) as InterceptingCall;
    return repeatedCall({
      open,
      tokens,
      onFault,
      mayRepeat: !requestStream && !responseStream,
      attempts: repeatable.has(path) ? attempts : 1,
      left: () => deadline - now(),
    });
  };
  return { credentials, interceptors: [interceptor] };
}

/** Where what comes of a call goes. */
type Receiver = Parameters<NonNullable<Requester['start']>>[1];

interface Repeated {
  readonly open: () => InterceptingCall;
  readonly tokens: TokenCache | undefined;
  readonly onFault: (cause: unknown) => void;
  readonly mayRepeat: boolean;
  readonly attempts: number;
  /** Milliseconds to the deadline. */
  readonly left: () => number;
}

/**
 * One call of the application, and the calls on the wire that it may take. While there is none, because a token or a
 * better moment is waited for, grpc-js forgets whom to tell that the call was cancelled or its deadline has passed.
 */
function repeatedCall({
  open,
  tokens,
  onFault,
  mayRepeat,
  attempts,
  left,
}: Repeated): InterceptingCall {
  const first = open();
  let current: InterceptingCall | undefined;
  /** Ends the call while nothing is on the wire. */
  let endWaiting: ((ended: StatusObject) => void) | undefined;
  let message: unknown;
  let made = 1;
  let isTokenRenewed = false;

  /** Goes on after a time, unless the call is cancelled or its deadline passes before. */
  const wait = (receiver: Receiver, ready: Promise<unknown>, next: () => void): void => {
    const timer = setTimeout(
      () => endWaiting?.(statusOf(status.DEADLINE_EXCEEDED, 'Deadline exceeded')),
      Math.min(Math.max(0, left()), LONGEST_TIMER_MS),
    );
    const mine = (ended: StatusObject): void => {
      clearTimeout(timer);
      if (endWaiting === mine) endWaiting = undefined;
      receiver.onReceiveStatus(ended);
    };
    endWaiting = mine;
    const isWaiting = (): boolean => {
      clearTimeout(timer);
      if (endWaiting !== mine) return false;
      endWaiting = undefined;
      return true;
    };
    void ready.then(
      () => (isWaiting() ? next() : undefined),
      (cause: unknown) => {
        report(onFault, cause);
        if (!isWaiting()) return;
        receiver.onReceiveStatus(statusOf(status.UNAUTHENTICATED, 'No access token could be had.'));
      },
    );
  };

  /** Makes the call on the wire, as soon as there is a token for it. */
  const send = (
    metadata: Metadata,
    receiver: Receiver,
    delayMs: number,
    start: (own: Metadata, used: string | undefined) => void,
  ): void => {
    const own = metadata.clone();
    // What the application says of who it is stands.
    const isOwn = tokens === undefined || own.get('authorization').length > 0;
    if (isOwn && delayMs === 0) return start(own, undefined);
    let used: string | undefined;
    const ready = async (): Promise<void> => {
      if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
      used = isOwn ? undefined : await tokens.get();
    };
    wait(receiver, ready(), () => {
      if (used !== undefined) own.set('authorization', `Bearer ${used}`);
      start(own, used);
    });
  };

  const listen = (metadata: Metadata, receiver: Receiver, used: string | undefined): Listener => {
    let hasAnswer = false;
    let passNothing: (() => void) | undefined;
    return {
      onReceiveMetadata: (initial, next) => {
        hasAnswer = true;
        next(initial);
      },
      onReceiveMessage: (answer: unknown, next) => {
        // What grpc-js says before a status that comes alone.
        if (answer === null) passNothing = () => next(answer);
        else {
          hasAnswer = true;
          next(answer);
        }
      },
      onReceiveStatus: (ended, next) => {
        const delayMs = hasAnswer || !mayRepeat ? undefined : again(ended, used);
        if (delayMs !== undefined && delayMs < left()) return repeat(metadata, receiver, delayMs);
        passNothing?.();
        next(ended);
      },
    };
  };

  /** Milliseconds to wait before the call is made again; undefined where it is not. */
  const again = (
    { code, metadata }: StatusObject,
    used: string | undefined,
  ): number | undefined => {
    if (code === status.UNAUTHENTICATED && used !== undefined && !isTokenRenewed) {
      isTokenRenewed = true;
      tokens?.forget(used);
      return 0;
    }
    if (code !== status.UNAVAILABLE || made >= attempts) return undefined;
    made++;
    const asked = Number(metadata.get('retry-after')[0] ?? 0) * 1_000;
    const backoff = Math.min(MAX_BACKOFF_MS, BACKOFF_MS * 2 ** (made - 2));
    return Math.max(Number.isFinite(asked) ? asked : 0, backoff * (0.5 + Math.random() / 2));
  };

  const repeat = (metadata: Metadata, receiver: Receiver, delayMs: number): void => {
    current = undefined;
    send(metadata, receiver, delayMs, (own, used) => {
      current = open();
      const call = new InterceptingCall(current, {
        start: (start, inner, next) => next(start, listen(metadata, inner, used)),
      });
      call.start(own, receiver);
      call.sendMessage(message);
      call.halfClose();
    });
  };

  return new InterceptingCall(first, {
    start: (metadata, receiver, next) =>
      send(metadata, receiver, 0, (own, used) => {
        current = first;
        next(own, listen(metadata, receiver, used));
      }),
    sendMessage: (sent, next) => {
      message = sent;
      next(sent);
    },
    cancel: (next) => {
      const cancelled = statusOf(status.CANCELLED, 'Cancelled on client');
      if (endWaiting !== undefined) endWaiting(cancelled);
      else if (current === first) next();
      else current?.cancelWithStatus(cancelled.code, cancelled.details);
    },
  });
}

const LONGEST_TIMER_MS = 2_147_483_647;

function statusOf(code: status, details: string): StatusObject {
  return { code, details, metadata: new Metadata() };
}
