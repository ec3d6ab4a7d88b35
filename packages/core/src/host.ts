// For authors of adapters and of other apisec packages: `@apisec/core/host`.

export {
  type CountedAttempt,
  type CountFailuresOptions,
  countFailures,
  type FailureCounting,
} from './abuse/count-failures.ts';
export { describeCause } from './audit/describe-cause.ts';
export { firstDenial } from './audit/first-denial.ts';
export { CREDENTIAL_HEADERS, redactName, redactOperation, secretsOf } from './audit/redact.ts';
export { safeText } from './audit/safe-text.ts';
export { denialEventName } from './audit/vocabulary.ts';
export { assertRecord, recordAct, recordedDenial } from './contracts/record-act.ts';
export { pepperedHash } from './crypto/peppered-hash.ts';
export { assertUnpublishedKey } from './crypto/published-keys.ts';
export { signingKeys } from './crypto/signing-key.ts';
export { webCryptoVerifier } from './crypto/verification-key.ts';
export { type VerifiedJws, verifyJws } from './crypto/verify-jws.ts';
export { validationOf } from './data/schema-validation.ts';
export { assertAdmission } from './engine/admission.ts';
export { admit, readmit } from './engine/admitted-facts.ts';
export { type AskPolicy, type PolicyRuns, shareRuns } from './engine/ask.ts';
export { type BuiltinCode, codes, type DenialCode } from './engine/codes.ts';
export { fault } from './engine/denial.ts';
export { type DenialLog, denialLogOption, withDenialLog } from './engine/denial-log.ts';
export {
  type Ending,
  type Enforcement,
  enforce,
  type HeadersTarget,
  type WaitUntil,
} from './engine/enforce.ts';
export { policiesOf } from './engine/guard-policies.ts';
export { principalId } from './engine/principal-id.ts';
export { purposesOf } from './engine/purposes.ts';
export { report } from './engine/report.ts';
export { whenDisconnected } from './engine/request.ts';
export { settingsOf } from './engine/settings.ts';
export { assertBodyLimit, bodiesWithin, DEFAULT_MAX_BODY_BYTES } from './host/bodies-within.ts';
export { BODY_HEADERS } from './host/body-headers.ts';
export { type CertificateLike, certificateContent } from './host/certificate-content.ts';
export { type ChainedCertificate, certificateOnDemand } from './host/certificate-on-demand.ts';
export { type ConnectionLike, isConnection, onDisconnect } from './host/connections.ts';
export { denialResponse, problemResponse } from './host/denial-response.ts';
export { fetchDenialLog } from './host/development-log.ts';
export { type FaultReporterOptions, faultReporter, type OnFault } from './host/fault-reporter.ts';
export {
  type FetchBodyBounds,
  type InspectedRequest,
  inspectRequest,
  isJson,
  type RawRequest,
  type ReleasedResponse,
  readRawBody,
  releaseResponse,
} from './host/fetch-body.ts';
export {
  type FetchAnswer,
  type FetchCall,
  type FetchOptions,
  guardFetch,
  type SentOutcome,
  type Supplied,
} from './host/guard-fetch.ts';
export { assertHeader, type EditLists, unsendableEdits } from './host/header-edits.ts';
export { HTTP_FACTS } from './host/http-facts.ts';
export { assertHttpOperations, isHttpOperation } from './host/http-operations.ts';
export { isDevelopment } from './host/is-development.ts';
export { headerPairs, holdHeaders, type NodeHead, takeOverHead } from './host/node-head.ts';
export { UNKNOWN_PEER } from './host/peer.ts';
export { type ProblemAnswerOptions, problemAnswers } from './host/problem-answers.ts';
export {
  LONGEST_RECORD,
  type RecordFilter,
  type RecordFormat,
  recordFilter,
  recordFormat,
} from './host/release-records.ts';
export { type ReleasedText, releaseText, unfilterable } from './host/release-text.ts';
export { requestIdFrom, requestIdOf } from './host/request-id.ts';
export {
  type AbsoluteTarget,
  type HostLike,
  isSameAuthority,
  lacksHost,
  readAbsoluteTarget,
} from './host/request-target.ts';
export {
  atExpiry,
  endSocket,
  expiryOf,
  type HostSocket,
  SOCKET_EXPIRED,
  type SocketLike,
  watchSocket,
} from './host/socket-lifetime.ts';
export { assertCorsInFront } from './http/cors-in-front.ts';
export { hasCors } from './http/has-cors.ts';
export { normalizeOrigin } from './http/origin.ts';
export { canonicalHost, URL_OPTIONS, type UrlRules, urlRules } from './http/url-rules.ts';
export { ASPECTS, PRESENCE_RANK } from './inventory/aspects.ts';
export { templateOf } from './inventory/path-template.ts';
export { type ReadableAdmission, withoutNames } from './inventory/served-operation.ts';
export { type Address, addressRanges, formatAddress, parseAddress } from './lib/addresses.ts';
export { decodeBase64url, encodeBase64url } from './lib/base64url.ts';
export { type BoundedCache, boundedCache } from './lib/bounded-cache.ts';
export { callAt } from './lib/call-at.ts';
export { later, withinTime } from './lib/clock.ts';
export { assertConfiguration } from './lib/configuration-error.ts';
export {
  type CookieJar,
  cookieJar,
  REPEATED_COOKIE,
  readCookie,
  readCookies,
} from './lib/cookies.ts';
export { type Duration, type DurationBounds, durationMs } from './lib/duration.ts';
export { type ExpiringRows, type ExpiringRowsOptions, expiringRows } from './lib/expiring-rows.ts';
export { urlProblem } from './lib/fetch-json.ts';
export { type Flight, isStalled, joinFlight } from './lib/flight.ts';
export { freezeDeep, frozenSet } from './lib/freeze-deep.ts';
export { equalInConstantTime, sha256 } from './lib/hash.ts';
export { inTime } from './lib/in-time.ts';
export { chain, isThenable } from './lib/maybe-promise.ts';
export { parseMoment } from './lib/moment.ts';
export {
  assertBetween,
  assertCount,
  assertKnownOptions,
  assertMethods,
  assertOneOf,
} from './lib/options.ts';
export { parseUrl } from './lib/parse-url.ts';
export { publishedSecretProblem } from './lib/published-secrets.ts';
export { readBytes } from './lib/read-bytes.ts';
export { type Sealing, sealing } from './lib/sealing.ts';
export { assertSecretBytes, assertUnpublished } from './lib/secret-bytes.ts';
export { type StateOf, stateOf } from './lib/state-of.ts';
export { isStorableText } from './lib/storable-text.ts';
export { isObject, member, parseJsonBody, parseStrictObject } from './lib/strict-json.ts';
export {
  charge as chargeLimit,
  type LimitState,
  limitVerdict,
  speedOf as limitSpeed,
} from './limits/limit-law.ts';
export {
  type AccessToken,
  type AccessTokenContent,
  contentProblem,
  randomText,
  signAccessToken,
} from './tokens/access-token.ts';
export { type GraphqlDenial, graphqlCode, graphqlDenial } from './wire/graphql.ts';
export { type GrpcDenial, grpcCode, grpcDenial } from './wire/grpc.ts';
export { type HttpDenial, httpDenial, httpStatus, type ProblemRendering } from './wire/http.ts';
export {
  assertProblemOptions,
  errorProblem,
  PROBLEM_OPTIONS,
  type ProblemOptions,
} from './wire/problems.ts';
