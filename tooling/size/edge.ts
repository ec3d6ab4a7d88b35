// A typical edge API: bearer tokens with remote keys, scopes, a rate limit, headers and CORS.
export {
  authenticateJwt,
  cors,
  guard,
  memoryLimitStore,
  protect,
  rateLimit,
  remoteJwks,
  requireScopes,
  securityHeaders,
  tokenBucket,
} from '@apisec/core';
