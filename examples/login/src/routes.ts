import { randomBytes } from 'node:crypto';
import { loginRoutes } from '@apisec/accounts';
import {
  allowAuthenticated,
  crossOrigin,
  guard,
  type HttpFacts,
  protect,
  stepUp,
} from '@apisec/core';
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
  const account = guard<HttpFacts>()
    .use(crossOrigin({ self: origin }))
    .use(authenticateSession(browser))
    .use(allowAuthenticated());
  // Whoever finds an open page must not leave a second factor or a passkey of their own behind.
  const lately = account.use(stepUp({ maxAge: '5m' }));
  const steps = loginRoutes(signIn, {
    origin,
    begin: async ({ signedIn: { session: replaces, subject, claims, provenAt } }, request) => {
      const who = { issuer: origin, subject, clientId: 'page' };
      const user = { ...who, claims, provenAt, replaces };
      const started = await browser.start(request, user);
      return started.ok ? { ...started, body: { claims } } : started;
    },
    insecureCookies: true,
  });
  // One loopback: a server reads the address of its connection.
  const from = { peer: { id: '127.0.0.1' } };
  const step: Route = (request) => steps.fetch(request, from);
  const owner = (subject: string) => ({ issuer: origin, subject });

  return new Map<string, Route>([
    ['POST /login/password', step],
    ['POST /login/next', step],
    ['POST /login/passkey', step],
    [
      'POST /account/totp',
      protect(lately, async (_, { principal }) =>
        Response.json(await factors.enrol(principal.subject, 'alice@example.com')),
      ),
    ],
    [
      'POST /account/totp/confirm',
      protect(lately, async (request, { principal }) => {
        const { code } = await members(request);
        return Response.json(await factors.confirm(principal.subject, String(code)));
      }),
    ],
    [
      'POST /account/again',
      protect(account, (request, { principal, session }) =>
        steps.stepUp(request, from, {
          subject: principal.subject,
          session: session.handle,
          amr: session.claims['amr'],
        }),
      ),
    ],
    [
      'POST /account/passkey',
      protect(lately, async (_, { principal }) =>
        Response.json(
          await keys.registrationOptions({ subject: principal.subject, name: 'alice@example.com' }),
        ),
      ),
    ],
    [
      'POST /account/passkey/register',
      protect(lately, async (request, { principal }) => {
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

async function members(request: Request): Promise<Readonly<Record<string, unknown>>> {
  const body: unknown = await request.json().catch(() => undefined);
  return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
}
