import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ATTACKS } from '../src/attack/attacks.ts';
import { sendGrpc } from '../src/attack/grpc-call.ts';
import { callCli } from './run-cli.ts';

const PATH = '/shop.v1.Orders/List';
const MESSAGE = Buffer.from([0, 0, 0, 0, 3, 0x0a, 0x01, 0x31]);
const LARGE = 4 * 1024 * 1024;

const [OK, DENIED, EXHAUSTED, UNIMPLEMENTED, UNAUTHENTICATED] = [0, 7, 8, 12, 16];

/** What a server sees of a call. */
interface Call {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Status {
  readonly code: number;
  readonly message?: string;
}

/** What one server does wrong; where it answers nothing it does what is right. */
type Flaw = (call: Call) => Status | undefined;

const isKnown = ({ headers }: Call): boolean => headers.authorization === 'Bearer a.b.c';
const isHonest = ({ path, headers, body }: Call): boolean =>
  path === PATH &&
  headers['content-type'] === 'application/grpc' &&
  headers['grpc-timeout'] === undefined &&
  body.equals(MESSAGE);
const when = (isFooled: boolean): Status | undefined => (isFooled ? { code: OK } : undefined);

interface Settings {
  readonly maxConcurrentStreams?: number;
}

/** Right but for the flaw. Denies by a limit after forty honest calls. */
async function serve(
  flaw: Flaw = () => undefined,
  settings: Settings = { maxConcurrentStreams: 100 },
): Promise<string> {
  let calls = 0;
  const server = createServer({ settings });
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    const parts: Buffer[] = [];
    stream.on('error', () => undefined);
    stream.on('data', (part: Buffer) => parts.push(part));
    stream.on('end', () => {
      const call: Call = { path: headers[':path'] ?? '', headers, body: Buffer.concat(parts) };
      const right = !isKnown(call) ? UNAUTHENTICATED : isHonest(call) ? OK : DENIED;
      const isLimited = right === OK && ++calls > 40;
      const { code, message = '' } = flaw(call) ?? { code: isLimited ? EXHAUSTED : right };
      const trailers = { 'grpc-status': String(code), 'grpc-message': encodeURIComponent(message) };
      if (stream.destroyed || stream.closed) return;
      if (code !== OK) {
        stream.respond(
          { ':status': 200, 'content-type': 'application/grpc', ...trailers },
          { endStream: true },
        );
        return;
      }
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc' },
        { waitForTrailers: true },
      );
      stream.on('wantTrailers', () => stream.sendTrailers(trailers));
      stream.end(Buffer.alloc(5));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  // It listens on a port.
  const { port } = server.address() as AddressInfo;
  return `http://127.0.0.1:${port}${PATH}`;
}

const GIVEN = ['--i-own-this', '--json', '--grpc', '--message', 'CgEx', '--token', 'a.b.c'];

interface Ended {
  readonly id: string;
  readonly outcome: string;
  readonly evidence?: string;
}

async function resultsOf(url: string): Promise<readonly Ended[]> {
  const { out, err } = await callCli('attack', url, ...GIVEN, '--burst', '60');
  expect(err).toBe('');
  return (JSON.parse(out) as { readonly results: readonly Ended[] }).results;
}

/** What one attack shows. */
async function shownBy(id: string, address: string): Promise<string | undefined> {
  const url = new URL(address);
  const attack = ATTACKS.find((each) => each.id === id);
  return attack?.run({
    url,
    query: { method: 'POST', body: MESSAGE.toString('base64') },
    token: 'a.b.c',
    graphql: false,
    grpc: true,
    burst: 60,
    send: (probe) => sendGrpc(url, probe),
  });
}

const isOwn = (call: Call): boolean => isKnown(call) && call.path === PATH;
const unzipped = ({ body }: Call): number => {
  try {
    return gunzipSync(body.subarray(5)).length;
  } catch {
    return 0;
  }
};

const flaws: readonly (readonly [id: string, evidence: string, flaw: Flaw])[] = [
  [
    'token.missing',
    'answered with OK',
    ({ path, headers }) =>
      when(
        path === PATH && Object.keys(headers).every((name) => /^(?::|content-type|te$)/.test(name)),
      ),
  ],
  [
    'token.twice',
    'two Authorization headers',
    (call) => when(call.headers.authorization?.includes(', ') === true),
  ],
  ['token.query', 'in the query', (call) => when(call.path === `${PATH}?access_token=a.b.c`)],
  ['path.ambiguous', `/${PATH}`, (call) => when(call.path === `/${PATH}`)],
  ...['x-user-id', 'x-forwarded-client-cert'].map((name): (typeof flaws)[number] => [
    'grpc.metadata',
    name,
    ({ headers }) => when(name in headers),
  ]),
  ...['/shop.v1.Orders/Missing', '/missing.v1.Missing/Get'].map((path): (typeof flaws)[number] => [
    'grpc.unlisted',
    `${path} is answered with UNIMPLEMENTED`,
    (call) => (call.path === path ? { code: UNIMPLEMENTED } : undefined),
  ]),
  ...['v1', 'v1alpha'].map((version): (typeof flaws)[number] => [
    'grpc.reflection',
    version,
    ({ path, body }) => when(path.startsWith(`/grpc.reflection.${version}.`) && body.includes('*')),
  ]),
  ...['Check', 'Watch'].map((name): (typeof flaws)[number] => [
    'grpc.health',
    name,
    ({ path, body }) =>
      when(path === `/grpc.health.v1.Health/${name}` && body.includes('shop.v1.Orders')),
  ]),
  ...['soon', '-1S', '999999999S', '1 S'].map((value): (typeof flaws)[number] => [
    'grpc.deadline',
    value,
    ({ headers }) => when(headers['grpc-timeout'] === value),
  ]),
  ['grpc.oversized', '5 MiB', (call) => when(isOwn(call) && call.body.length > LARGE)],
  [
    'grpc.oversized',
    'decompressed',
    (call) =>
      when(isOwn(call) && call.headers['grpc-encoding'] === 'gzip' && unzipped(call) > LARGE),
  ],
  [
    'grpc.framing',
    'ends within a message',
    (call) => when(isOwn(call) && call.body.length === MESSAGE.length + 2),
  ],
  [
    'grpc.framing',
    'two messages',
    (call) => when(isOwn(call) && call.body.equals(Buffer.concat([MESSAGE, MESSAGE]))),
  ],
  [
    'grpc.framing',
    'another content type',
    ({ headers }) => when(headers['content-type'] === 'text/plain'),
  ],
  [
    'grpc.telling',
    'index out of range',
    (call) =>
      isOwn(call) && call.body.at(-1) === 0xff
        ? { code: 13, message: 'index out of range: 3 + 10 > 3' }
        : undefined,
  ],
  ['limit.missing', 'None of 60 calls', (call) => when(isKnown(call) && isHonest(call))],
];

describe('a server of gRPC with one flaw', () => {
  test.each(flaws)('is found by %s: %s', async (id, evidence, flaw) => {
    expect(await shownBy(id, await serve(flaw))).toContain(evidence);
  });

  test('is found by grpc.streams where a connection has no bound', async () => {
    expect(await shownBy('grpc.streams', await serve(undefined, {}))).toBe(
      '500 calls of one connection are open at a time.',
    );
  });

  test('a gRPC server without a flaw is not reported', async () => {
    const all = await resultsOf(await serve());
    expect(all.filter(({ outcome }) => outcome === 'succeeded')).toEqual([]);
    const withstood = all.filter(({ outcome }) => outcome === 'withstood').map(({ id }) => id);
    expect(withstood).toEqual(expect.arrayContaining(['token.forged', 'limit.missing']));
    // What browsers and GraphQL have is not there.
    expect(all.find(({ id }) => id === 'cors.reflected')?.evidence).toBe('needs HTTP');
  });

  test('is here for every attack of gRPC', () => {
    const seen = new Set([...flaws.map(([id]) => id), 'grpc.streams']);
    const ids = ATTACKS.map(({ id }) => id).filter((id) => id.startsWith('grpc.'));
    expect(ids.filter((id) => !seen.has(id))).toEqual([]);
  });
});

describe('apisec attack --grpc', () => {
  test.each([
    [['--graphql', '{ a }'], 'not both'],
    [['--message', '%'], 'in base64'],
    [['--dpop-key', 'key.json'], 'for HTTP'],
  ])('with %j is denied', async (more, message) => {
    const { code, err } = await callCli('attack', await serve(), '--i-own-this', '--grpc', ...more);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
  });

  test('reports a call that is denied anyway by the name of its status', async () => {
    const { code, err } = await callCli('attack', await serve(), ...GIVEN.slice(0, -1), 'x');
    expect([code, err]).toEqual([2, expect.stringContaining('UNAUTHENTICATED')]);
  });

  test('reports a server that does not speak HTTP/2, and one that does not answer', async () => {
    const plain = createHttpServer((_request, response) => void response.end());
    plain.listen(0, '127.0.0.1');
    await once(plain, 'listening');
    onTestFinished(() => void plain.close());
    // It listens on a port.
    const { port } = plain.address() as AddressInfo;
    for (const each of [9, port]) {
      const { code, err } = await callCli('attack', `http://127.0.0.1:${each}${PATH}`, ...GIVEN);
      expect([code, err]).toEqual([2, expect.stringContaining('does not answer')]);
    }
  });

  test('attacks only this machine by default', async () => {
    const { code, err } = await callCli('attack', `https://api.example.com${PATH}`, ...GIVEN);
    expect([code, err]).toEqual([2, expect.stringContaining('--remote')]);
  });
});
