// For users.

export type {
  ApiKeyChange,
  ApiKeyInfo,
  ApiKeyIssue,
  ApiKeyProblem,
  ApiKeyRefusalCode,
  ApiKeyScope,
  ApiKeys,
  ApiKeyVerification,
  ListOptions,
  NewApiKey,
  RotateOptions,
  VerifiedApiKey,
} from './api-key.ts';
export { type ApiKeysOptions, apiKeys, type Peppers } from './credentials/api-keys.ts';
export { type DpopNonces, type DpopNoncesOptions, dpopNonces } from './credentials/dpop-nonces.ts';
export { type HcaptchaOptions, hcaptcha } from './credentials/hcaptcha.ts';
export { apiKeyPattern, type ParsedApiKey, parseApiKey } from './credentials/parse-api-key.ts';
export {
  type BreachedRange,
  type PasswordCheck,
  type PasswordContext,
  type PasswordHash,
  type PasswordHasher,
  type PasswordRefusal,
  type Passwords,
  type PasswordsOptions,
  type PasswordVerification,
  passwords,
} from './credentials/passwords.ts';
export {
  type Revocations,
  type RevocationsOptions,
  type RevocationTarget,
  type RevokeOptions,
  revocations,
} from './credentials/revocations.ts';
export { type SignRequestOptions, signRequest } from './credentials/sign-request.ts';
export {
  type StepTicket,
  type StepTokens,
  type StepTokensOptions,
  stepTokens,
} from './credentials/step-tokens.ts';
export {
  type IssuedTokens,
  type RefreshRequest,
  type TokenGrant,
  type TokenRefusalReason,
  type TokenReuse,
  type Tokens,
  type TokensOptions,
  type TokensRefused,
  tokens,
} from './credentials/tokens.ts';
export {
  type SealingKeys,
  type Totp,
  type TotpBackupCodes,
  type TotpEnrolment,
  type TotpOptions,
  type TotpRefusal,
  type TotpStatus,
  type TotpVerification,
  totp,
} from './credentials/totp.ts';
export { type TurnstileOptions, turnstile } from './credentials/turnstile.ts';
export type { HumanVerdict, HumanVerifier } from './human-verifier.ts';
export type { FailureSchedule } from './internal/limits/failure-schedule.ts';
export type { AttemptResult } from './internal/limits/judge-attempt.ts';
export type { LimitKey } from './internal/limits/limit-key.ts';
export type {
  LimitSubject,
  NamedRateLimitRule,
  RateLimitRule,
} from './internal/limits/limit-rule.ts';
export type { StoreFailureOptions } from './internal/store-failure.ts';
export type {
  Jwk,
  JwsAlgorithm,
  KeyAnswer,
  KeyHint,
  KeySet,
  KeySource,
  SignatureVerifier,
  VerificationKey,
  VerifySignature,
} from './key-source.ts';
export { type DiscoveryOptions, discoverIssuer } from './keys/discover-issuer.ts';
export { type JwksDocument, localJwks } from './keys/local-jwks.ts';
export { type RemoteKeysOptions, remoteJwks } from './keys/remote-jwks.ts';
export { type FixedWindowOptions, fixedWindow } from './limits/fixed-window.ts';
export { type GcraOptions, gcra } from './limits/gcra.ts';
export { type SlidingWindowOptions, slidingWindow } from './limits/sliding-window.ts';
export { type TokenBucketOptions, tokenBucket } from './limits/token-bucket.ts';
export { allowAnonymous } from './policies/allow-anonymous.ts';
export { allowAuthenticated } from './policies/allow-authenticated.ts';
export {
  type ApiKeyFacts,
  type AuthenticateApiKeyOptions,
  authenticateApiKey,
} from './policies/authenticate-api-key.ts';
export {
  type AuthenticateCertificateOptions,
  authenticateCertificate,
  type CertificateIdentity,
  type CertificateRights,
} from './policies/authenticate-certificate.ts';
export {
  type AuthenticateIntrospectionOptions,
  authenticateIntrospection,
  type ClientAuthentication,
  type IntrospectionCacheOptions,
  type IntrospectionLoadOptions,
  type PrivateJwk,
} from './policies/authenticate-introspection.ts';
export {
  type AuthenticateJwtOptions,
  authenticateJwt,
  type ChallengeOptions,
  type ClaimPath,
  type JwtOptions,
  type JwtProfile,
  type TokenScheme,
  type TrustedIssuer,
  type VerifiedTokensOptions,
} from './policies/authenticate-jwt.ts';
export {
  type AuthenticateSignatureOptions,
  authenticateSignature,
  type FieldTypes,
  type SignatureAlgorithm,
  type SignatureComponent,
  type SignatureKey,
  type SignatureKeys,
} from './policies/authenticate-signature.ts';
export { type ConcurrencyLimitOptions, concurrencyLimit } from './policies/concurrency-limit.ts';
export { type CorsOptions, cors } from './policies/cors.ts';
export { type CrossOriginOptions, crossOrigin } from './policies/cross-origin.ts';
export { type DenyPeersOptions, type DenyPeersPolicy, denyPeers } from './policies/deny-peers.ts';
export { type DetectEnumerationOptions, detectEnumeration } from './policies/detect-enumeration.ts';
export { type LimitQuotaOptions, limitQuota, type QuotaCosts } from './policies/limit-quota.ts';
export { type RateLimitOptions, rateLimit } from './policies/rate-limit.ts';
export {
  type RequireCertificateBindingOptions,
  requireCertificateBinding,
} from './policies/require-certificate-binding.ts';
export { type RequireDpopOptions, requireDpop } from './policies/require-dpop.ts';
export { type RequireHumanOptions, requireHuman } from './policies/require-human.ts';
export {
  type RequireNotRevokedOptions,
  requireNotRevoked,
} from './policies/require-not-revoked.ts';
export { requireRole } from './policies/require-role.ts';
export { requireScopes } from './policies/require-scopes.ts';
export { type RequireStepOptions, requireStep } from './policies/require-step.ts';
export {
  type SecurityHeadersOptions,
  type SecurityHeaderValues,
  securityHeaders,
} from './policies/security-headers.ts';
export { type LoadPriority, type ShedLoadOptions, shedLoad } from './policies/shed-load.ts';
export { type StepUpOptions, stepUp } from './policies/step-up.ts';
export {
  type Attempt,
  type AttemptFacts,
  type ThrottleFailuresOptions,
  throttleFailures,
} from './policies/throttle-failures.ts';
export {
  type ProtectedResourceMetadata,
  type ProtectedResourceMetadataOptions,
  protectedResourceMetadata,
} from './protected-resource-metadata.ts';
export type {
  ApiKeyOwner,
  ApiKeyQuery,
  ApiKeyQuota,
  ApiKeyRecord,
  ApiKeyStatus,
  ApiKeyStore,
  ApiKeyTerms,
  ApiKeyUse,
  PreviousSecret,
  QuotaCharge,
  QuotaVerdict,
  StoredSecret,
} from './stores/api-key-store.ts';
export {
  type AttemptAnswer,
  type AttemptRequest,
  type AttemptSettlement,
  type CounterStore,
  type FailureRule,
  failurePause,
  type SyncCounterStore,
} from './stores/counter-store.ts';
export type {
  LeaseAnswer,
  LeaseRequest,
  LeaseStore,
  SyncLeaseStore,
} from './stores/lease-store.ts';
export { type LeasedLimitStoreOptions, leasedLimitStore } from './stores/leased-limit-store.ts';
export type {
  BucketLimit,
  Limit,
  LimitAnswer,
  LimitRequest,
  LimitStore,
  LimitVerdict,
  Settlement,
  SyncLimitStore,
  WindowLimit,
} from './stores/limit-store.ts';
export {
  type MemoryApiKeyStoreOptions,
  memoryApiKeyStore,
} from './stores/memory-api-key-store.ts';
export {
  type MemoryCounterStoreOptions,
  memoryCounterStore,
} from './stores/memory-counter-store.ts';
export { type MemoryLeaseStoreOptions, memoryLeaseStore } from './stores/memory-lease-store.ts';
export { type MemoryLimitStoreOptions, memoryLimitStore } from './stores/memory-limit-store.ts';
export {
  type MemoryRefreshTokenStoreOptions,
  memoryRefreshTokenStore,
} from './stores/memory-refresh-token-store.ts';
export { type MemoryReplayStoreOptions, memoryReplayStore } from './stores/memory-replay-store.ts';
export {
  type MemoryRevocationStoreOptions,
  memoryRevocationStore,
} from './stores/memory-revocation-store.ts';
export { type MemoryTotpStoreOptions, memoryTotpStore } from './stores/memory-totp-store.ts';
export type { RefreshTokenFamily, RefreshTokenStore } from './stores/refresh-token-store.ts';
export type { ReplayStore, SyncReplayStore } from './stores/replay-store.ts';
export type {
  RevocationEntry,
  RevocationStore,
  SyncRevocationStore,
} from './stores/revocation-store.ts';
export type { SealedText, TotpRecord, TotpStore } from './stores/totp-store.ts';

// For adapter authors.

export { type Address, addressRanges, formatAddress, parseAddress } from './address.ts';
export { admit, factsOf } from './carriers.ts';
export { type BuiltinCode, codes, type DenialCode } from './codes.ts';
export { allOf, anyOf, when } from './combine.ts';
export { assertConfiguration, ConfigurationError } from './configuration-error.ts';
export {
  assertAdmission,
  type Coverage,
  type CoverageOptions,
  type CoverageRow,
  coverage,
} from './coverage.ts';
export {
  type Allowed,
  type Decision,
  explain,
  type Refused,
  type TraceEntry,
} from './decision.ts';
export type { Challenge, Denial, DenialKind, Problem } from './denial.ts';
export { fault } from './denial.ts';
export { type Ending, type Enforcement, enforce, type HeadersTarget } from './enforce.ts';
export type {
  AuthenticatedFacts,
  Authentication,
  Call,
  CallFacts,
  CertificateContent,
  CertificateFacts,
  ClientCertificate,
  GraphqlCall,
  GraphqlFacts,
  GraphqlRootField,
  GrpcCall,
  GrpcFacts,
  HttpCall,
  HttpFacts,
  Peer,
  Principal,
  RawBodyFacts,
} from './facts.ts';
export {
  type Attested,
  assertBodyLimit,
  DEFAULT_MAX_BODY_BYTES,
  type FetchAnswer,
  type FetchCall,
  type FetchFacts,
  type FetchOptions,
  guardFetch,
} from './fetch.ts';
export {
  type InspectedRequest,
  inspectRequest,
  isJson,
  type RawRequest,
  type ReleasedResponse,
  readRawBody,
  refusalResponse,
  releaseResponse,
} from './fetch-body.ts';
export { type Admission, type FactsOf, type Guard, guard } from './guard.ts';
export { report } from './internal/engine/report.ts';
export {
  charge as chargeLimit,
  type LimitState,
  limitVerdict,
  speedOf as limitSpeed,
} from './internal/limits/limit-law.ts';
export type { MaybePromise } from './internal/maybe-promise.ts';
export { isThenable, settle } from './internal/maybe-promise.ts';
export type {
  BodyOutcome,
  Completion,
  Duties,
  HeaderEdit,
  Obligations,
} from './obligations.ts';
export { optional } from './optional.ts';
export {
  type Demand,
  type Deny,
  type DenyOptions,
  deny,
  type NoFacts,
  type Outcome,
  type Pass,
  pass,
} from './outcome.ts';
export { peerFromHeader, peerOf, UNKNOWN_PEER } from './peer.ts';
export {
  definePolicy,
  type Mode,
  type Policy,
  type PolicyInfo,
  type Role,
  type SyncPolicy,
} from './policy.ts';
export { type ProtectOptions, protect } from './protect.ts';
export { type HeadersView, pathOf, queryOf, type RequestLike } from './request.ts';
export { type GraphqlRefusal, graphqlCode, graphqlRefusal } from './wire/graphql.ts';
export { type GrpcRefusal, grpcCode, grpcRefusal } from './wire/grpc.ts';
export { type HttpRefusal, httpRefusal, httpStatus } from './wire/http.ts';
