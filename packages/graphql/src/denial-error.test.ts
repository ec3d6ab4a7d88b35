import { denialError } from '@apisec/graphql';
import { expect, test } from 'vitest';

test('a denial as an error says what the caller may know, and nothing else', () => {
  const error = denialError({
    kind: 'unavailable',
    code: 'keys.unavailable',
    detail: 'Try again later.',
    cause: new Error('ECONNREFUSED 10.0.0.7'),
  });
  expect(error.toJSON()).toEqual({
    message: 'Try again later.',
    extensions: { code: 'SERVICE_UNAVAILABLE', reason: 'keys.unavailable', retryAfter: 5 },
  });
  expect(error.stack).toBeUndefined();
  expect(error.originalError).toBeUndefined();
  expect(JSON.stringify(error)).not.toContain('ECONN');
});
