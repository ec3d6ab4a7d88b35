import { allowAnonymous, filterOutput, guard, type HttpFacts, peerOf } from '@apisec/core';
import { secure } from '@apisec/hono';
import { Hono } from 'hono';
import { stream, streamSSE } from 'hono/streaming';
import { expect, test } from 'vitest';

const row = { id: 1, s: 's3cret' };
const filtered = guard<HttpFacts>()
  .use(filterOutput({ shape: { id: 'value' } }))
  .use(allowAnonymous());
const faults: unknown[] = [];
const app = new Hono();
app.use(
  secure(filtered, { peer: () => peerOf('192.0.2.1'), onFault: (cause) => faults.push(cause) }),
);
app.get('/events', (c) =>
  streamSSE(c, async (events) => {
    await events.writeSSE({ data: JSON.stringify(row, undefined, 1), event: 'row', id: '7' });
    await events.writeSSE({ data: '', event: 'done' });
  }),
);
app.get('/broken', (c) =>
  streamSSE(c, async (events) => {
    await events.writeSSE({ data: JSON.stringify(row) });
    await events.writeSSE({ data: 's3cret' });
    await events.writeSSE({ data: JSON.stringify(row) });
  }),
);
app.get('/lines', (c) => {
  c.header('content-type', 'application/x-ndjson');
  c.header('etag', '"s3cret"');
  return stream(c, async (lines) => {
    await lines.write(JSON.stringify(row));
    await lines.write(`\n${JSON.stringify(row)}`);
  });
});

test.each([
  ['/events', 'event: row\nid: 7\ndata: {"id":1}\n\nevent: done\ndata:\n\n'],
  ['/lines', '{"id":1}\n{"id":1}\n'],
])('what a helper of Hono streams at %s is filtered', async (path, text) => {
  const response = await app.request(path);
  expect(await response.text()).toBe(text);
  expect(response.headers.has('etag')).toBe(false);
});

test('a stream of Hono ends with an error at what cannot be filtered, and operators hear of it', async () => {
  const response = await app.request('/broken');
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const read = async (): Promise<void> => {
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true };
      if (done) return;
      text += value;
    }
  };
  await expect(read()).rejects.toThrow('release.unfilterable');
  expect(text).toBe('data: {"id":1}\n\n');
  expect(faults).toMatchObject([{ kind: 'internal', code: 'release.unfilterable' }]);
});
