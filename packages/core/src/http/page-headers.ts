import { permissionsPolicy } from './permissions-policy.ts';
import type { SecurityHeaderValues } from './security-headers.ts';

/**
 * Options of `securityHeaders` for responses that are documents of one origin. For nonces, hashes and reports put
 * `contentSecurityPolicy` after it.
 *
 * @example
 * securityHeaders(pageHeaders)
 * securityHeaders({ ...pageHeaders, xFrameOptions: false })
 */
export const pageHeaders: SecurityHeaderValues = /* @__PURE__ */ Object.freeze({
  contentSecurityPolicy:
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; " +
    "object-src 'none'",
  crossOriginOpenerPolicy: 'same-origin',
  permissionsPolicy: /* @__PURE__ */ permissionsPolicy(),
  // For browsers without `frame-ancestors`.
  xFrameOptions: 'DENY',
  // With no-referrer a browser sends `Origin: null` on the page's own forms, which looks like an attack.
  referrerPolicy: 'strict-origin-when-cross-origin',
});
