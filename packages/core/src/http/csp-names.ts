/** Every directive of CSP Level 3 and what stands beside it, in the order in which policies are written. */
export const DIRECTIVES: readonly string[] = (
  'default-src base-uri child-src connect-src font-src form-action frame-ancestors frame-src ' +
  'img-src manifest-src media-src object-src script-src script-src-attr script-src-elem ' +
  'style-src style-src-attr style-src-elem worker-src ' +
  'sandbox upgrade-insecure-requests require-trusted-types-for trusted-types'
).split(' ');
