/** The facts that every adapter of HTTP supplies, whatever its options. */
export const HTTP_FACTS: readonly string[] = [
  'call',
  'peer',
  'certificate',
  'unverifiedCertificate',
  'transport',
  'requestId',
  'bodies',
];
