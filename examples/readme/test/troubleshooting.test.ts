import { join } from 'node:path';
import {
  type Admission,
  allowAnonymous,
  authenticateJwt,
  cors,
  coverage,
  discoverIssuer,
  guard,
  type HttpFacts,
  logDenials,
  protect,
  requireRole,
  requireScopes,
} from '@apisec/core';
import { testClock, testIssuer } from '@apisec/core/testing';
import { expect, test } from 'vitest';
import { readBlocks } from '../src/blocks.ts';

const blocks = readBlocks(join(import.meta.dirname, '../../../docs/troubleshooting.md'));

const clock = testClock();
const { now } = clock;
const issuer = testIssuer({
  issuer: 'https://id.example.com/',
  audience: 'https://api.example.com',
  now,
});
const scope = 'orders:read';
const orders = guard().use(authenticateJwt(issuer.trust)).use(requireScopes(scope));

/** What the terminal shows of one call. */
async function shown(
  admission: Admission<HttpFacts, object>,
  headers: Readonly<Record<string, string>>,
  path = 'GET /orders',
): Promise<string> {
  const lines: string[] = [];
  const serve = protect(admission, () => Response.json({}), {
    logDenials: logDenials({ format: 'text', write: (line) => lines.push(line), now }),
    operation: () => path,
    onFault: () => undefined,
  });
  await serve(new Request('https://api.example.com/orders', { headers }));
  return lines.join('\n');
}

async function withToken(
  admission: Admission<HttpFacts, object>,
  ...[claims, options]: Parameters<typeof issuer.token>
): Promise<string> {
  return shown(admission, { authorization: `Bearer ${await issuer.token(claims, options)}` });
}

/** The message of a configuration that does not start. */
function thrown(start: () => unknown): string {
  try {
    start();
  } catch (error) {
    return String(error);
  }
  return 'it started';
}

const withoutSlash = guard()
  .use(authenticateJwt({ ...issuer.trust, issuer: 'https://id.example.com' }))
  .use(requireScopes(scope));
const otherKeys = guard()
  .use(authenticateJwt({ ...issuer.trust, keys: testIssuer({ issuer: issuer.issuer }).keys }))
  .use(requireScopes(scope));
const away = guard()
  .use(
    authenticateJwt({
      issuer: 'https://id.example.com/',
      audience: issuer.audience,
      keys: discoverIssuer('https://id.example.com/', {
        fetch: () =>
          // As the built-in fetch of Node does.
          Promise.reject(
            new TypeError('fetch failed', {
              cause: Object.assign(new Error('getaddrinfo ENOTFOUND id.example.com'), {
                code: 'ENOTFOUND',
              }),
            }),
          ),
        now,
      }),
      now,
    }),
  )
  .use(requireScopes(scope));

const unfinished = guard().use(authenticateJwt(issuer.trust));

const mistakes: Readonly<Record<string, () => string | Promise<string>>> = {
  audience: () => withToken(orders, { scope, aud: 'https://orders.example.com' }),
  issuer: () => withToken(withoutSlash, { scope }),
  'id-token': () =>
    withToken(orders, { nonce: 'n-0S6', at_hash: 'x', aud: 'my-app' }, { typ: 'JWT' }),
  expired: async () => {
    const token = await issuer.token({ scope });
    clock.advance('10m');
    return shown(orders, { authorization: `Bearer ${token}` });
  },
  scope: () => withToken(orders, { scope: 'orders:list profile' }),
  role: () =>
    withToken(guard().use(authenticateJwt(issuer.trust)).use(requireRole('admin')), {
      roles: ['clerk'],
    }),
  client: () => withToken(orders, { scope, client_id: undefined, azp: 'shop' }),
  key: () => withToken(otherKeys, { scope }),
  away: () => withToken(away, { scope }),
  missing: () => shown(orders, { 'x-access-token': 'abc' }),
  unlisted: () => shown(coverage({ 'GET /orders/:id': orders }), {}, 'GET /orders/7'),
  origin: () =>
    shown(
      guard()
        .use(cors({ origins: ['https://app.example.com'] }))
        .use(allowAnonymous()),
      {
        origin: 'http://localhost:5173',
      },
    ),
  // @ts-expect-error A guard without a grant does not compile either.
  grant: () => thrown(() => protect(unfinished, () => new Response())),
};
test.each(Object.entries(mistakes))(
  'the terminal says of %s what the page shows',
  async (name, make) => {
    const { text } = blocks.find(({ file }) => file === name) ?? {};
    expect(`${await make()}\n`).toBe(text);
  },
);

test('the page shows nothing else', () => {
  const files = blocks.map(({ file }) => file);
  expect(files.filter((file) => !file.endsWith('.ts'))).toEqual(Object.keys(mistakes));
});
