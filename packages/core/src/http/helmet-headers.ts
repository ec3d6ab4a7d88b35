import type { SecurityHeaderValues } from './security-headers.ts';

/**
 * Options of `securityHeaders` that set what helmet 8 sets by default, for applications that come from there. They
 * allow inline styles, and say neither `no-store` nor a `Permissions-Policy`.
 *
 * @example
 * securityHeaders(helmetHeaders)
 */
export const helmetHeaders: SecurityHeaderValues = /* @__PURE__ */ Object.freeze({
  contentSecurityPolicy:
    "default-src 'self';base-uri 'self';font-src 'self' https: data:;form-action 'self';" +
    "frame-ancestors 'self';img-src 'self' data:;object-src 'none';script-src 'self';" +
    "script-src-attr 'none';style-src 'self' https: 'unsafe-inline';upgrade-insecure-requests",
  strictTransportSecurity: 'max-age=31536000; includeSubDomains',
  cacheControl: false,
  crossOriginOpenerPolicy: 'same-origin',
  xFrameOptions: 'SAMEORIGIN',
  originAgentCluster: '?1',
  xDnsPrefetchControl: 'off',
  xDownloadOptions: 'noopen',
  xPermittedCrossDomainPolicies: 'none',
  xXssProtection: '0',
});
