import { describe, expect, test } from 'vitest';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { LONGEST_CURSOR, type PagePosition, pageCursors } from './page-cursors.ts';

const random = (): Uint8Array => crypto.getRandomValues(new Uint8Array(32));
const secret = random();
const cursors = (options: object = {}, now: () => number = () => 0) =>
  pageCursors('test', { secrets: [secret], ...options }, now);

describe('a position', () => {
  test.each<[string, PagePosition]>([
    ['nothing', []],
    ['text, numbers, booleans and null', ['a', 0, -1.5, true, false, null]],
    ['sixteen values', Array.from({ length: 16 }, (_, at) => at)],
    ['text beyond ASCII', ['ä\u{1F600}"\\']],
  ])('of %s comes back as it was', async (_, position) => {
    const { seal, open } = cursors();
    expect(await open(await seal(position, 'orders'), 'orders')).toEqual(position);
  });

  test.each<[string, unknown]>([
    ['no list', { length: 0 }],
    ['a list within the list', [['a']]],
    ['an object', [1, {}]],
    ['undefined', ['a', undefined]],
    ['a number that is none', [Number.NaN]],
    ['a number without end', [Number.POSITIVE_INFINITY, 1]],
    ['seventeen values', Array.from({ length: 17 }, () => 1)],
  ])('of %s is not sealed', async (_, position) => {
    await expect(cursors().seal(position as PagePosition, 'orders')).rejects.toThrow(
      'A position is a list of at most 16 texts, finite numbers, booleans or nulls.',
    );
  });

  test('of 2,048 bytes of JSON can be sealed and opened, and a longer one cannot be sealed', async () => {
    const around = JSON.stringify({ until: 86_400_000, at: [''] }).length;
    const { seal, open } = cursors();
    const longest = ['x'.repeat(2_048 - around)];
    const sealed = await seal(longest, 'orders');
    expect(sealed.length).toBeLessThan(LONGEST_CURSOR);
    expect(await open(sealed, 'orders')).toEqual(longest);
    await expect(seal([`${longest[0]}x`], 'orders')).rejects.toThrow('at most 2048 bytes');
  });
});

describe('a cursor', () => {
  test('opens until its end, and not at it', async () => {
    const at = { now: 0 };
    const { seal, open } = cursors({ lifetime: '1s' }, () => at.now);
    const cursor = await seal([1], 'orders');
    at.now = 999;
    expect(await open(cursor, 'orders')).toEqual([1]);
    at.now = 1_000;
    expect(await open(cursor, 'orders')).toBeUndefined();
  });

  test('opens for a day where nothing else is said', async () => {
    const at = { now: 0 };
    const { seal, open } = cursors({}, () => at.now);
    const cursor = await seal([1], 'orders');
    at.now = 86_399_999;
    expect(await open(cursor, 'orders')).toEqual([1]);
    at.now = 86_400_000;
    expect(await open(cursor, 'orders')).toBeUndefined();
  });

  test('opens in its own context alone, by any of the secrets', async () => {
    const cursor = await cursors().seal([1], 'orders');
    const renewed = cursors({ secrets: [random(), random(), secret] });
    expect(await renewed.open(cursor, 'orders')).toEqual([1]);
    expect(await renewed.open(cursor, 'order')).toBeUndefined();
    expect(await renewed.open(await renewed.seal([2], 'orders'), 'orders')).toEqual([2]);
    expect(await cursors().open(await renewed.seal([2], 'orders'), 'orders')).toBeUndefined();
  });

  test.each([0, 1, 12, 27, 28, 29, 100])(
    'of %i bytes that nobody sealed does not open',
    async (n) => {
      const bytes = Buffer.alloc(n, 7).toString('base64url');
      expect(await cursors().open(bytes, 'orders')).toBeUndefined();
    },
  );

  test('that is not base64url, or too long to be one, does not open', async () => {
    for (const bad of ['', '%', 'A', 'A'.repeat(LONGEST_CURSOR), 'A'.repeat(LONGEST_CURSOR + 4)]) {
      expect(await cursors().open(bad, 'orders')).toBeUndefined();
    }
  });
});

describe('cursors', () => {
  test.each<[string, object]>([
    ['no secret', { secrets: [] }],
    ['a secret that is not a list', { secrets: secret }],
    ['nine secrets', { secrets: Array.from({ length: 9 }, random) }],
    ['a short one behind a long one', { secrets: [secret, new Uint8Array(31).fill(7)] }],
    ['a lifetime of less than a second', { lifetime: '999ms' }],
    ['a lifetime of more than a year', { lifetime: '366d' }],
  ])('cannot be constructed with %s', (_, options) => {
    expect(() => cursors(options)).toThrow(ConfigurationError);
    expect(() => cursors(options)).toThrow(/^test: .*cursors\./);
  });

  test('construct with eight secrets, for a second or a year', () => {
    for (const lifetime of ['1s', '365d']) {
      expect(() => cursors({ secrets: Array.from({ length: 8 }, random), lifetime })).not.toThrow();
    }
  });
});
