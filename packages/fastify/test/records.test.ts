import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { allowAnonymous, filterOutput, guard, type HttpFacts } from '@apisec/core';
import { secure } from '@apisec/fastify';
import fastify, { type FastifyReply } from 'fastify';
import { expect, onTestFinished, test } from 'vitest';

const rows = '{"id":1,"s":"s3cret"}\n{"id":2,"s":"s3cret"}\n';
const filtered = guard<HttpFacts>()
  .use(filterOutput({ shape: { id: 'value' } }))
  .use(allowAnonymous());

const ways: readonly (readonly [string, (reply: FastifyReply) => unknown])[] = [
  ['a text', (reply) => reply.send(rows)],
  ['bytes', (reply) => reply.send(Buffer.from(rows))],
  ['a stream', (reply) => reply.send(Readable.from([rows.slice(0, 9), rows.slice(9)]))],
  ['a web stream', (reply) => reply.send(new Blob([rows]).stream())],
  [
    'a web response',
    (reply) =>
      reply.send(new Response(rows, { headers: { 'content-type': 'application/x-ndjson' } })),
  ],
  [
    'the raw response',
    (reply) => {
      reply.hijack();
      reply.raw.writeHead(200, { 'content-type': 'application/x-ndjson', etag: '"s3cret"' });
      reply.raw.write(rows.slice(0, 9));
      reply.raw.end(rows.slice(9));
    },
  ],
];

test.each(ways)('NDJSON that a handler sends as %s is filtered', async (_way, send) => {
  const app = fastify();
  onTestFinished(() => app.close());
  await app.register(secure(filtered));
  app.get('/', (_request, reply) => {
    reply.type('application/x-ndjson').header('digest', 's3cret');
    send(reply);
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  const response = await fetch(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}/`);
  expect(await response.text()).toBe('{"id":1}\n{"id":2}\n');
  expect(JSON.stringify([...response.headers])).not.toContain('s3cret');
});
