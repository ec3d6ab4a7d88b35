// The client.

export type {
  AuthorizeOptions,
  CallbackOptions,
  DeviceAuthorization,
  EndSessionOptions,
  ExchangeRequest,
  LoginTransaction,
  OAuthClient,
  RefreshRequest,
  TokenRequest,
  TokenSet,
} from './client/client-types.ts';
export type { OAuthDenied } from './client/failures.ts';
export type { LogoutToken } from './client/logout-token.ts';
export { oauthClient } from './client/oauth-client.ts';
export type { OAuthAuthentication, OAuthClientOptions } from './client/options.ts';

// Tokens of services.

export {
  type ServiceToken,
  type TokenSource,
  type TokenSourceOptions,
  tokenSource,
} from './tokens/token-source.ts';

// Sessions of browsers.

export type { CookieKeys } from './lib/sealing.ts';
export {
  type AuthenticateSessionOptions,
  authenticateSession,
  type SessionFacts,
} from './sessions/authenticate-session.ts';
export {
  type MemorySessionStoreOptions,
  memorySessionStore,
} from './sessions/memory-session-store.ts';
export { type SealedSessionsOptions, sealedSessions } from './sessions/sealed-sessions.ts';
export type {
  NewSession,
  Session,
  SessionInfo,
  SessionOwner,
  Sessions,
} from './sessions/session.ts';
export type { SessionsOptions } from './sessions/session-settings.ts';
export { sessions } from './sessions/sessions.ts';
export type { AccessTokenResult } from './sessions/stored-tokens.ts';

// Routes.

export { type ForwardOptions, forward } from './routes/forward.ts';
export type { LogoutAtIssuer } from './routes/logout-routes.ts';
export {
  type FastifyLike,
  fastifyRoutes,
  type NodeRequestLike,
  type NodeResponseLike,
  sendWebResponse,
  toNodeHandler,
  toWebRequest,
} from './routes/node-handler.ts';
export { type OAuthRoutes, oauthRoutes } from './routes/oauth-routes.ts';
export type { OAuthRoutesOptions } from './routes/routes-settings.ts';
