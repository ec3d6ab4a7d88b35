import type { AuthenticateIntrospectionOptions } from '../src/tokens/authenticate-introspection.ts';
import { audience, claims, issuer, NOW } from './jwt-kit.ts';

export const endpoint = `${issuer}/introspect`;

/** What a good issuer says of a good token. */
export const active = { active: true, token_type: 'Bearer', scope: 'orders:read', ...claims };

/** An issuer without a network: answers what `say` returns, and counts its questions. */
export interface FakeIssuer {
  readonly fetch: typeof globalThis.fetch;
  readonly asked: {
    readonly token: string;
    readonly form: URLSearchParams;
    readonly headers: Headers;
  }[];
  say: (token: string) => object | Response | Promise<object | Response>;
}

export function fakeIssuer(say: FakeIssuer['say'] = () => active): FakeIssuer {
  const self: FakeIssuer = {
    asked: [],
    say,
    fetch: async (url, init) => {
      if (url !== endpoint || init?.method !== 'POST' || init.redirect !== 'manual') {
        throw new Error('not what an endpoint is asked');
      }
      const form = new URLSearchParams(init.body as string);
      const token = form.get('token') ?? '';
      self.asked.push({ token, form, headers: new Headers(init.headers) });
      const said = await self.say(token);
      return said instanceof Response ? said : Response.json(said);
    },
  };
  return self;
}

/** Good options, on a clock that tests can move. */
export function optionsFor(
  fake: Pick<FakeIssuer, 'fetch'>,
  changes: Partial<AuthenticateIntrospectionOptions> = {},
): AuthenticateIntrospectionOptions {
  return {
    issuer,
    audience,
    endpoint,
    client: {
      method: 'client_secret_basic',
      clientId: 'orders-api',
      clientSecret: 'b7Kq0-drawn-for-the-tests',
    },
    fetch: fake.fetch,
    now: () => NOW,
    ...changes,
  };
}
