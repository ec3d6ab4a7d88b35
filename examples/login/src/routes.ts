import { randomBytes } from 'node:crypto';
import type { LoginAnswer, NextStep, SignedIn } from '@apisec/accounts';
import {
  allowAnonymous,
  allowAuthenticated,
  crossOrigin,
  type Denial,
  guard,
  type HttpFacts,
  protect,
} from '@apisec/core';
import { denialResponse } from '@apisec/core/host';
import { authenticateSession, memorySessionStore, sessions } from '@apisec/oauth';
import { accountsOf } from './accounts.ts';

type Route = (request: Request) => Promise<Response>;

/** What the page asks for, by method and path. */
export async function routes(
  origin: string,
  password: string,
): Promise<ReadonlyMap<string, Route>> {
  const { signIn, factors, keys } = await accountsOf(origin, password);
  const browser = sessions({
    store: memorySessionStore(),
    keys: { current: 'v1', keys: { v1: randomBytes(32) } },
    // On loopback there is no TLS. Everywhere else this must not be here.
    insecureCookies: true,
  });
  const anybody = guard<HttpFacts>()
    .use(crossOrigin({ self: origin }))
    .use(allowAnonymous());
  const account = guard<HttpFacts>()
    .use(crossOrigin({ self: origin }))
    .use(authenticateSession(browser))
    .use(allowAuthenticated());
  // One loopback: a server reads the address of its connection.
  const options = { peer: () => ({ id: '127.0.0.1', address: '127.0.0.1' }) };

  const answer = async (request: Request, step: LoginAnswer<SignedIn>): Promise<Response> => {
    if (step.status === 'denied') return refused(step.denial, step.ticket);
    if (step.status === 'requires_mfa') return Response.json(step);
    const { subject, claims } = step.signedIn;
    const user = { issuer: origin, subject, clientId: 'page', claims };
    const started = await browser.start(request, user);
    if (!started.ok) return refused(started.denial);
    const headers = { 'set-cookie': started.setCookie, 'cache-control': 'no-store' };
    return Response.json({ status: 'done', claims }, { headers });
  };
  const owner = (subject: string) => ({ issuer: origin, subject });

  return new Map<string, Route>([
    [
      'POST /client',
      protect(anybody, () => {
        // `__Host-login` with Secure wherever there is TLS.
        const cookie = `login=${randomBytes(18).toString('base64url')}; HttpOnly; SameSite=Strict; Path=/`;
        return new Response(null, { status: 204, headers: { 'set-cookie': cookie } });
      }),
    ],
    [
      'POST /login/password',
      protect(
        anybody,
        async (request, { peer }) => {
          const { identifier, password: given } = await members(request);
          const step = { ...callerOf(request, peer.id), identifier, password: given };
          // What is not text is denied there.
          return answer(request, await signIn.password(step as never));
        },
        options,
      ),
    ],
    [
      'POST /login/next',
      protect(
        anybody,
        async (request, { peer }) => {
          const step = { ...(await members(request)), ...callerOf(request, peer.id) };
          // What is not a step is denied there.
          return answer(request, await signIn.next(step as unknown as NextStep));
        },
        options,
      ),
    ],
    [
      'POST /login/passkey',
      protect(
        anybody,
        async (request, { peer }) => {
          const { ticket } = await members(request);
          const caller = callerOf(request, peer.id);
          const asked = await signIn.passkeyOptions(
            typeof ticket === 'string' ? { ...caller, ticket } : caller,
          );
          return asked.status === 'denied' ? refused(asked.denial) : Response.json(asked);
        },
        options,
      ),
    ],
    [
      'POST /account/totp',
      protect(account, async (_, { principal }) =>
        Response.json(await factors.enrol(principal.subject, 'alice@example.com')),
      ),
    ],
    [
      'POST /account/totp/confirm',
      protect(account, async (request, { principal }) => {
        const { code } = await members(request);
        return Response.json(await factors.confirm(principal.subject, String(code)));
      }),
    ],
    [
      'POST /account/passkey',
      protect(account, async (_, { principal }) =>
        Response.json(
          await keys.registrationOptions({ subject: principal.subject, name: 'alice@example.com' }),
        ),
      ),
    ],
    [
      'POST /account/passkey/register',
      protect(account, async (request, { principal }) => {
        const { ticket, response } = await members(request);
        const { subject } = principal;
        return Response.json(await keys.register({ subject, ticket: String(ticket), response }));
      }),
    ],
    [
      'GET /account/sessions',
      protect(account, async (_, { principal, session }) => {
        const all = await browser.list(owner(principal.subject));
        const shown = all.map(({ handle, createdAt, claims }) => ({
          createdAt,
          amr: claims['amr'],
          isThis: handle === session.handle,
        }));
        return Response.json(shown);
      }),
    ],
    [
      'POST /account/sign-out-everywhere',
      protect(account, async (_, { principal }) =>
        Response.json({ ended: await browser.endAll(owner(principal.subject)) }),
      ),
    ],
  ]);
}

/** What the browser is known by between the steps. */
function callerOf(request: Request, peer: string | undefined) {
  const cookies = request.headers.get('cookie')?.split('; ') ?? [];
  const found = cookies.find((each) => each.startsWith('login='));
  return { client: found?.slice('login='.length) ?? '', peer };
}

async function members(request: Request): Promise<Readonly<Record<string, unknown>>> {
  const body: unknown = await request.json().catch(() => undefined);
  return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
}

/** A denial, with the ticket for the next try where there is one. */
function refused(denial: Denial, ticket?: string): Response {
  const response = denialResponse(denial);
  if (ticket === undefined) return response;
  const { status, headers } = response;
  const all = new Headers(headers);
  all.delete('content-length');
  return Response.json({ code: denial.code, ticket }, { status, headers: all });
}
