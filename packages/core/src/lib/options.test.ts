import { describe, expect, it } from 'vitest';
import { assertKnownOptions } from './options.ts';

describe('assertKnownOptions', () => {
  it('takes the options that the factory knows', () => {
    expect(() => assertKnownOptions('cors', { origins: [] }, ['origins', 'maxAge'])).not.toThrow();
  });

  it.each([
    [{ orgins: [] }, '"orgins" is not an option. Options: origins, maxAge.'],
    [null, 'options must be an object'],
    ['https://app.example.com', 'options must be an object'],
    [[], 'options must be an object'],
  ])('cannot be constructed with %j', (options, message) => {
    expect(() => assertKnownOptions('cors', options, ['origins', 'maxAge'])).toThrow(message);
  });
});
