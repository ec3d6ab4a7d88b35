import { describe, expect, test } from 'vitest';
import { releaseText } from './release-text.ts';

describe('a JSON text', () => {
  const filter = (payload: unknown) => ({ ok: true, value: { seen: payload } }) as const;

  test.each([
    ['is filtered', '{"a":1}', filter, '{"seen":{"a":1}}'],
    [
      'goes out as it is where nothing is put in its place',
      '{ "a": 1 }',
      () => ({ ok: true }) as const,
      '{ "a": 1 }',
    ],
    [
      'is emptied where undefined is put in its place',
      '1',
      () => ({ ok: true, value: undefined }) as const,
      '',
    ],
  ])('%s', (_, text, onRelease, expected) => {
    expect(releaseText(onRelease, text)).toEqual({ ok: true, text: expected });
  });

  test.each([
    ['that is none', '{', filter],
    ['whose filtered value is none', '1', () => ({ ok: true, value: 1n }) as const],
  ])('%s cannot be released', (_, text, onRelease) => {
    expect(releaseText(onRelease, text)).toMatchObject({
      ok: false,
      denial: { code: 'release.unfilterable' },
    });
  });

  test('is waited for only where the policy is', async () => {
    const later = releaseText(async (payload) => filter(payload), '1');
    expect(later).toBeInstanceOf(Promise);
    expect(await later).toEqual({ ok: true, text: '{"seen":1}' });
  });
});
