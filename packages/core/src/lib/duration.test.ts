import { describe, expect, it } from 'vitest';
import { durationMs } from './duration.ts';

describe('durationMs', () => {
  it.each([
    ['250ms', 250],
    ['30s', 30_000],
    ['1.5s', 1_500],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['7d', 604_800_000],
  ])('reads %s as %d milliseconds', (text, milliseconds) => {
    expect(durationMs('policy', 'timeout', text)).toBe(milliseconds);
  });

  it.each([30_000, '30', 's', '30 s', '30S', '-1s', '1e3s', '', null, undefined, {}, ['1s']])(
    'cannot be constructed with %j',
    (value) => {
      expect(() => durationMs('policy', 'timeout', value)).toThrow(
        /policy: timeout must be a duration with its unit/,
      );
    },
  );

  it('cannot be constructed outside its bounds, and says them as they are written', () => {
    expect(() => durationMs('policy', 'timeout', '0s')).toThrow('from 1ms to');
    expect(() => durationMs('policy', 'timeout', '2m', { min: '1s', max: '1m' })).toThrow(
      'policy: timeout must be from 1s to 1m.',
    );
    expect(durationMs('policy', 'timeout', '1m', { min: '1s', max: '1m' })).toBe(60_000);
    expect(durationMs('policy', 'timeout', '1s', { min: '1s', max: '1m' })).toBe(1_000);
  });

  it('says that a number has no unit, and nothing of the kind of a text', () => {
    const saying = (value: unknown) => () => durationMs('policy', 'timeout', value);
    expect(saying(30)).toThrow(/'7d'; 30 has no unit\.$/);
    expect(saying('30 s')).toThrow(/'7d'\.$/);
  });
});
