import { discoverIssuer } from '@apisec/core';
import { AUDIENCE, startIssuer, type TestIssuer } from 'apisec-example-issuer';
import { start } from '../src/server.ts';
import { createShop, type Shop } from '../src/shop.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: any;
  /** Why the first error is there. */
  readonly reason: string | undefined;
}

export interface Claims {
  readonly scope: string;
  readonly sub?: string;
  readonly roles?: readonly string[];
}

export interface Running {
  readonly url: string;
  readonly shop: Shop;
  readonly issuer: TestIssuer;
  /** Posts a body as whoever has the claims. */
  readonly post: (claims: Claims | undefined, body: unknown) => Promise<Answer>;
  readonly call: (claims: Claims | undefined, query: string, variables?: object) => Promise<Answer>;
  readonly fetch: (path: string, init?: RequestInit) => Promise<Answer>;
  readonly stop: () => Promise<void>;
}

/** The example as it runs, with an issuer of its own. */
export async function run(): Promise<Running> {
  const issuer = await startIssuer();
  const keys = discoverIssuer(issuer.issuer, { insecureLoopback: true });
  const shop = createShop();
  const trusted = { issuer: issuer.issuer, audience: AUDIENCE, keys };
  const { url, stop } = await start(trusted, { port: 0, host: '127.0.0.1' }, shop);
  const request = async (path: string, init?: RequestInit): Promise<Answer> => {
    const response = await fetch(new URL(path, url), init);
    const text = await response.text();
    const body: any = response.headers.get('content-type')?.includes('json')
      ? JSON.parse(text)
      : undefined;
    const reason = body?.errors?.[0]?.extensions?.reason as string | undefined;
    return { status: response.status, headers: response.headers, text, body, reason };
  };
  const post: Running['post'] = async (claims, body) =>
    request('/', {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(claims && { authorization: `Bearer ${await issuer.token({ ...claims })}` }),
      },
      body: JSON.stringify(body),
    });
  return {
    url,
    shop,
    issuer,
    post,
    call: (claims, query, variables) => post(claims, { query, variables }),
    fetch: request,
    stop: async () => {
      await stop();
      await issuer.close();
    },
  };
}
