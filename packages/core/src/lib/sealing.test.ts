import { describe, expect, test } from 'vitest';
import { secretOf } from '../../test/secrets.ts';
import { ConfigurationError } from './configuration-error.ts';
import { type SealingKeys, sealing } from './sealing.ts';

const key = secretOf;
const keys: SealingKeys = { current: 'v2', keys: { v1: key(1), v2: key(2) } };
const bytes = new Uint8Array([1, 2, 3, 250]);
const box = sealing('test', keys, 'purpose');

test('sealed text opens with the same key, purpose and context', async () => {
  const sealed = await box.seal(bytes, 'alice');
  expect(sealed.key).toBe('v2');
  expect(await box.open(sealed, 'alice')).toEqual(bytes);
  const rotated = sealing('test', { current: 'v3', keys: { v2: key(2), v3: key(3) } }, 'purpose');
  expect(await rotated.open(sealed, 'alice')).toEqual(bytes);
});

test('the same bytes are never sealed the same way twice', async () => {
  const [one, other] = await Promise.all([box.seal(bytes, 'alice'), box.seal(bytes, 'alice')]);
  expect(one.text).not.toBe(other.text);
  expect(one.iv).not.toBe(other.iv);
});

describe('sealed text does not open', () => {
  test.each([
    ['for somebody else', box, {}, 'bob'],
    ['for another purpose', sealing('test', keys, 'other'), {}, 'alice'],
    [
      'with another key under the same name',
      sealing('test', { current: 'v2', keys: { v2: key(9) } }, 'purpose'),
      {},
      'alice',
    ],
    [
      'without its key',
      sealing('test', { current: 'a', keys: { a: key(2) } }, 'purpose'),
      {},
      'alice',
    ],
    ['under a hidden name', box, { key: '__proto__' }, 'alice'],
    ['with another start', box, { iv: 'AAAAAAAAAAAAAAAA' }, 'alice'],
    ['with a short start', box, { iv: 'AAAA' }, 'alice'],
    ['with an empty text', box, { text: '' }, 'alice'],
    ['with a text that is none', box, { text: '!' }, 'alice'],
  ])('%s', async (_, other, changes, context) => {
    const sealed = await box.seal(bytes, 'alice');
    await expect(other.open({ ...sealed, ...changes }, context)).rejects.toThrow();
  });
});

test('a key that is changed afterwards changes nothing', async () => {
  const own = key(4);
  const kept = sealing('test', { current: 'v1', keys: { v1: own } }, 'purpose');
  own.fill(0);
  const same = sealing('test', { current: 'v1', keys: { v1: key(4) } }, 'purpose');
  expect(await same.open(await kept.seal(bytes, 'a'), 'a')).toEqual(bytes);
});

test.each([
  ['a short key', { current: 'v1', keys: { v1: new Uint8Array(31) } }],
  ['a key that is text', { current: 'v1', keys: { v1: 'a'.repeat(32) as never } }],
  ['a current key that is not there', { current: 'v3', keys: keys.keys }],
  ['nothing', undefined as never],
  ['no keys', { current: 'v1', keys: {} }],
  ['a hidden name', { current: 'constructor', keys: keys.keys }],
  [
    'too many keys',
    {
      current: 'k0',
      keys: Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`k${n}`, key(n)])),
    },
  ],
])('cannot be constructed with %s', (_, given) => {
  expect(() => sealing('test', given, 'purpose')).toThrow(ConfigurationError);
});
