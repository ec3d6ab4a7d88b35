import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { callCli } from './run-cli.ts';

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  // It listens on a port.
  const { port } = server.address() as AddressInfo;
  return `http://127.0.0.1:${port}/orders`;
}

interface Results {
  readonly results: readonly { readonly id: string; readonly outcome: string }[];
}

function outcomes(out: string): Readonly<Record<string, string>> {
  const { results } = JSON.parse(out) as Results;
  return Object.fromEntries(results.map(({ id, outcome }) => [id, outcome]));
}

const ALL = [
  '--i-own-this',
  '--json',
  '--token',
  'a.b.c',
  '--cookie',
  'sid=1',
  '--graphql',
  '{ orders { id } }',
  '--burst',
  '3',
];

test('every attack succeeds on a server that lets everything through', async () => {
  const url = await serve((request, response) => {
    response.setHeader('access-control-allow-origin', request.headers.origin ?? '*');
    response.end('{"data":{"__schema":{}},"stack":"Error\\n    at f (/srv/app.js:1:1)"}');
  });
  const folder = await mkdtemp(join(tmpdir(), 'apisec-attack-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const files = [join(folder, 'a.xml'), join(folder, 'a.sarif')] as const;
  const { code, out } = await callCli(
    'attack',
    url,
    ...ALL,
    '--junit',
    files[0],
    '--sarif',
    files[1],
  );
  expect(code).toBe(1);
  const ended = Object.entries(outcomes(out));
  const skipped = ended.filter(([, outcome]) => outcome === 'skipped').map(([id]) => id);
  // What needs a key or gRPC is seen in attack-dpop.test.ts and attack-grpc.test.ts.
  expect(skipped.every((id) => /^(?:dpop|grpc)\./.test(id))).toBe(true);
  const count = ended.filter(([, outcome]) => outcome === 'succeeded').length;
  expect(count).toBe(ended.length - skipped.length);
  expect(await readFile(files[0], 'utf8')).toContain(
    `tests="${ended.length}" failures="${count}" skipped="${skipped.length}"`,
  );
  const sarif = JSON.parse(await readFile(files[1], 'utf8')) as { runs: { results: object[] }[] };
  expect(sarif.runs[0]?.results).toHaveLength(count);
});

/** Admits its two credentials alone, at one path, from its own origin, 30 times. */
function careful(): RequestListener {
  let calls = 0;
  return (request, response) => {
    const { method, url, rawHeaders, headers } = request;
    const names = rawHeaders
      .filter((_, index) => index % 2 === 0)
      .map((name) => name.toLowerCase());
    const once = names.length === new Set(names).size;
    const isKnown = headers.authorization === 'Bearer a.b.c' || headers.cookie === 'sid=1';
    const isHonest = once && url === '/orders' && method !== 'TRACE' && !headers.origin;
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      const isPlain = body === '' || body.includes('orders');
      const isAdmitted = isKnown && isHonest && isPlain;
      response.setHeader('x-content-type-options', 'nosniff');
      response.statusCode = !isAdmitted ? 401 : ++calls > 30 ? 429 : 200;
      response.end('{"data":{"orders":[]}}');
    });
  };
}

test('no attack succeeds on a server that denies, and none is tried without what it needs', async () => {
  const url = await serve(careful());
  const bare = await callCli('attack', url, '--i-own-this', '--json');
  expect(bare.code).toBe(0);
  expect(outcomes(bare.out)).toMatchObject({
    'token.missing': 'withstood',
    'limit.missing': 'skipped',
  });
  const all = await callCli('attack', url, ...ALL, '--burst', '100');
  expect([all.code, new Set(Object.values(outcomes(all.out)))]).toEqual([
    0,
    new Set(['withstood', 'skipped']),
  ]);
});

test('an operation of GraphQL that answers denials with 200 has denied them', async () => {
  const url = await serve(({ headers }, response) => {
    const isKnown = headers.authorization === 'Bearer a.b.c';
    response.end(isKnown ? '{"data":{"orders":[]}}' : '{"errors":[{}],"data":{"orders":null}}');
  });
  const args = ['--i-own-this', '--json', '--token', 'a.b.c', '--graphql', '{ orders { id } }'];
  const { out } = await callCli('attack', url, ...args);
  expect(outcomes(out)).toMatchObject({
    'token.missing': 'withstood',
    'token.forged': 'withstood',
  });
});

test.each([
  ['--token', 'x.y.z'],
  ['--cookie', 'sid=2'],
])('%s that opens nothing is reported before any attack is tried', async (option, value) => {
  let calls = 0;
  const deny = careful();
  const url = await serve((request, response) => {
    calls++;
    deny(request, response);
  });
  const { code, err } = await callCli('attack', url, '--i-own-this', option, value);
  expect([code, calls]).toEqual([2, 1]);
  expect(err).toContain('denied with your credentials as well (401)');
});

test('a redirect is not followed, wherever it leads', async () => {
  let calls = 0;
  const elsewhere = await serve((_request, response) => {
    calls++;
    response.end('{}');
  });
  const url = await serve(({ headers }, response) => {
    const isKnown = headers.authorization === 'Bearer a.b.c';
    response.writeHead(isKnown ? 200 : 307, { location: elsewhere }).end('{}');
  });
  const { out } = await callCli('attack', url, '--i-own-this', '--json', '--token', 'a.b.c');
  expect([calls, outcomes(out)['token.missing']]).toEqual([0, 'withstood']);
});

test.each([
  'http://2130706433:1/',
  'http://0x7f.1:1/',
  'http://127.9.9.9:1/',
  'http://[::1]:1/',
  'http://[::ffff:127.0.0.1]:1/',
])('%s is this machine, however it is written', async (url) => {
  const { code, err } = await callCli('attack', url, '--i-own-this');
  expect([code, err]).toEqual([2, expect.stringContaining('does not answer')]);
});

test.each<[string, readonly string[], RegExp]>([
  ['that is not said to be owned', ['http://127.0.0.1:1/'], /--i-own-this/],
  ['of another machine', ['http://10.0.0.1/', '--i-own-this'], /not this machine/],
  [
    'whose name only looks like this machine',
    ['http://localhost.example.com/', '--i-own-this'],
    /not this machine/,
  ],
  [
    'that a translator of addresses takes for this machine',
    ['http://[64:ff9b::7f00:1]/', '--i-own-this'],
    /not this machine/,
  ],
  ['of every address', ['http://0.0.0.0/', '--i-own-this'], /not this machine/],
  [
    'with a name of a user in front',
    ['http://127.0.0.1:80@evil.example/', '--i-own-this'],
    /address of a protected operation/,
  ],
  [
    'that is not an address',
    ['file:///etc/passwd', '--i-own-this'],
    /address of a protected operation/,
  ],
  [
    'with a token that breaks lines',
    ['http://127.0.0.1:1/', '--i-own-this', '--token', 'a\nb'],
    /no header can have/,
  ],
  ['that does not answer', ['http://127.0.0.1:1/', '--i-own-this'], /does not answer/],
])('a target %s is not attacked', async (_what, args, told) => {
  const { code, err } = await callCli('attack', ...args);
  expect([code, err]).toEqual([2, expect.stringMatching(told)]);
});
