import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { sendWebResponse } from '../src/index.ts';

test('a long answer on a slow connection gathers no listeners', async () => {
  const chunks = 50;
  const res = new ServerResponse(new IncomingMessage(new Socket()));
  let written = 0;
  let most = 0;
  res.write = () => {
    written++;
    most = Math.max(most, res.listenerCount('close'), res.listenerCount('drain'));
    setImmediate(() => res.emit('drain'));
    return false;
  };
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      if (sent++ < chunks) controller.enqueue(Uint8Array.of(1));
      else controller.close();
    },
  });
  await sendWebResponse(new Response(body), res);
  expect(written).toBe(chunks);
  expect(most).toBeLessThanOrEqual(2);
});
