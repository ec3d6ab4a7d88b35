// What users import, by subject. Adapters and other packages find theirs in './host.ts'.

// Guards and their policies.

export { explain } from './audit/explain.ts';
export type { Admission } from './engine/admission.ts';
export type { ChallengeOptions } from './engine/challenge.ts';
export { allOf, anyOf, when } from './engine/combine.ts';
export {
  type Coverage,
  type CoverageOptions,
  type CoverageRow,
  coverage,
} from './engine/coverage.ts';
export type { Allowed, Decision, Denied } from './engine/decision.ts';
export type { Challenge, Denial, DenialKind, Problem } from './engine/denial.ts';
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
  RequestIdFacts,
  Transport,
  TransportFacts,
} from './engine/facts.ts';
export { factsOf } from './engine/facts-of.ts';
export { type FactsOf, type Guard, guard } from './engine/guard.ts';
export {
  guardMessages,
  type MessageFacts,
  type Messages,
  type MessagesFacts,
} from './engine/guard-messages.ts';
export type {
  BodyOutcome,
  BodyWatcher,
  Completion,
  Decided,
  HeaderEdit,
  ObligationList,
  Obligations,
} from './engine/obligations.ts';
export { optional } from './engine/optional.ts';
export {
  type Demand,
  type Deny,
  type DenyOptions,
  deny,
  type NoFacts,
  type Outcome,
  type Pass,
  pass,
} from './engine/outcome.ts';
export {
  definePolicy,
  type Mode,
  type Policy,
  type PolicyInfo,
  type Purpose,
  type SyncPolicy,
} from './engine/policy.ts';
export { type HeadersView, pathOf, queryOf, type RequestLike } from './engine/request.ts';
export type { PolicySettings } from './engine/settings.ts';
export type { Role, TraceEntry } from './engine/trace.ts';
export {
  type Aspect,
  assertCoverage,
  type CoverageReport,
  type CoverageReportOptions,
  type CoveredOperation,
  coverageReport,
  type DocumentedDifferences,
  type DocumentedOperation,
  type Presence,
  type ServedOperation,
} from './inventory/coverage-report.ts';
export {
  type OpenapiOperationsOptions,
  openapiOperations,
} from './inventory/openapi-operations.ts';
export {
  type NamedScheme,
  type OpenapiSecurity,
  type OpenapiSecurityOptions,
  openapiSecurity,
  type SecurityRequirement,
  type SecurityScheme,
} from './inventory/openapi-security.ts';
export { printCoverage } from './inventory/print-coverage.ts';
export { ConfigurationError } from './lib/configuration-error.ts';
export type { Duration } from './lib/duration.ts';
export type { MaybePromise } from './lib/maybe-promise.ts';

// Fetch-style hosts.

export { type FetchBodies, type FetchBodiesOptions, fetchBodies } from './host/fetch-bodies.ts';
export { type FetchProblems, fetchProblems } from './host/fetch-problems.ts';
export type { FetchFacts } from './host/guard-fetch.ts';
export { peerFromHeader, peerOf } from './host/peer.ts';
export { type ProtectedHandler, type ProtectOptions, protect } from './host/protect.ts';
export { transportFromUrl } from './host/transport.ts';

// Errors.

export type { ProblemOptions } from './wire/problems.ts';

// Who may: grants.

export { allowAnonymous } from './authorization/allow-anonymous.ts';
export { allowAuthenticated } from './authorization/allow-authenticated.ts';
export {
  type FactsFor,
  type RequireArguments,
  type RequireOptions,
  type RuleDenial,
  require,
} from './authorization/require.ts';
export { type RequireOwnerOptions, requireOwner } from './authorization/require-owner.ts';
export { requirePermission } from './authorization/require-permission.ts';
export { requireRole } from './authorization/require-role.ts';
export { requireScopes } from './authorization/require-scopes.ts';

// Who may: roles and permissions.

export type { HeldRolesOptions, PrincipalFacts } from './authorization/held-roles.ts';
export {
  type AssignedRoles,
  type AssignedRolesFacts,
  type LoadRolesOptions,
  loadRoles,
} from './authorization/load-roles.ts';
export { type MemoryRoleStoreOptions, memoryRoleStore } from './authorization/memory-role-store.ts';
export {
  type RecordedRoleStoreOptions,
  recordedRoleStore,
} from './authorization/recorded-role-store.ts';
export {
  type PermissionHolders,
  type PermissionPattern,
  type RoleDefinition,
  type RoleInclusions,
  type RoleModel,
  type RoleModelOptions,
  roleModel,
} from './authorization/role-model.ts';
export { type ScopeHierarchy, scopeHierarchy } from './authorization/scope-hierarchy.ts';

// Who may: rules over attributes.

export {
  type Attribute,
  type AttributesOf,
  type FieldMap,
  type ValueOf,
} from './authorization/attributes.ts';
export {
  type Field,
  type FieldType,
  field,
  type MissingOptions,
  type ScalarType,
} from './authorization/field.ts';
export { equalRules, printRule } from './authorization/print-rule.ts';
export {
  type Relation,
  type RelationContext,
  type RelationOptions,
  relation,
} from './authorization/relation.ts';
export {
  type ObjectOf,
  type Resource,
  type ResourceLike,
  type ResourceOptions,
  type ResourceTenant,
  resource,
} from './authorization/resource.ts';
export { type EveryOptions, type LeafOptions, rule } from './authorization/rule.ts';
export type { Rule, SyncRule } from './authorization/rule-data.ts';
export { environment, type SourceOptions, subject } from './authorization/subject.ts';
export type { TimeWindow, Weekday } from './authorization/time-window.ts';

// Who may: objects.

export {
  type LoadObjectOptions,
  loadObject,
} from './authorization/load-object.ts';
export { messageMember, pathParameter, queryParameter } from './authorization/object-ids.ts';
export {
  type FolderRelation,
  type SharedFoldersOptions,
  sharedFolders,
} from './authorization/shared-folders.ts';

// Who may: what others decide.

export type {
  Authorizer,
  AuthorizerAction,
  AuthorizerAnswer,
  AuthorizerEntity,
  AuthorizerQuestion,
  AuthorizerSearch,
} from './authorization/authorizer.ts';
export {
  type AuthorizerRelationOptions,
  authorizerRelation,
} from './authorization/authorizer-relation.ts';
export {
  type AuthzenAuthorizer,
  type AuthzenAuthorizerOptions,
  authzenAuthorizer,
} from './authorization/authzen-authorizer.ts';

// Who may: lists. `toKysely` and `toDrizzle` are subpaths of their own.

export {
  type AskDatabase,
  type AssertColumnsOptions,
  assertColumns,
} from './authorization/assert-columns.ts';
export type { SqlColumn, SqlColumns, SqlColumnType } from './authorization/column-types.ts';
export { explainRow, type RowExplanation } from './authorization/explain-row.ts';
export type { Filter, FilterTerm, FilterTest } from './authorization/filter.ts';
export { type Plan, type Planner, plan, type SyncPlanner } from './authorization/plan.ts';
export type { SqlDialect } from './authorization/sql-filter.ts';
export { type ObjectPredicate, toPredicate } from './authorization/to-predicate.ts';
export { type SqlCondition, type ToSqlOptions, toSql } from './authorization/to-sql.ts';

// Who calls: access tokens.

export {
  type AuthenticateIntrospectionOptions,
  authenticateIntrospection,
  type ClientAuthentication,
  type CookieIntrospectionOptions,
  type IntrospectionCacheOptions,
  type IntrospectionLoadOptions,
  type PrivateJwk,
} from './tokens/authenticate-introspection.ts';
export {
  type AuthenticateJwtOptions,
  authenticateJwt,
  type ClaimPath,
  type CookieJwtOptions,
  type CookieSource,
  type HeaderSource,
  type JwtOptions,
  type JwtProfile,
  type TokenScheme,
  type TrustedIssuer,
  type VerifiedTokensOptions,
} from './tokens/authenticate-jwt.ts';
export {
  type ContentEncryption,
  type DecryptedToken,
  type DecryptionJwk,
  type DecryptTokensOptions,
  decryptTokens,
  type KeyEncryption,
  type TokenDecryption,
} from './tokens/decrypt-tokens.ts';
export {
  type MemoryRevocationStoreOptions,
  memoryRevocationStore,
} from './tokens/memory-revocation-store.ts';
export {
  type ProtectedResourceMetadata,
  type ProtectedResourceMetadataOptions,
  protectedResourceMetadata,
} from './tokens/protected-resource-metadata.ts';
export { type RequireNotRevokedOptions, requireNotRevoked } from './tokens/require-not-revoked.ts';
export {
  type Revocations,
  type RevocationsOptions,
  type RevocationTarget,
  type RevokeOptions,
  revocations,
} from './tokens/revocations.ts';
export { type StepUpOptions, stepUp } from './tokens/step-up.ts';
export { type TenantIssuersOptions, tenantIssuers } from './tokens/tenant-issuers.ts';
export { tokenInCookie, tokenInHeader, tokenInSubprotocol } from './tokens/token-source.ts';

// Providers: presets for authenticateJwt.

export { type Auth0Options, auth0 } from './tokens/providers/auth0.ts';
export { type AzureB2cOptions, azureB2c } from './tokens/providers/azure-b2c.ts';
export { type ClerkOptions, clerk } from './tokens/providers/clerk.ts';
export { type CognitoOptions, cognito } from './tokens/providers/cognito.ts';
export { type DuendeOptions, duende } from './tokens/providers/duende.ts';
export { type EntraIdOptions, entraId } from './tokens/providers/entra-id.ts';
export { type EntraIdTenantsOptions, entraIdTenants } from './tokens/providers/entra-id-tenants.ts';
export { type FirebaseOptions, firebase } from './tokens/providers/firebase.ts';
export { type GithubActionsOptions, githubActions } from './tokens/providers/github-actions.ts';
export { type GitlabOptions, gitlab } from './tokens/providers/gitlab.ts';
export { type GoogleIapOptions, googleIap } from './tokens/providers/google-iap.ts';
export {
  type GoogleServiceAccountOptions,
  googleServiceAccount,
} from './tokens/providers/google-service-account.ts';
export { type KeycloakOptions, keycloak } from './tokens/providers/keycloak.ts';
export { type KubernetesOptions, kubernetes } from './tokens/providers/kubernetes.ts';
export { type LogtoOptions, logto } from './tokens/providers/logto.ts';
export { type OktaOptions, okta } from './tokens/providers/okta.ts';
export {
  type SpringAuthorizationServerOptions,
  springAuthorizationServer,
} from './tokens/providers/spring-authorization-server.ts';
export { type SupabaseOptions, supabase } from './tokens/providers/supabase.ts';
export { type WorkosOptions, workos } from './tokens/providers/workos.ts';
export { type ZitadelOptions, zitadel } from './tokens/providers/zitadel.ts';

// Keys of issuers.

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
} from './crypto/key-source.ts';
export { type JwksDocument, localJwks } from './crypto/local-jwks.ts';
export { type RemoteKeysOptions, remoteJwks } from './crypto/remote-jwks.ts';
export { type DiscoveryOptions, discoverIssuer } from './tokens/discover-issuer.ts';

// Proof of possession and certificates.

export {
  type AuthenticateCertificateOptions,
  authenticateCertificate,
  type CertificateIdentity,
  type CertificateRights,
} from './possession/authenticate-certificate.ts';
export { type DpopNonces, type DpopNoncesOptions, dpopNonces } from './possession/dpop-nonces.ts';
export {
  type RequireCertificateBindingOptions,
  requireCertificateBinding,
} from './possession/require-certificate-binding.ts';
export { type RequireDpopOptions, requireDpop } from './possession/require-dpop.ts';

// Signed requests.

export {
  type AuthenticateSignatureOptions,
  authenticateSignature,
  type FieldTypes,
  type SignatureAlgorithm,
  type SignatureComponent,
  type SignatureKey,
  type SignatureKeys,
} from './signatures/authenticate-signature.ts';
export { canonicalJson } from './signatures/canonical-json.ts';
export { type SignRequestOptions, signRequest } from './signatures/sign-request.ts';
export {
  type VerifiedWebhook,
  type VerifyWebhookOptions,
  verifyWebhook,
  type WebhookFacts,
  type WebhookPolicy,
} from './signatures/verify-webhook.ts';
export type { WebhookKey } from './signatures/webhook-keys.ts';
export type {
  PlainWebhookScheme,
  PresentedWebhook,
  PresentedWebhookSignature,
  WebhookScheme,
  WebhookSender,
} from './signatures/webhook-schemes.ts';

// API keys.

export type {
  ApiKeyActOptions,
  ApiKeyChange,
  ApiKeyDenialCode,
  ApiKeyEndOptions,
  ApiKeyInfo,
  ApiKeyIssue,
  ApiKeyProblem,
  ApiKeyScope,
  ApiKeys,
  ApiKeyVerification,
  ImportedApiKey,
  ListOptions,
  NewApiKey,
  QuotaBalance,
  ResetQuotasOptions,
  RotateOptions,
  VerifiedApiKey,
} from './api-keys/api-key.ts';
export {
  type ApiKeysOptions,
  apiKeys,
  type ImportedKeys,
  type Peppers,
} from './api-keys/api-keys.ts';
export {
  type AcceptedApiKeys,
  type ApiKeyFacts,
  type AuthenticateApiKeyOptions,
  authenticateApiKey,
} from './api-keys/authenticate-api-key.ts';
export {
  type MemoryApiKeyStoreOptions,
  memoryApiKeyStore,
} from './api-keys/memory-api-key-store.ts';
export { apiKeyPattern, type ParsedApiKey, parseApiKey } from './api-keys/parse-api-key.ts';

// Limits.

export { type ConcurrencyLimitOptions, concurrencyLimit } from './limits/concurrency-limit.ts';
export { type FixedWindowOptions, fixedWindow } from './limits/fixed-window.ts';
export { type GcraOptions, gcra } from './limits/gcra.ts';
export { type LeasedLimitStoreOptions, leasedLimitStore } from './limits/leased-limit-store.ts';
export type { LimitKey } from './limits/limit-key.ts';
export { type LimitQuotaOptions, limitQuota, type QuotaCosts } from './limits/limit-quota.ts';
export type { LimitSubject, NamedRateLimitRule, RateLimitRule } from './limits/limit-rule.ts';
export { type MemoryLeaseStoreOptions, memoryLeaseStore } from './limits/memory-lease-store.ts';
export { type MemoryLimitStoreOptions, memoryLimitStore } from './limits/memory-limit-store.ts';
export { type RateLimitOptions, rateLimit } from './limits/rate-limit.ts';
export {
  type LimitAccount,
  type LimitBalance,
  type ResetLimitsOptions,
  readLimits,
  resetLimits,
} from './limits/reset-limits.ts';
export { type LoadPriority, type ShedLoadOptions, shedLoad } from './limits/shed-load.ts';
export { type SlidingWindowOptions, slidingWindow } from './limits/sliding-window.ts';
export { type TokenBucketOptions, tokenBucket } from './limits/token-bucket.ts';
export { type WaitForRoomOptions, waitForRoom } from './limits/wait-for-room.ts';

// Abuse.

export type { AttemptResult } from './abuse/attempt-counting.ts';
export { type DenyPeersOptions, type DenyPeersPolicy, denyPeers } from './abuse/deny-peers.ts';
export { type DetectEnumerationOptions, detectEnumeration } from './abuse/detect-enumeration.ts';
export type { FailureCountingOptions } from './abuse/failure-counting.ts';
export type { FailureSchedule } from './abuse/failures.ts';
export { type HcaptchaOptions, hcaptcha } from './abuse/hcaptcha.ts';
export type { HumanVerdict, HumanVerifier } from './abuse/human-verifier.ts';
export {
  type MemoryCounterStoreOptions,
  memoryCounterStore,
} from './abuse/memory-counter-store.ts';
export { type PeerFeed, type PeerFeedOptions, peerFeed } from './abuse/peer-feed.ts';
export { type RequireHumanOptions, requireHuman } from './abuse/require-human.ts';
export { type RequireStepOptions, requireStep } from './abuse/require-step.ts';
export { type ResetFailuresOptions, resetFailures } from './abuse/reset-failures.ts';
export {
  type StepTicket,
  type StepTokens,
  type StepTokensOptions,
  stepTokens,
} from './abuse/step-tokens.ts';
export {
  type Attempt,
  type AttemptFacts,
  type ThrottleFailuresOptions,
  throttleFailures,
} from './abuse/throttle-failures.ts';
export { type TurnstileOptions, turnstile } from './abuse/turnstile.ts';

// The HTTP surface.

export {
  type AllowedContentTypesOptions,
  allowedContentTypes,
} from './http/allowed-content-types.ts';
export {
  type AllowedHostFacts,
  type AllowedHostsOptions,
  allowedHosts,
} from './http/allowed-hosts.ts';
export {
  type ApiVersionFacts,
  type ApiVersionOptions,
  type ApiVersionTerms,
  type ApiVersionUse,
  apiVersion,
} from './http/api-version.ts';
export {
  type CheckedUrl,
  type CheckUrlOptions,
  checkUrl,
  type UrlCheck,
} from './http/check-url.ts';
export {
  type AddressClass,
  type AddressKind,
  type ClassifyAddressOptions,
  classifyAddress,
} from './http/classify-address.ts';
export {
  type ContentSecurityPolicyOptions,
  type CspFacts,
  contentSecurityPolicy,
} from './http/content-security-policy.ts';
export { cors } from './http/cors.ts';
export type { CorsOptions } from './http/cors-options.ts';
export {
  type CrossOriginFacts,
  type CrossOriginOptions,
  crossOrigin,
} from './http/cross-origin.ts';
export type {
  CspDirectives,
  CspInsecureSource,
  CspSandboxFlag,
  CspSource,
  CspSourceDirective,
} from './http/csp-directives.ts';
export {
  type DenyMethodOverrideOptions,
  denyMethodOverride,
} from './http/deny-method-override.ts';
export { helmetHeaders } from './http/helmet-headers.ts';
export { type HstsOptions, hsts } from './http/hsts.ts';
export { type LimitBodyOptions, limitBody } from './http/limit-body.ts';
export { type LimitNegotiationOptions, limitNegotiation } from './http/limit-negotiation.ts';
export { pageHeaders } from './http/page-headers.ts';
export { type AllowedFeatures, permissionsPolicy } from './http/permissions-policy.ts';
export {
  type PathException,
  type RequireCanonicalPathOptions,
  requireCanonicalPath,
} from './http/require-canonical-path.ts';
export {
  type CsrfTokenFacts,
  type RequireCsrfTokenOptions,
  requireCsrfToken,
} from './http/require-csrf-token.ts';
export { type RequireHttpsOptions, requireHttps } from './http/require-https.ts';
export {
  type SecurityHeadersOptions,
  type SecurityHeaderValues,
  securityHeaders,
} from './http/security-headers.ts';
export { type OriginPattern, subdomainsOf } from './http/subdomains-of.ts';

// Tenants.

export { type MemoryTenantStoreOptions, memoryTenantStore } from './tenancy/memory-tenant-store.ts';
export {
  type RecordedTenantStoreOptions,
  recordedTenantStore,
} from './tenancy/recorded-tenant-store.ts';
export {
  type RequireTenantOptions,
  requireTenant,
  type TenantRecordFacts,
} from './tenancy/require-tenant.ts';
export {
  type NeedsOfSources,
  type ResolveMemberTenantOptions,
  type ResolveTenantOptions,
  resolveTenant,
} from './tenancy/resolve-tenant.ts';
export type { TenantFacts } from './tenancy/tenant-id.ts';
export {
  type TenantPoolProblem,
  type TenantPools,
  type TenantPoolsOptions,
  tenantPools,
} from './tenancy/tenant-pools.ts';
export { type TenantScope, tenantScope } from './tenancy/tenant-scope.ts';
export { type TenantHostOptions, type TenantSource, tenantFrom } from './tenancy/tenant-sources.ts';

// Data in and out.

export {
  type FilteredOutput,
  type FilterOutputOptions,
  filterOutput,
  type OutputTenant,
  type TenantLeak,
} from './data/filter-output.ts';
export type { InputError, InputPart } from './data/input-errors.ts';
export {
  type LimitPageOptions,
  limitPage,
  type Page,
  type PageCursorOptions,
  type PageFacts,
} from './data/limit-page.ts';
export type { CursorSecrets, PagePosition } from './data/page-cursors.ts';
export { type OutputShape, type Restricted } from './data/restricted-shape.ts';
export type {
  OutputOf,
  SchemaIssue,
  SchemaResult,
  StandardSchema,
} from './data/standard-schema.ts';
export {
  type InputFacts,
  type InputFactsOf,
  type ValidateInputOptions,
  validateInput,
} from './data/validate-input.ts';
export type { CallerFacts, Visibility } from './data/visibility.ts';
export { visibleTo } from './data/visible-to.ts';

// Store contracts.

export type {
  ApiKeyOwner,
  ApiKeyQuery,
  ApiKeyQuota,
  ApiKeyRecord,
  ApiKeyStatus,
  ApiKeyStore,
  ApiKeyTerms,
  ApiKeyUse,
  NamedQuota,
  PreviousSecret,
  PublishableTerms,
  QuotaCharge,
  QuotaUsage,
  QuotaVerdict,
  StoredSecret,
} from './contracts/api-key-store.ts';
export {
  type AttemptAnswer,
  type AttemptReconciliation,
  type AttemptRequest,
  type CounterStore,
  type FailureRule,
  failurePause,
  type SyncCounterStore,
} from './contracts/counter-store.ts';
export type {
  LeaseAnswer,
  LeaseRequest,
  LeaseStore,
  SyncLeaseStore,
} from './contracts/lease-store.ts';
export type {
  BucketLimit,
  Limit,
  LimitAnswer,
  LimitRequest,
  LimitStore,
  LimitVerdict,
  Reconciliation,
  SyncLimitStore,
  WindowLimit,
} from './contracts/limit-store.ts';
export {
  type MemoryReplayStoreOptions,
  memoryReplayStore,
} from './contracts/memory-replay-store.ts';
export {
  type MemoryWebhookOutboxOptions,
  memoryWebhookOutbox,
} from './contracts/memory-webhook-outbox.ts';
export type { PasskeyRecord, PasskeyStore, PasskeyUse } from './contracts/passkey-store.ts';
export type { RefreshTokenFamily, RefreshTokenStore } from './contracts/refresh-token-store.ts';
export type { ReplayStore, SyncReplayStore } from './contracts/replay-store.ts';
export type {
  RevocationEntry,
  RevocationStore,
  SyncRevocationStore,
} from './contracts/revocation-store.ts';
export type {
  RoleAssignment,
  RoleScope,
  RoleStore,
  SyncRoleStore,
} from './contracts/role-store.ts';
export type { SessionRecord, SessionStore } from './contracts/session-store.ts';
export type { StoreFailureOptions } from './contracts/store-failure.ts';
export type {
  SyncTenantStore,
  TenantQuery,
  TenantRecord,
  TenantStatus,
  TenantStore,
} from './contracts/tenant-store.ts';
export type { TicketRecord, TicketStore } from './contracts/ticket-store.ts';
export type { TotpRecord, TotpStore } from './contracts/totp-store.ts';
export type { UsageQuery, UsageRollup, UsageStore } from './contracts/usage-store.ts';
export type {
  CircuitRule,
  ClaimedDelivery,
  ClaimShares,
  DeliveryResult,
  WebhookDelivery,
  WebhookDeliveryRecord,
  WebhookEndpoint,
  WebhookOutbox,
  WebhookSecret,
} from './contracts/webhook-outbox.ts';
export type { SealedText, SealingKeys } from './lib/sealing.ts';

// Audit.

export {
  type Audit,
  type AuditFacts,
  type AuditOptions,
  type AuditQueueOptions,
  audit,
} from './audit/audit.ts';
export { AUDIT_SCHEMA, type AuditEvent } from './audit/event.ts';
export { type JsonLinesOptions, jsonLines, type TextStream } from './audit/json-lines.ts';
export { type LogDenialsOptions, logDenials } from './audit/log-denials.ts';
export { OCSF_VERSION, type OcsfClass, ocsfClasses, toOcsf } from './audit/ocsf.ts';
export type { PseudonymOptions, PseudonymousField } from './audit/pseudonyms.ts';
export type { AuditDelivery, AuditSink, AuditSinkStats } from './audit/sink.ts';
export {
  type AuditEventName,
  type AuditSeverity,
  auditActs,
  auditSeverities,
} from './audit/vocabulary.ts';
export type {
  AuditAct,
  AuditReceipt,
  AuditTarget,
  BuiltinAct,
  RecordAct,
  RecordOption,
} from './contracts/record-act.ts';
