import { allowAnonymous, cors, guard, securityHeaders } from '@apisec/core';
import { apisec, type YogaOptions } from '@apisec/graphql/yoga';
import { createYoga, type Plugin } from 'graphql-yoga';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { shop } from './harness.ts';

const admission = guard().use(allowAnonymous());

function serve(options: Partial<YogaOptions<any>> = {}, plugins: Plugin[] = []) {
  const yoga = createYoga({
    schema: shop(),
    logging: false,
    plugins: [apisec({ admission, ...options }), ...plugins],
  });
  return async (path: string, headers: Record<string, string> = { accept: 'text/html' }) => {
    const response = await yoga.fetch(`http://localhost${path}`, { headers });
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
}

const pages: readonly (readonly [string, string])[] = [
  ['GraphiQL', '/graphql'],
  ['GraphiQL behind a trailing slash', '/graphql/'],
  ['GraphiQL with a query', '/graphql?query=%7Becho%7D'],
  ['the landing page', '/'],
  ['the landing page at any path', '/nowhere/else'],
];

describe('Pages that Yoga shows by itself', () => {
  afterEach(() => vi.unstubAllEnvs());

  test.each(pages)('are closed where nobody develops: %s', async (_, path) => {
    for (const mode of ['production', 'test', '']) {
      vi.stubEnv('NODE_ENV', mode);
      const { status, headers, text } = await serve()(path);
      expect([status, headers.get('content-type')]).toEqual([404, 'application/problem+json']);
      expect(JSON.parse(text)).toMatchObject({ code: 'page.disabled' });
      expect(text).not.toContain('html');
    }
  });

  test.each(pages)('are there while somebody develops: %s', async (_, path) => {
    vi.stubEnv('NODE_ENV', 'development');
    const { status, headers } = await serve()(path);
    expect([status, headers.get('content-type')]).toEqual([200, 'text/html']);
    expect((await serve({ documentationPages: false })(path)).status).toBe(404);
  });

  test.each(pages)('are there in production where an option says so: %s', async (_, path) => {
    vi.stubEnv('NODE_ENV', 'production');
    expect((await serve({ documentationPages: true })(path)).status).toBe(200);
  });

  test('are closed for browsers too, whose Accept names more than HTML', async () => {
    const accept = 'application/xhtml+xml,text/html;q=0.9,*/*;q=0.8';
    expect((await serve()('/graphql', { accept })).status).toBe(404);
  });

  test('are closed beside CORS, and to origins that may read answers', async () => {
    const origin = 'https://app.example.com';
    const open = guard()
      .use(securityHeaders())
      .use(cors({ origins: [origin] }))
      .use(allowAnonymous());
    const page = await serve({ admission: open })('/graphql', { accept: 'text/html', origin });
    expect(page.status).toBe(404);
  });

  test('leave answers to operations as they are', async () => {
    const accept = 'application/json';
    const { status, text } = await serve()('/graphql?query=%7Becho(text:"a")%7D', { accept });
    expect([status, JSON.parse(text)]).toEqual([200, { data: { echo: 'a' } }]);
  });

  test('are closed whatever plugin makes them', async () => {
    const page: Plugin = {
      onRequest: (asked) =>
        asked.endResponse(
          new asked.fetchAPI.Response('<title>Voyager</title>', {
            headers: { 'content-type': 'Text/HTML; charset=utf-8' },
          }),
        ),
    };
    expect((await serve({}, [page])('/graphql')).status).toBe(404);
  });

  test('are no option to be misspelt', () => {
    expect(() => apisec({ admission, documentationPages: 'yes' as never })).toThrow(
      'documentationPages must be true or false',
    );
  });
});
