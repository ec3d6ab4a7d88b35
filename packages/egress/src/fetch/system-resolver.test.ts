import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { boundedLookups } from './system-resolver.ts';

/** A resolver whose answers a test gives. */
function resolver() {
  const asked: string[] = [];
  const open = new Map<string, (addresses: readonly string[]) => void>();
  const look = (name: string): Promise<readonly string[]> => {
    asked.push(name);
    return new Promise((resolve) => {
      open.set(name, resolve);
    });
  };
  return { asked, look, answer: (name: string) => open.get(name)?.([`192.0.2.${name.length}`]) };
}

describe('lookups', () => {
  test('run as many at once as they may, and then one after another', async () => {
    const { asked, look, answer } = resolver();
    const lookup = boundedLookups(look, 2);
    const found = ['a', 'bb', 'ccc', 'dddd'].map((name) => lookup(name, 60_000));
    expect(asked).toEqual(['a', 'bb']);
    answer('bb');
    expect(await found[1]).toEqual(['192.0.2.2']);
    await expect.poll(() => asked).toEqual(['a', 'bb', 'ccc']);
    answer('a');
    await expect.poll(() => asked).toEqual(['a', 'bb', 'ccc', 'dddd']);
    answer('ccc');
    answer('dddd');
    expect((await Promise.all(found)).flat()).toHaveLength(4);
  });

  test('of names that nobody answers hold their places, and others give up without being asked about', async () => {
    const { asked, look, answer } = resolver();
    const lookup = boundedLookups(look, 2);
    void lookup('slow-1', 10);
    void lookup('slow-2', 10);
    await expect(lookup('honest', 10)).rejects.toMatchObject({
      code: 'egress.overloaded',
      denial: { kind: 'unavailable' },
    });
    await expect(lookup('honest', 10)).rejects.toMatchObject({
      code: 'egress.overloaded',
      denial: { kind: 'unavailable' },
    });
    expect(asked).toEqual(['slow-1', 'slow-2']);
    answer('slow-1');
    const honest = lookup('honest', 60_000);
    await expect.poll(() => asked).toEqual(['slow-1', 'slow-2', 'honest']);
    answer('honest');
    expect(await honest).toEqual(['192.0.2.6']);
  });

  test('of names that nobody answers do not hold up a name that has resolved before', async () => {
    const { asked, look, answer } = resolver();
    const lookup = boundedLookups(look, 2, 3);
    const before = lookup('honest', 60_000);
    answer('honest');
    await before;
    const flood = Array.from({ length: 50 }, (_, at) => lookup(`slow-${at}`, 60_000));
    const honest = lookup('honest', 60_000);
    const strange = lookup('strange', 60_000);
    await expect.poll(() => asked).toEqual(['honest', 'slow-0', 'slow-1', 'honest']);
    answer('honest');
    expect(await honest).toEqual(['192.0.2.6']);
    // They give up when this test is long over.
    for (const promise of [...flood, strange]) promise.catch(() => undefined);
  });

  test('that fail make a name a stranger again', async () => {
    let isDown = false;
    const started: string[] = [];
    const lookup = boundedLookups(
      (name) => {
        started.push(name);
        if (name !== 'a') return new Promise(() => undefined);
        return isDown ? Promise.reject(new Error('ENOTFOUND')) : Promise.resolve(['192.0.2.1']);
      },
      1,
      2,
    );
    await lookup('a', 60_000);
    isDown = true;
    await expect(lookup('a', 60_000)).rejects.toThrow('ENOTFOUND');
    void lookup('slow', 60_000);
    await expect(lookup('a', 10)).rejects.toMatchObject({ code: 'egress.overloaded' });
    expect(started).toEqual(['a', 'a', 'slow']);
  });

  test.each([
    ['1', 1],
    ['8', 4],
    ['', 2],
  ])('of the system get half of the threads: of "%s" there are %d', async (threads, half) => {
    const asked: string[] = [];
    vi.stubEnv('UV_THREADPOOL_SIZE', threads);
    vi.doMock('node:dns/promises', () => ({
      lookup: (name: string) => new Promise(() => asked.push(name)),
    }));
    vi.resetModules();
    onTestFinished(() => {
      vi.unstubAllEnvs();
      vi.doUnmock('node:dns/promises');
      vi.resetModules();
    });
    const { systemResolver } = await import('./system-resolver.ts');
    const resolve = systemResolver(10);
    for (let at = 0; at < half; at++) void resolve(`slow-${at}.example`);
    await expect(resolve('late.example')).rejects.toMatchObject({ code: 'egress.overloaded' });
    expect(asked).toHaveLength(half);
  });

  test('of one name are one, also for those who wait', async () => {
    const { asked, look, answer } = resolver();
    const lookup = boundedLookups(look, 1);
    const first = lookup('a', 60_000);
    expect(lookup('a', 60_000)).toBe(first);
    const waiting = ['bb', 'bb', 'ccc'].map((name) => lookup(name, 60_000));
    answer('a');
    await expect.poll(() => asked).toEqual(['a', 'bb']);
    answer('bb');
    await expect.poll(() => asked).toEqual(['a', 'bb', 'ccc']);
    answer('ccc');
    expect(await Promise.all(waiting)).toEqual([['192.0.2.2'], ['192.0.2.2'], ['192.0.2.3']]);
  });

  test('that fail free their places', async () => {
    const lookup = boundedLookups(async (name) => {
      if (name === 'bad') throw new Error('ENOTFOUND');
      return ['192.0.2.1'];
    }, 1);
    await expect(lookup('bad', 60_000)).rejects.toThrow('ENOTFOUND');
    expect(await lookup('good', 60_000)).toEqual(['192.0.2.1']);
  });
});
