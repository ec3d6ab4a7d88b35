import { assertConfiguration } from './configuration-error.ts';
import { ownSecretProblem, publishedSecretProblem } from './published-secrets.ts';

const LEAST_BYTES = 32;
const utf8 = new TextEncoder();

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
  assertProtects(where, ownSecretProblem(bytes));
}

/**
 * Holds a secret that others issued to what protects: nobody has published it.
 *
 * @throws ConfigurationError for one that everybody knows. `where` names the secret, like `oauthClient: clientSecret`.
 */
export function assertUnpublished(where: string, secret: string | Uint8Array): void {
  const bytes = typeof secret === 'string' ? utf8.encode(secret) : secret;
  assertProtects(where, publishedSecretProblem(bytes));
}

function assertProtects(where: string, problem: string | undefined): void {
  assertConfiguration(problem === undefined, `${where} protects nothing: ${problem}.`);
}
