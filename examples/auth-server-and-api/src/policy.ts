import {
  type ApiKeys,
  anyOf,
  authenticateApiKey,
  authenticateIntrospection,
  authenticateJwt,
  type CertificateFacts,
  discoverIssuer,
  guard,
  type HttpFacts,
  requireCertificateBinding,
  requireDpop,
  requireScopes,
  securityHeaders,
  stepUp,
} from '@apisec/core';

/** What the policy needs from outside. */
export interface Surroundings {
  readonly issuer: string;
  /** What the API is called in tokens that are JWTs, and in opaque ones. */
  readonly audience: string;
  readonly opaqueAudience: string;
  /** Where clients reach the API. */
  readonly publicOrigin: string;
  /** How the API proves to the authorization server who it is. */
  readonly clientSecret: string;
  readonly apiKeys: ApiKeys;
}

export type Policy = ReturnType<typeof createPolicy>;

/** One API, and every credential that it takes. */
export function createPolicy(around: Surroundings) {
  const { issuer, audience, opaqueAudience, publicOrigin, clientSecret, apiKeys } = around;

  const identified = guard<HttpFacts & CertificateFacts>()
    .use(securityHeaders())
    // Who calls: by API key, by a token that says so itself, or by one that only its issuer can read.
    .use(
      anyOf(
        authenticateApiKey({ keys: apiKeys }),
        authenticateJwt({
          issuer,
          audience,
          keys: discoverIssuer(issuer, { insecureLoopback: true }),
          schemes: ['Bearer', 'DPoP'],
          opaqueTokens: 'ignore',
        }),
        authenticateIntrospection({
          issuer,
          audience: opaqueAudience,
          endpoint: `${issuer}/token/introspection`,
          client: { method: 'client_secret_basic', clientId: 'api', clientSecret },
          insecureLoopback: true,
          cache: { maxRevocationDelay: '1s' },
        }),
      ),
    )
    // A token that is bound to a key or a certificate is worth nothing without it.
    .use(requireDpop({ publicOrigin }))
    .use(requireCertificateBinding());

  return {
    orders: identified.use(requireScopes('orders:read')),
    /** Money moves only for somebody who signed in with a second factor, within five minutes. */
    payout: identified
      .use(stepUp({ acr: ['mfa'], maxAge: '5m' }))
      .use(requireScopes('orders:read')),
  };
}
