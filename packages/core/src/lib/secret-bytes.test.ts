import { describe, expect, test } from 'vitest';
import { apiKeys } from '../api-keys/api-keys.ts';
import { memoryApiKeyStore } from '../api-keys/memory-api-key-store.ts';
import { requireCsrfToken } from '../http/require-csrf-token.ts';
import { dpopNonces } from '../possession/dpop-nonces.ts';
import { decodeBase64url } from './base64url.ts';
import { ConfigurationError } from './configuration-error.ts';
import { assertSecretBytes } from './secret-bytes.ts';

const utf8 = (text: string) => new TextEncoder().encode(text);

describe('a secret', () => {
  test.each<[string, unknown]>([
    ['with 31 bytes', crypto.getRandomValues(new Uint8Array(31))],
    ['that is text', 'x'.repeat(40)],
    ['that nobody drew', new Uint8Array(32)],
    ['of RFC 7515 A.1', decodeBase64url(`AyM1SysPpbyDfgZld3umj1qz${'A'.repeat(40)}`)],
    ['of a tutorial', utf8('complex_password_at_least_32_characters_long')],
    ['that says so itself', utf8('change_me_before_production_please_or_else')],
    ['that waits to be replaced', utf8('your-secret-key-here-your-secret-key-here')],
    ['that was handed over as it is written', utf8(`AyM1SysPpbyDfgZld3umj1qz${'A'.repeat(40)}`)],
  ])('%s is not taken', (_name, bytes) => {
    expect(() => assertSecretBytes('pepper "v1"', bytes)).toThrow(ConfigurationError);
  });

  test.each([1, 2, 3])('that was drawn is taken (%d)', () => {
    expect(() => assertSecretBytes('x', crypto.getRandomValues(new Uint8Array(32)))).not.toThrow();
  });

  test.each<[string, (bytes: Uint8Array) => unknown]>([
    [
      'apiKeys',
      (v1) =>
        apiKeys({
          prefix: 'acme',
          environment: 'live',
          store: memoryApiKeyStore(),
          peppers: { current: 'v1', keys: { v1 } },
        }),
    ],
    ['dpopNonces', (secret) => dpopNonces({ secrets: [secret] })],
    ['requireCsrfToken', (secret) => requireCsrfToken({ secrets: [secret], session: () => 's' })],
  ])('that everybody knows constructs no %s, and one that was drawn does', (_name, make) => {
    expect(() => make(utf8('this_is_a_secret_at_least_32_characters_long'))).toThrow(
      /protects nothing/,
    );
    make(crypto.getRandomValues(new Uint8Array(32)));
  });
});
