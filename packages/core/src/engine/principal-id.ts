/**
 * The `id` of a principal: one string for each pair of issuer and subject, and never the same for two pairs.
 * A client that acts for itself (its subject is its client id) is another principal than a user whose
 * subject reads the same (RFC 9700 §4.15).
 */
export function principalId(issuer: string, subject: string, clientId?: string): string {
  return JSON.stringify(clientId === subject ? [issuer, subject, 'client'] : [issuer, subject]);
}
