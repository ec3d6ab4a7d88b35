import { allowAnonymous, crossOrigin, guard } from '@apisec/core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { httpServers, serveSockets } from './hostile-servers.ts';
import { schemaOf } from './servers.ts';

const APP = 'https://app.example.com';
const EVIL = 'https://evil.example';
const admission = guard()
  .use(crossOrigin({ self: APP }))
  .use(allowAnonymous());

function shop() {
  const ran: string[] = [];
  const note = (name: string) => () => {
    ran.push(name);
    return 'done';
  };
  const schema = schemaOf('type Query { echo: String } type Mutation { pay: String }', {
    'Query.echo': note('echo'),
    'Mutation.pay': note('pay'),
  });
  return { schema, ran };
}

const own = { origin: APP, 'sec-fetch-site': 'same-origin' };
const foreign = { origin: EVIL, 'sec-fetch-site': 'cross-site' };
/** What the page of a stranger can bring a browser to send, without a preflight and with one. */
const attacks: readonly (readonly [string, RequestInit, string])[] = [
  ['a GET', { headers: { ...foreign, 'apollo-require-preflight': '1' } }, '?query=%7Becho%7D'],
  [
    'a GET of an old browser',
    { headers: { origin: EVIL, 'x-apollo-operation-name': 'a' } },
    '?query=%7Becho%7D',
  ],
  [
    'a link',
    { headers: { 'sec-fetch-site': 'cross-site', 'apollo-require-preflight': '1' } },
    '?query=%7Becho%7D',
  ],
  [
    'a GET with a content type of its own',
    { headers: { ...foreign, 'content-type': 'message/x-query' } },
    '?query=%7Becho%7D',
  ],
  [
    'JSON',
    {
      method: 'POST',
      headers: { ...foreign, 'content-type': 'application/json' },
      body: '{"query":"mutation { pay }"}',
    },
    '',
  ],
  [
    'a form',
    {
      method: 'POST',
      headers: {
        ...foreign,
        'content-type': 'application/x-www-form-urlencoded',
        'apollo-require-preflight': '1',
      },
      body: 'query=mutation%20%7B%20pay%20%7D',
    },
    '',
  ],
  [
    'plain text',
    {
      method: 'POST',
      headers: { ...foreign, 'content-type': 'text/plain', 'apollo-require-preflight': '1' },
      body: '{"query":"mutation { pay }"}',
    },
    '',
  ],
];

describe.each(httpServers)('crossOrigin on %s', (name, serve) => {
  const accept = name === 'graphql-sse' ? 'text/event-stream' : 'application/json';

  test.each(attacks)('denies %s of a foreign page', async (__, init, search) => {
    const { schema, ran } = shop();
    const { url, close } = await serve({ admission }, schema);
    onTestFinished(() => void close());
    const headers = new Headers(init.headers);
    headers.set('accept', accept);
    const response = await fetch(`${url}${search}`, { ...init, headers });
    const text = await response.text();
    expect(ran, text).toEqual([]);
    // Other types than JSON some servers do not read at all.
    const type = headers.get('content-type') ?? 'application/json';
    if (type === 'application/json') expect(text).toContain('csrf.cross_origin');
    expect(text).not.toContain('done');
  });

  test('lets the own page do all of it', async () => {
    const { schema, ran } = shop();
    const { url, close } = await serve({ admission }, schema);
    onTestFinished(() => void close());
    const headers = { ...own, 'content-type': 'application/json', accept };
    const body = JSON.stringify({ query: 'mutation { pay }' });
    const response = await fetch(url, { method: 'POST', headers, body });
    expect(await response.text()).toContain('done');
    expect(ran).toEqual(['pay']);
  });
});

describe('crossOrigin on graphql-ws', () => {
  const begin = async (headers: Record<string, string>) => {
    const { schema, ran } = shop();
    const { url, close } = await serveSockets({ admission }, schema);
    onTestFinished(() => void close());
    const socket = new WebSocket(url, 'graphql-transport-ws', { headers });
    const said: string[] = [];
    await new Promise<void>((resolve) => {
      socket.on('error', () => resolve());
      socket.on('close', () => resolve());
      socket.on('open', () => socket.send('{"type":"connection_init"}'));
      socket.on('message', (data) => {
        const text = Buffer.isBuffer(data) ? data.toString() : '';
        said.push(text);
        const payload = { query: 'mutation { pay }' };
        if (text.includes('connection_ack')) {
          socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload }));
        } else if (text.includes('"complete"') || text.includes('"error"')) socket.close();
      });
    });
    return { ran, said: said.join('') };
  };

  test('runs nothing on a socket that a foreign page has opened', async () => {
    for (const headers of [foreign, { origin: EVIL }]) {
      const { ran, said } = await begin(headers);
      expect([ran, said.includes('done')]).toEqual([[], false]);
    }
  });

  test('serves the own page', async () => {
    const { ran, said } = await begin({ origin: APP });
    expect([ran, said.includes('done')]).toEqual([['pay'], true]);
  });
});
