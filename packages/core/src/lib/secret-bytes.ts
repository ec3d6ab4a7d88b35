import { encodeBase64url } from './base64url.ts';
import { assertConfiguration } from './configuration-error.ts';

/** Secrets of documentation and defaults, as text. */
const PUBLISHED: ReadonlySet<string> = new Set([
  // jwt.io.
  'a-string-secret-at-least-256-bits-long',
  'a-valid-string-secret-that-is-at-least-384-bits-long',
  'a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long',
  // Supabase, self-hosted.
  'super-secret-jwt-token-with-at-least-32-characters-long',
  'your-super-secret-jwt-token-with-at-least-32-characters-long',
  // iron-session, express-session, Auth.js and what is copied from their pages.
  'complex_password_at_least_32_characters_long',
  'this_is_a_secret_at_least_32_characters_long',
]);
/** Beginnings of the shared keys of standards, in base64url: RFC 7515 A.1 and RFC 7520. */
const STANDARDS: ReadonlySet<string> = new Set([
  'AyM1SysPpbyDfgZld3umj1qz',
  'hJtXIZ2uSN5kbQfbtTNWbpdm',
]);
const LEAST_BYTES = 32;
/** What people write until they have a secret. */
const PLACEHOLDER =
  /^(?:change|replace|insert|your|example|secret|password)[\s_-]?(?:me|this|it|in|your|secret|key|here|password)/i;

/** Why everybody knows a secret; undefined where nothing is known against it. */
export function publishedSecretProblem(bytes: Uint8Array): string | undefined {
  if (STANDARDS.has(encodeBase64url(bytes).slice(0, 24))) {
    return 'it is an example of a standard, which everybody knows';
  }
  if (bytes.every((byte) => byte === 0)) {
    return 'it is not random; draw a secret with crypto.getRandomValues(new Uint8Array(32))';
  }
  const text = new TextDecoder().decode(bytes);
  return PUBLISHED.has(text) || PLACEHOLDER.test(text)
    ? 'it is a secret from documentation, which everybody knows'
    : undefined;
}

/**
 * Holds a secret to what protects: at least 32 bytes that nobody has published.
 *
 * @throws ConfigurationError for everything else. `where` names the secret, like `apiKeys: pepper "v1"`.
 */
export function assertSecretBytes(where: string, bytes: unknown): asserts bytes is Uint8Array {
  assertConfiguration(
    bytes instanceof Uint8Array && bytes.length >= LEAST_BYTES,
    `${where} must be at least ${LEAST_BYTES} random bytes in a Uint8Array.`,
  );
  const problem = publishedSecretProblem(bytes);
  assertConfiguration(problem === undefined, `${where} protects nothing: ${problem}.`);
}
