import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { readBytes } from './read-bytes.ts';

function streamOf(chunks: Iterable<Uint8Array>, onCancel?: () => void) {
  const left = chunks[Symbol.iterator]();
  return new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        const { done, value } = left.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      ...(onCancel && { cancel: onCancel }),
    },
    { highWaterMark: 0 },
  );
}

function* endless(chunk: Uint8Array): Generator<Uint8Array> {
  for (;;) yield chunk;
}

test('the bytes are those of the chunks, however they are cut', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 40 })), async (chunks) => {
      const whole = chunks.flatMap((chunk) => [...chunk]);
      expect([...((await readBytes(streamOf(chunks), whole.length)) ?? [-1])]).toEqual(whole);
      if (whole.length > 0) {
        expect(await readBytes(streamOf(chunks), whole.length - 1)).toBeUndefined();
      }
    }),
  );
});

test('a body that never ends is let go of at the limit', async () => {
  let cancelled = false;
  const body = streamOf(endless(new Uint8Array(1000)), () => {
    cancelled = true;
  });
  expect(await readBytes(body, 10_000)).toBeUndefined();
  expect(cancelled).toBe(true);
});

test('a body that comes byte by byte is read into no more memory than it needs', async () => {
  const chunk = new Uint8Array(1).fill(7);
  const bytes = await readBytes(streamOf(Array.from({ length: 5000 }, () => chunk)), 10_000);
  expect(bytes).toEqual(new Uint8Array(5000).fill(7));
  expect(bytes?.buffer.byteLength).toBe(5000);
});

test('a body that breaks off rejects', async () => {
  const body = new ReadableStream<Uint8Array>({ start: (it) => it.error(new Error('gone')) });
  await expect(readBytes(body, 10)).rejects.toThrow('gone');
});
