import { main } from 'apisec';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Demo, startDemo, type Transport } from '../src/demo.ts';

let demo: Demo;
beforeAll(async () => {
  demo = await startDemo();
});
afterAll(() => demo.close());

/** What `apisec attack` finds on the demo, with the token of an honest caller. */
async function attack(transport: Transport, path: string, ...args: readonly string[]) {
  let [out, err] = ['', ''];
  const url = `http://127.0.0.1:${demo.ports[transport]}${path}`;
  const own = ['--i-own-this', '--json', '--token', demo.tokens.reader];
  const code = await main(['attack', url, ...own, ...args], {
    stdout: { write: (written) => (out += written) },
    stderr: { write: (written) => (err += written) },
  });
  const { results } = JSON.parse(out || '{"results":[]}') as {
    readonly results: readonly { id: string; outcome: string; evidence?: string }[];
  };
  const ids = (outcome: string) =>
    results.flatMap((each) => (each.outcome === outcome ? [each.id] : []));
  const evidence = results.filter(({ outcome }) => outcome === 'succeeded');
  return { code, err, evidence, skipped: ids('skipped'), withstood: ids('withstood') };
}

// The demo sets no cookies, and keeps a limit on exports alone; the token is bound to no key.
const GRAPHQL = ['graphql.introspection', 'graphql.cost'];
const GRPC = 'metadata unlisted reflection health deadline oversized framing streams telling'
  .split(' ')
  .map((name) => `grpc.${name}`);
const HTTP = ['cors.reflected', 'method.trace', 'headers.missing', 'errors.telling'];
const NOT_HERE = [
  'csrf.simple',
  'limit.missing',
  ...['missing', 'forged', 'misplaced', 'stale', 'replayed'].map((name) => `dpop.${name}`),
];

test.each<[Transport, readonly string[], string, readonly string[]]>([
  ['Express', [], '/orders', [...GRAPHQL, ...GRPC]],
  ['Fastify', [], '/orders', [...GRAPHQL, ...GRPC]],
  ['Hono', [], '/orders', [...GRAPHQL, ...GRPC]],
  ['fetch', [], '/orders', [...GRAPHQL, ...GRPC]],
  ['Apollo', ['--graphql', '{ orders { message } }'], '/', GRPC],
  ['gRPC', ['--grpc'], '/shop.v1.Shop/Orders', [...GRAPHQL, ...HTTP]],
])('the demo on %s withstands every attack', async (transport, args, path, otherProtocol) => {
  const { code, err, evidence, skipped, withstood } = await attack(transport, path, ...args);
  expect([code, err, evidence]).toEqual([0, '', []]);
  expect(skipped.toSorted()).toEqual([...NOT_HERE, ...otherProtocol].toSorted());
  expect(withstood.length).toBeGreaterThanOrEqual(10);
});

test('the limit on exports ends a burst, and what is left of it is the same on Fastify', async () => {
  const { code, withstood } = await attack('Express', '/export', '--burst', '10');
  expect([code, withstood]).toEqual([0, expect.arrayContaining(['limit.missing'])]);
  const again = await attack('Fastify', '/export', '--burst', '10');
  expect(again.err).toContain('denied with your credentials as well (429)');
});
