import { crossOrigin, type Denial, type MaybePromise, pathOf, type RecordAct } from '@apisec/core';
import {
  assertConfiguration,
  assertKnownOptions,
  cookieJar,
  denialResponse,
  normalizeOrigin,
  REPEATED_COOKIE,
  randomText,
  readCookie,
  report,
} from '@apisec/core/host';
import { bodyOf, type LoginBody, nextStep } from './login-body.ts';
import { loginDenial } from './login-denial.ts';
import type { LoginFactor } from './login-state.ts';
import type { Login, LoginAnswer, LoginCaller, LoginDone } from './login-types.ts';

/** What a login has begun: the cookie of a session, or tokens in `body`. */
export type BegunLogin =
  | {
      readonly ok: true;
      /** As `sessions.start` of `@apisec/oauth` answers it. */
      readonly setCookie?: string | undefined;
      /** Members for the answer, beside `status`. */
      readonly body?: Readonly<Record<string, unknown>> | undefined;
    }
  | { readonly ok: false; readonly denial: Denial };

/** Options of {@link loginRoutes}. */
export interface LoginRoutesOptions<Result> {
  /** The public origin of the pages that sign in, `https://shop.example.com`. */
  readonly origin: string;
  /** Begins what a login is for: a session, or tokens. */
  readonly begin: (done: LoginDone<Result>, request: Request) => MaybePromise<BegunLogin>;
  /** Where the routes begin. Default: `/login`. */
  readonly base?: string | undefined;
  /** Sets cookies without `Secure` and prefix, which browsers take over TLS alone: for tests on loopback. */
  readonly insecureCookies?: boolean | undefined;
  /** Called with the cause of each fault. */
  readonly onFault?: ((cause: unknown) => void) | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** Who calls a route: the facts of a guard, for example. */
export interface LoginRouteFacts {
  readonly peer: { readonly id: string | undefined };
  /** The tenant whose pages these are, where there are several. */
  readonly tenant?: string | undefined;
  /** Records how the login ends, with what is known of the call: the fact of `audit`. */
  readonly audit?: { readonly record: RecordAct } | undefined;
}

/** A session that is stepped up, as your guard has authenticated it. */
export interface RunningSession {
  readonly subject: string;
  /** For `begin`, which replaces it: `session.handle` of `@apisec/oauth`. */
  readonly session?: string | undefined;
  /** What it was signed in with: its claim `amr`. Anything but a list of short texts counts as nothing. */
  readonly amr?: unknown;
  /** One of these is needed. Default: a second factor, or the password of an account that has none. */
  readonly factors?: readonly LoginFactor[] | undefined;
}

/** A fetch-style handler for all steps of a login. */
export interface LoginRoutes {
  readonly base: string;
  readonly origin: string;
  /**
   * `from` is the facts of a guard, or who calls. Failures are counted by its peer; where that is unknown, every step
   * is denied (`failures.key_missing`, 500). Answers 404 for what is not a step.
   */
  readonly fetch: (request: Request, from: LoginRouteFacts) => Promise<Response>;
  /**
   * Begins a step-up in the browser of the request, which must be a POST: for a handler of your own, behind the guard
   * that authenticates the session. Answers as `password` does; the page continues with `next`, and `begin` gets
   * `kind: 'step_up'` and the session.
   */
  readonly stepUp: (
    request: Request,
    from: LoginRouteFacts,
    running: RunningSession,
  ) => Promise<Response>;
}

const NAME = 'loginRoutes';
const KNOWN = ['origin', 'begin', 'base', 'insecureCookies', 'onFault', 'now'];
const CLIENT = /^[\w-]{32}$/;
const CLIENT_BYTES = 24;

/**
 * The steps of a login as JSON over HTTP, below `base`, each a POST:
 *
 * | route | takes | answers |
 * |---|---|---|
 * | `password` | `identifier`, `password` | `done`, or `requires_mfa` with `ticket` and `methods` |
 * | `passkey` | `ticket` where a login waits | `passkey` with `ticket` and `options` |
 * | `code` | `ticket`, `channel` | `sent` with `ticket` |
 * | `next` | `ticket`, `method`, and `code`, `password` or `response`; `remember` | as `password` |
 *
 * A cookie binds the steps to the browser that began. Calls of other sites are denied, and so is what is not JSON. A
 * denial is problem details, with the `ticket` to go on with where there is one. Every answer says `Cache-Control:
 * no-store`.
 *
 * Denials: those of `login`, of `crossOrigin` and of `begin`; `sign_in.malformed` (400).
 *
 * @throws ConfigurationError without an origin or `begin`.
 * @example
 * const routes = loginRoutes(signIn, {
 *   origin: 'https://shop.example.com',
 *   begin: ({ signedIn: { subject, claims, session } }, request) =>
 *     browser.start(request, { issuer, subject, clientId: 'page', claims, replaces: session }),
 * });
 * const peer = peerFromHeader('cf-connecting-ip');
 * const handler = protect(guard().use(allowAnonymous()), routes.fetch, { peer });
 * const again = protect(
 *   account,
 *   (request, facts) =>
 *     routes.stepUp(request, facts, {
 *       subject: facts.principal.subject,
 *       session: facts.session.handle,
 *       amr: facts.session.claims['amr'],
 *     }),
 *   { peer },
 * );
 */
export function loginRoutes<Result>(
  login: Login<Result>,
  options: LoginRoutesOptions<Result>,
): LoginRoutes {
  assertKnownOptions(NAME, options, KNOWN);
  const { begin, base = '/login', onFault, now = () => Date.now() } = options;
  const insecure = options.insecureCookies === true;
  const origin = normalizeOrigin(options.origin);
  assertConfiguration(
    typeof login?.password === 'function' && typeof login.next === 'function',
    `${NAME}: pass what login() returned.`,
  );
  assertConfiguration(
    origin !== undefined,
    `${NAME}: origin must be that of your pages, like https://shop.example.com.`,
  );
  assertConfiguration(
    typeof begin === 'function',
    `${NAME}: begin must begin a session or answer tokens: (done, request) => browser.start(request, …).`,
  );
  assertConfiguration(
    /^(?:\/[\w.~-]+)+$/.test(base),
    `${NAME}: base must be a path without a slash at its end, like /login.`,
  );
  const fromHere = crossOrigin({ self: origin });
  const clients = cookieJar(NAME, 'login-client', 'Strict', insecure);
  const devices = cookieJar(NAME, 'login-device', 'Strict', insecure);

  const failed = (denial: Denial, ticket?: string): Response => {
    if (denial.cause !== undefined) report(onFault, denial.cause);
    if (ticket === undefined) return denialResponse(denial);
    const extensions = { ...denial.problem?.extensions, ticket };
    return denialResponse({ ...denial, problem: { ...denial.problem, extensions } });
  };
  const conclude = async (
    request: Request,
    answer: LoginAnswer<Result>,
    clientCookie: string | undefined,
  ): Promise<Response> => {
    if (answer.status === 'denied') return failed(answer.denial, answer.ticket);
    if (answer.status === 'requires_mfa') {
      const { status, ticket, expiresAt, methods, done } = answer;
      return shown({ status, ticket, expiresAt, methods, done }, [clientCookie]);
    }
    const begun = await begin(answer, request);
    if (!begun.ok) return failed(begun.denial);
    const { device } = answer;
    const remembered =
      device &&
      devices.set(device.token, Math.max(0, Math.floor((device.expiresAt - now()) / 1_000)));
    return shown({ ...begun.body, status: 'done' }, [begun.setCookie, clients.clear(), remembered]);
  };

  type Step = (request: Request, body: LoginBody, caller: Caller) => Promise<Response>;
  const steps: Readonly<Record<string, Step>> = {
    password: async (request, { identifier, password }, { cookie, ...who }) => {
      if (typeof identifier !== 'string' || typeof password !== 'string') return failed(MALFORMED);
      const device = valueOf(request, devices.name);
      const step = { ...who, identifier, password, device };
      return conclude(request, await login.password(step), cookie);
    },
    next: async (request, body, { cookie: _cookie, ...who }) => {
      const step = nextStep(body);
      if (step === undefined) return failed(MALFORMED);
      return conclude(request, await login.next({ ...step, ...who }), undefined);
    },
    passkey: async (_request, { ticket }, { cookie, ...who }) => {
      if (ticket !== undefined && typeof ticket !== 'string') return failed(MALFORMED);
      const asked = await login.passkeyOptions({ ...who, ticket });
      return asked.status === 'denied'
        ? failed(asked.denial, asked.ticket)
        : shown(asked, [cookie]);
    },
    code: async (_request, { ticket, channel }, { cookie: _cookie, ...who }) => {
      const isChannel = channel === 'mail' || channel === 'sms';
      if (typeof ticket !== 'string' || !isChannel) return failed(MALFORMED);
      const sent = await login.sendCode({ ...who, ticket, channel });
      return sent.status === 'denied' ? failed(sent.denial, sent.ticket) : shown(sent, []);
    },
  };
  const callerOf = (request: Request, from: LoginRouteFacts): Caller => {
    const known = valueOf(request, clients.name);
    const client = known !== undefined && CLIENT.test(known) ? known : randomText(CLIENT_BYTES);
    const cookie = client === known ? undefined : clients.set(client);
    return {
      client,
      peer: from.peer.id,
      tenant: from.tenant,
      record: from.audit?.record,
      cookie,
    };
  };
  /** Anything but a POST from a page of this site is denied unread. */
  const answer = async (request: Request, handle: () => Promise<Response>): Promise<Response> => {
    if (request.method !== 'POST') {
      return failed({ kind: 'method_not_allowed', code: 'operation.unlisted' });
    }
    try {
      const checked = fromHere.check(request, {});
      return checked.ok ? await handle() : failed(checked.denial);
    } catch (cause) {
      return failed(loginDenial('sign_in.unavailable', { cause }));
    }
  };

  return Object.freeze<LoginRoutes>({
    base,
    origin,
    fetch: async (request, from) => {
      const path = pathOf(request);
      const name = path.startsWith(`${base}/`) ? path.slice(base.length + 1) : '';
      const step = Object.hasOwn(steps, name) ? steps[name] : undefined;
      if (step === undefined) return failed({ kind: 'not_found', code: 'operation.unlisted' });
      return answer(request, async () => {
        const body = await bodyOf(request);
        return body === undefined
          ? failed(MALFORMED)
          : step(request, body, callerOf(request, from));
      });
    },
    stepUp: (request, from, { amr, ...running }) =>
      answer(request, async () => {
        const { cookie, ...caller } = callerOf(request, from);
        const held = Array.isArray(amr) ? amr : undefined;
        const asked = await login.stepUp({ ...running, ...caller, amr: held });
        return conclude(request, asked, cookie);
      }),
  });
}

/** Who calls: the browser, as its cookie says; `cookie` where it has none yet. */
interface Caller extends LoginCaller {
  readonly cookie: string | undefined;
}

const MALFORMED = loginDenial('sign_in.malformed');

/** The value of a cookie where there is exactly one. */
function valueOf(request: Request, name: string): string | undefined {
  const value = readCookie(request.headers.get('cookie'), name);
  return value === REPEATED_COOKIE ? undefined : value;
}

function shown(body: object, cookies: readonly (string | undefined)[]): Response {
  const headers = new Headers({ 'cache-control': 'no-store' });
  for (const cookie of cookies) if (cookie !== undefined) headers.append('set-cookie', cookie);
  return Response.json(body, { headers });
}
