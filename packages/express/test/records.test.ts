import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { allowAnonymous, filterOutput, guard, type HttpFacts } from '@apisec/core';
import { secure } from '@apisec/express';
import express, { type Response } from 'express';
import { expect, onTestFinished, test } from 'vitest';

const rows = '{"id":1,"s":"s3cret"}\n{"id":2,"s":"s3cret"}\n';
const filtered = guard<HttpFacts>()
  .use(filterOutput({ shape: { id: 'value' } }))
  .use(allowAnonymous());

const ways: readonly (readonly [string, (response: Response, file: string) => unknown])[] = [
  ['a text', (response) => response.send(rows)],
  ['bytes', (response) => response.send(Buffer.from(rows))],
  ['a stream', (response) => Readable.from([rows.slice(0, 9), rows.slice(9)]).pipe(response)],
  ['a file', (response, file) => response.sendFile(file)],
];

test.each(ways)('NDJSON that a handler sends as %s is filtered', async (_way, send) => {
  const folder = await mkdtemp(join(tmpdir(), 'records-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'rows.ndjson');
  await writeFile(file, rows);
  const app = express();
  app.get('/', secure(filtered, { onFault: () => undefined }), (_request, response) => {
    response.type('application/x-ndjson').set('digest', 's3cret');
    send(response, file);
  });
  const server = app.listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const response = await fetch(url);
  expect(await response.text()).toBe('{"id":1}\n{"id":2}\n');
  expect(JSON.stringify([...response.headers])).not.toContain('s3cret');
  expect(response.headers.has('etag')).toBe(false);
  // Of a part of the file no line is known to be whole.
  const part = await fetch(url, { headers: { range: 'bytes=0-20' } });
  expect(await part.text()).not.toContain('s3cret');
});

test('onFault receives the denial that ends a stream', async () => {
  const faults: unknown[] = [];
  const app = express();
  const onFault = (cause: unknown): void => void faults.push(cause);
  app.get('/', secure(filtered, { onFault }), (_request, response) => {
    response.type('application/x-ndjson');
    response.write('{"id":1}\n', () => response.end('s3cret\n'));
  });
  const server = app.listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  await expect(answer.text()).rejects.toThrow('terminated');
  expect(faults).toMatchObject([{ code: 'release.unfilterable' }]);
});
