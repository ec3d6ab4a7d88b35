import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { consume, type SafeFetch, safeFetch } from '@apisec/egress';
import { afterEach, describe, expect, test } from 'vitest';
import { createApp } from '../src/app.ts';

const open: Server[] = [];
const fetches: SafeFetch[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  await Promise.all(fetches.splice(0).map((fetch) => fetch.close()));
});

async function listen(server: Server): Promise<number> {
  open.push(server);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return (server.address() as AddressInfo).port;
}

const serve = (listener: RequestListener) => listen(createServer(listener));

/** An admin page that only the network of the service can reach. */
async function network() {
  let reads = 0;
  const admin = await serve((_, response) => {
    reads += 1;
    response.end('<title>admin password: s3cret</title>');
  });
  const redirector = await serve((_, response) =>
    response.writeHead(302, { location: `http://127.0.0.1:${admin}/` }).end(),
  );
  return { admin, redirector, reads: () => reads };
}

async function preview(fetch: (url: string) => Promise<Response>, url: string) {
  const port = await listen(createApp(fetch));
  const response = await globalThis.fetch(
    `http://127.0.0.1:${port}/preview?url=${encodeURIComponent(url)}`,
  );
  return { status: response.status, body: await response.text() };
}

const make = (options: Parameters<typeof safeFetch>[0]) => {
  const fetch = safeFetch(options);
  fetches.push(fetch);
  return fetch;
};

describe('server-side request forgery (OWASP API 7)', () => {
  // Covers: API7:2023
  test.each([
    ['its address', (port: number) => `http://127.0.0.1:${port}/`],
    ['a short form of it', (port: number) => `http://127.1:${port}/`],
    ['one number', (port: number) => `http://2130706433:${port}/`],
    ['an IPv6 form of it', (port: number) => `http://[::ffff:7f00:1]:${port}/`],
    ['a name of it', (port: number) => `http://localhost:${port}/`],
  ])('by %s succeeds without the policy, and fails with it', async (_name, write) => {
    const { admin, reads } = await network();
    const url = write(admin);
    // Only the port is allowed, which says nothing of the address.
    const denied = await preview(make({ ports: [admin] }), url);
    expect(denied.status).toBe(403);
    expect(denied.body).not.toContain('s3cret');
    expect(reads()).toBe(0);
    const attacked = await preview(fetch, url);
    expect(attacked.body).toContain('s3cret');
  });

  // Covers: API7:2023
  test('by a redirect of a public host succeeds without the policy, and fails with it', async () => {
    const { admin, redirector, reads } = await network();
    const url = `http://links.example.com:${redirector}/`;
    // The name is public once, and then not any more: the redirector stands for a host on the internet.
    const strict = make({
      ports: [redirector, admin],
      allowedNetworks: ['127.0.0.2/32'],
      resolve: async () => ['127.0.0.2'],
    });
    const elsewhere = createServer((_, response) =>
      response.writeHead(302, { location: `http://127.0.0.1:${admin}/` }).end(),
    );
    open.push(elsewhere);
    await new Promise<void>((resolve) => {
      elsewhere.listen(redirector, '127.0.0.2', resolve);
    });
    expect((await preview(strict, url)).status).toBe(403);
    expect(reads()).toBe(0);
    const attacked = await preview(fetch, `http://127.0.0.1:${redirector}/`);
    expect(attacked.body).toContain('s3cret');
  });

  test('by a name that is rebound fails with the policy', async () => {
    const { admin, reads } = await network();
    const rebound = make({ ports: [admin], resolve: async () => ['127.0.0.1'] });
    expect((await preview(rebound, `http://rebind.example.com:${admin}/`)).status).toBe(403);
    expect(reads()).toBe(0);
  });

  test('an honest page is previewed', async () => {
    const page = await serve((_, response) => response.end('<title>Hello</title>'));
    const fetch = make({ ports: [page], allowedNetworks: ['127.0.0.1'] });
    expect(await preview(fetch, `http://127.0.0.1:${page}/`)).toEqual({
      status: 200,
      body: '{"title":"Hello"}',
    });
  });
});

// Covers: API10:2023
test('unsafe consumption of APIs (OWASP API 10): a partner that was taken over has records sent on without the policy, and not with it', async () => {
  const stolen: string[] = [];
  const attacker = await serve((request, response) => {
    request.on('data', (chunk: Buffer) => stolen.push(chunk.toString()));
    request.on('end', () => response.end('{}'));
  });
  const partner = await serve((_, response) =>
    response.writeHead(308, { location: `http://127.0.0.1:${attacker}/` }).end(),
  );
  const url = `http://127.0.0.1:${partner}/records`;
  const record = { method: 'POST', body: '{"patient":"ann"}' };
  // Both are hosts that may be called: what counts is that the record was meant for the first one.
  const strict = make({ ports: [partner, attacker], allowedNetworks: ['127.0.0.1'] });
  await expect(strict(url, record)).rejects.toMatchObject({ code: 'egress.redirect_body' });
  expect(stolen).toEqual([]);
  await fetch(url, record);
  expect(stolen).toEqual(['{"patient":"ann"}']);
});

// Covers: API10:2023
test('unsafe consumption of APIs (OWASP API 10): a poisoned answer is used without the policy, and denied with it', async () => {
  const partner = await serve((_, response) =>
    response.end(JSON.stringify({ name: "x'; DROP TABLE companies; --", isVerified: true })),
  );
  const url = `http://127.0.0.1:${partner}/company`;
  const trusting = (await (await fetch(url)).json()) as { name: string };
  expect(trusting.name).toContain('DROP TABLE');
  const company = consume({
    fetch: make({ ports: [partner], allowedNetworks: ['127.0.0.1'] }),
    schema: {
      '~standard': {
        version: 1,
        validate: (value) => {
          const { name } = (value ?? {}) as { name?: unknown };
          return typeof name === 'string' && /^[\p{L}\d .&-]{1,100}$/u.test(name)
            ? { value: { name } }
            : { issues: ['name'] };
        },
      },
    },
  });
  expect(await company(url)).toMatchObject({
    ok: false,
    denial: { kind: 'upstream', code: 'upstream.answer_invalid' },
  });
});
