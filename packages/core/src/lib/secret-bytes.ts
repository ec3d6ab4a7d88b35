import { assertConfiguration } from './configuration-error.ts';
import { publishedSecretProblem } from './published-secrets.ts';

const LEAST_BYTES = 32;
const utf8 = new TextEncoder();

/**
 * Holds a secret to what protects: at least 32 bytes that nobody has published, and that somebody drew.
 *
 * @throws ConfigurationError for everything else. `where` names the secret, like `apiKeys: pepper "v1"`.
 */
export function assertSecretBytes(where: string, bytes: unknown): asserts bytes is Uint8Array {
  assertConfiguration(
    bytes instanceof Uint8Array && bytes.length >= LEAST_BYTES,
    `${where} must be at least ${LEAST_BYTES} random bytes in a Uint8Array.`,
  );
  assertUnpublished(where, bytes);
}

/**
 * Holds a secret that others chose, as an issuer or a sender of webhooks does, to what protects: it has `leastBytes`, and
 * nobody has published it.
 *
 * @throws ConfigurationError for everything else, also for one that is empty. `where` names the secret.
 */
export function assertUnpublished(
  where: string,
  secret: string | Uint8Array,
  leastBytes: number = 1,
): void {
  const bytes = typeof secret === 'string' ? utf8.encode(secret) : secret;
  const problem = publishedSecretProblem(bytes);
  assertConfiguration(problem === undefined, `${where} protects nothing: ${problem}.`);
  assertConfiguration(
    bytes.length >= leastBytes,
    `${where} is too short: it has ${bytes.length} bytes, and needs ${leastBytes}.`,
  );
}
