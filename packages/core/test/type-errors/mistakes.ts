import {
  allowAuthenticated,
  authenticateJwt,
  type authenticateSignature,
  type Decision,
  guard,
  type HttpFacts,
  protect,
  requireScopes,
  securityHeaders,
  tokenInCookie,
} from '@apisec/core';

declare const decision: Decision<{ readonly principal: { readonly id: string } }>;
declare const signature: ReturnType<typeof authenticateSignature>;
const trust = { issuer: 'https://id.example.com', audience: 'https://api.example.com' };
const jwt = authenticateJwt(trust);

// Each statement below a comment is one mistake, and the comment is what the compiler says of it.

// > missing the following properties from type 'Readonly<AuthenticatedFacts>': principal, authentication
guard().use(requireScopes('orders:read')).use(jwt);

// > Type '"check"' is not assignable to type '"grant"'
protect(guard().use(securityHeaders()).use(jwt), () => new Response());

// > Property 'rawBody' is missing in type 'HttpFacts'
guard<HttpFacts>().use(signature).use(allowAuthenticated());

// > type '"This fact is already there: combine the policies with anyOf()."'
guard().use(jwt).use(jwt);

// > Property 'facts' does not exist on type 'Denied'
export const facts = decision.facts;

// > Property 'crossOrigin' is missing in type 'CallFacts'
guard().use(authenticateJwt({ ...trust, from: tokenInCookie('__Host-token') }));
