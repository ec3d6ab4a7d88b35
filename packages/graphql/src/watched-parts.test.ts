import type { Ending } from '@apisec/core/host';
import { afterEach, beforeEach, describe, expect, type MockInstance, test, vi } from 'vitest';
import { watchParts } from './watched-parts.ts';

type Outcome = Ending['outcome'];

interface Part {
  readonly hasNext: boolean;
}
const part: Part = { hasNext: true };

async function* twoParts(): AsyncGenerator<Part> {
  yield part;
  yield part;
}

/** What a server would answer, watched, and what was told of its end. */
function watch(subsequentResults: AsyncIterable<Part>) {
  const told: Outcome[] = [];
  const { iterator } = watchParts(subsequentResults, (outcome) => void told.push(outcome));
  // It has every method of one.
  return { told, parts: iterator as AsyncGenerator<Part> };
}

/** As Apollo Server writes it. */
async function* write(parts: AsyncIterable<Part>): AsyncGenerator<string> {
  yield 'initial';
  for await (const each of parts) yield JSON.stringify(each);
}

let set: MockInstance<typeof setTimeout>;
let cleared: MockInstance<typeof clearTimeout>;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  set = vi.spyOn(globalThis, 'setTimeout');
  cleared = vi.spyOn(globalThis, 'clearTimeout');
});
afterEach(() => {
  // What else this process does may set timers as well.
  const own = set.mock.results.filter((_, at) => set.mock.calls[at]?.[1] === 30_000);
  const calls = cleared.mock.calls.map(([timer]) => timer);
  vi.restoreAllMocks();
  vi.useRealTimers();
  expect(own).toHaveLength(1);
  expect(calls).toContain(own[0]?.value);
});

describe('an incremental answer', () => {
  test('that is read to its end succeeded, and is what it was', async () => {
    const { told, parts } = watch(twoParts());
    const read: Part[] = [];
    for await (const each of parts) read.push(each);
    expect(read).toEqual([part, part]);
    expect(told).toEqual(['succeeded']);
  });

  test('that breaks off failed', async () => {
    const { told, parts } = watch(
      (async function* () {
        yield part;
        throw new Error('secret');
      })(),
    );
    await parts.next();
    await expect(parts.next()).rejects.toThrow('secret');
    expect(told).toEqual(['failed']);
  });

  test.each<[string, (parts: AsyncGenerator<Part>) => Promise<unknown>]>([
    ['before it was begun', (parts) => parts.return(undefined)],
    ['by a throw before it was begun', (parts) => parts.throw(new Error('gone')).catch(() => 0)],
    [
      'after a part',
      async (parts) => {
        for await (const _ of parts) break;
      },
    ],
    [
      'twice',
      async (parts) => {
        await parts.next();
        await parts.return(undefined);
        await parts.return(undefined);
        expect(await parts.next()).toEqual({ done: true, value: undefined });
      },
    ],
  ])('that is left %s is recorded as aborted, once, and its source is closed', async (_, leave) => {
    const source = twoParts();
    const { told, parts } = watch(source);
    await leave(parts);
    expect(told).toEqual(['aborted']);
    expect(await source.next()).toMatchObject({ done: true });
  });

  test('that is left while a part is awaited is recorded as aborted at once', async () => {
    const { told, parts } = watch(
      (async function* () {
        await new Promise(() => undefined);
        yield part;
      })(),
    );
    void parts.next();
    void parts.return(undefined);
    expect(told).toEqual(['aborted']);
  });

  test('may come from what can only be read', async () => {
    const { told, parts } = watch({
      [Symbol.asyncIterator]: () => ({ next: async () => ({ done: false, value: part }) }),
    });
    await parts.next();
    expect(await parts.return(undefined)).toEqual({ done: true, value: undefined });
    expect(told).toEqual(['aborted']);
    await expect(parts.throw(new Error('gone'))).rejects.toThrow('gone');
  });

  test('whose reader stops after the first part is recorded as aborted after a time', async () => {
    const { told, parts } = watch(twoParts());
    const writer = write(parts);
    await writer.next();
    await writer.return(undefined);
    await vi.advanceTimersByTimeAsync(29_999);
    expect(told).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(told).toEqual(['aborted']);
  });

  test('that is read slowly is not, once it is read', async () => {
    const { told, parts } = watch(twoParts());
    const writer = write(parts);
    await writer.next();
    await writer.next();
    await vi.advanceTimersByTimeAsync(600_000);
    expect(told).toEqual([]);
    for await (const _ of writer) continue;
    expect(told).toEqual(['succeeded']);
  });
});
