/** Why a denial usually comes, and what helps. */
export interface Advice {
  readonly cause: string;
  readonly remedy: string;
}

const STORE: Advice = {
  cause:
    'A store, a key server or another service that the decision needs is down, slow or misconfigured.',
  remedy:
    'Look at the fault that the host printed, or at onFault: it names the policy and the error. Callers get 503 with Retry-After and may try again; nothing was decided against them.',
};

const SERVER_FAULT: Advice = {
  cause: 'A fault of the server, not of the caller.',
  remedy:
    'Look at the fault that the host printed, or at onFault: it has the cause and the name of the policy. Until it is fixed, such calls stay denied.',
};

const SERVER_OPTION: Advice = {
  cause:
    'A function among the options returned something else than it must, so the call is denied.',
  remedy: 'Look at the fault that the host printed: it says what was returned. Mend the function.',
};

/** Single codes that need words of their own. */
const byCode: Readonly<Record<string, Advice>> = {
  'operation.unlisted': {
    cause:
      'The route, resolver or method is not in the coverage table, or its pattern never matches what the framework calls it.',
    remedy:
      'Add the operation to the table, spelled as the router spells it (GET /orders/:id). Print the table with coverage to compare it with the application.',
  },
  'policy.no_grant': {
    cause:
      'All policies of the guard were checks, or its grant stood in an alternative that did not apply.',
    remedy:
      'End the guard with a grant: requireScopes, requirePermission, require, allowAuthenticated or allowAnonymous.',
  },
  'call.unattested': SERVER_FAULT,
  'message.unavailable': {
    cause: 'A policy must see the body, and no body parser ran before the guard.',
    remedy:
      'On Express, mount express.json() before secure(guard). On other hosts the adapter reads the body itself.',
  },
  'token.audience_mismatch': {
    cause:
      'The token is for another API, or the audience option is not what the provider writes into aud.',
    remedy:
      'Compare expected and given audience in the cause. Set audience to the identifier of your API at the provider, not to the client id, unless a preset says so.',
  },
  'token.issuer_unknown': {
    cause:
      'The iss of the token differs from the configured issuer, often by a trailing slash or by tenant.',
    remedy:
      'Copy issuer from the discovery document of the provider, character for character; for several tenants use tenantIssuers.',
  },
  'token.type_refused': {
    cause:
      'An ID token, or a token of a provider that does not write typ: at+jwt, was sent as an access token.',
    remedy:
      'Send the access token. If the provider writes another type, use its preset; each says what stands in for the type.',
  },
  'token.key_unknown': {
    cause:
      'The key set has no key with the kid of the token: keys were rotated, or the token comes from another environment.',
    remedy:
      'Compare the kid and the JWKS address in the cause. A new key is found within ten seconds without a restart.',
  },
  'token.expired': {
    cause:
      'The token has expired, or the clocks of issuer and API differ by more than the tolerance.',
    remedy:
      'Clients renew their token. If tokens expire as soon as they are issued, check the clock of the machine.',
  },
  'token.claim_missing': {
    cause:
      'The provider leaves out a claim that the profile for access tokens requires (RFC 9068).',
    remedy:
      'The cause names the claim. Use the preset of the provider, or the options that say what stands in for the claim.',
  },
  'credentials.missing': {
    cause: 'No Authorization header arrived: the client sent none, or a proxy removed it.',
    remedy:
      'Send Authorization: Bearer <token> (or the header that the policy names). Tokens in the query string do not count.',
  },
  'credentials.multiple': {
    cause: 'The call carries credentials of two kinds, and nobody can say which of them counts.',
    remedy: 'Send credentials of one kind only.',
  },
  'scope.insufficient': {
    cause: 'The token is valid, but does not carry the scopes that this operation requires.',
    remedy:
      'The challenge names the required scopes. Ask the provider for them, or grant them to the client.',
  },
  'limit.exceeded': {
    cause: 'The caller used up its limit.',
    remedy:
      'Callers wait for Retry-After. If honest callers run into it, look at the key and the usage, then raise the limit or count by another key.',
  },
  'limit.key_missing': {
    cause:
      'The function by returned nothing to count by, for example because the peer has no address.',
    remedy:
      'Count by a fact that every call has. Behind a proxy, set trust so that the host knows the peer.',
  },
  'limit.cost_invalid': SERVER_OPTION,
  'limit.invalid': SERVER_OPTION,
  'failures.key_missing': {
    cause:
      'The host does not know who is at the other end, so there is nobody to count failures of.',
    remedy:
      'Hand the peer over: trust behind proxies, the option peer of protect() with peerFromHeader on edge platforms.',
  },
  'enumeration.key_missing': {
    cause: 'The function by returned nothing to count by.',
    remedy: 'Put the policy behind the one that authenticates, and count by the principal.',
  },
  'peer.list_unavailable': {
    cause: 'The list of addresses to deny was never loaded, or is older than it may be.',
    remedy:
      'Look at the fault that the host printed: it has the cause. Callers may try again; nothing was decided against them.',
  },
  'introspection.overloaded': {
    cause: 'More unknown tokens came at once than the issuer is asked about, as in a flood.',
    remedy:
      'Callers may try again after Retry-After. If honest load does this, raise maxConcurrent or maxInactivePerSecond.',
  },
  'load.shed': {
    cause: 'The server has more to do than it can, so calls that matter less are denied first.',
    remedy: 'Callers wait for Retry-After. Look at what keeps the server busy, or add servers.',
  },
  'session.too_large': {
    cause: 'What a sealed session holds does not fit into a cookie.',
    remedy: 'Keep fewer claims, no access token, or use sessions with a store.',
  },
  'cors.rule_open': {
    cause: 'originPredicate answered true for an origin that nobody can own, like null.',
    remedy: 'Let it admit the origins that you know, and nothing else.',
  },
  'csrf.session_missing': {
    cause: 'The function session of requireCsrfToken returned nothing to bind a token to.',
    remedy: 'Put the policy behind the one that reads the session, and return its id.',
  },
  'webhook.challenge_failed': {
    cause: 'The endpoint did not answer the challenge, or not with the text that was sent.',
    remedy: 'Its owner answers the webhook.challenge event with { "challenge": … }.',
  },
  'csrf.cross_origin': {
    cause: 'A page of another origin sent a call that changes something.',
    remedy:
      'If the page is yours, list its origin in crossOrigin. Programs that are not browsers are not affected.',
  },
  'cors.origin_refused': {
    cause: 'The origin of the page is not among the origins of cors.',
    remedy:
      'Add the origin as the browser sends it: scheme, host and port, without a trailing slash.',
  },
  'object.not_found': {
    cause: 'There is no such object, or the caller may not know that there is.',
    remedy:
      'The cause tells the two apart. Callers get the same answer for both, so that nobody can probe for ids.',
  },
  'rule.undecided': {
    cause: 'A part of the rule could not be decided, because an attribute is missing.',
    remedy:
      'The cause names the leaf and its attribute. Supply it, or declare on the resource that it may be missing.',
  },
  'input.unknown_member': {
    cause: 'The body has a member that the schema does not know.',
    remedy:
      'Remove it, or add it to the schema. Unknown members are never dropped silently: that is how mass assignment gets through.',
  },
  'tenant.leak': {
    cause: 'The handler was about to answer with an object of another tenant.',
    remedy:
      'A query does not filter by tenant. Treat it as an incident: look at the operation in the audit event, and put tenantScope or row-level security beneath it.',
  },
  'guard.incomplete': {
    cause:
      'Another middleware replaced a method of the response or request that the guard watches.',
    remedy:
      'Mount secure after middleware that replaces such methods, or leave that middleware out.',
  },
};

const byArea: Readonly<Record<string, Advice>> = {
  policy: SERVER_FAULT,
  handler: SERVER_FAULT,
  release: {
    cause:
      'A filter must see what the handler sends, and it was sent in a form that cannot be read.',
    remedy:
      'Answer with JSON, NDJSON or server-sent events through the methods of the framework, or remove the filter from this operation.',
  },
  message: {
    cause: 'The body is not what this operation accepts.',
    remedy:
      'Send well-formed JSON in UTF-8 with its content type, within the size that the server allows.',
  },
  call: {
    cause:
      'The request is one that routers and servers read differently, or has more headers than the server keeps.',
    remedy:
      'Send a plain path and ordinary headers. Behind a proxy, look at what it adds or rewrites.',
  },
  cors: {
    cause: 'A script of another origin asks for what cors does not list.',
    remedy: 'List the origin, method or header in cors, if the page is yours.',
  },
  csrf: {
    cause: 'The call has no valid proof that a page of yours sent it.',
    remedy:
      'Fetch a fresh token and send it in its header, with the cookie, from the same session.',
  },
  https: {
    cause: 'The call came over http, or a proxy in front does not say that it was https.',
    remedy: 'Call https. Behind a proxy, name it in trust so that the host may believe it.',
  },
  host: {
    cause: 'The Host header names a host that this server does not serve.',
    remedy:
      'Add the host to allowedHosts if it is yours. If it is not, somebody points a name of theirs at your server.',
  },
  content_type: {
    cause: 'The media type of the body is missing, unclear or not allowed here.',
    remedy: 'Send one Content-Type that the operation lists.',
  },
  egress: {
    cause:
      'The address to call is not one that the server may call, or the answer of the other side is not one that is allowed.',
    remedy:
      'The cause names host, address and limit. Allow hosts by name; never allow private networks for addresses that callers choose.',
  },
  upstream: {
    cause: 'A third party did not answer, or its answer does not match the schema.',
    remedy: 'Look at the cause. The circuit closes by itself once the other side answers again.',
  },
  token: {
    cause: 'The token is not one that this API accepts.',
    remedy:
      'The cause says what was expected and what came. Compare issuer, audience, type and keys with the settings of the provider.',
  },
  credentials: {
    cause: 'The credentials of the call cannot be used.',
    remedy: 'Send one well-formed credential that has not expired.',
  },
  refresh: {
    cause: 'The refresh token is unknown, already used, expired, or belongs to another client.',
    remedy:
      'The user signs in again. If a used token came back, all tokens of that login were ended: somebody may have copied it.',
  },
  session: {
    cause: 'The session cookie is missing, malformed, or of a session that has ended.',
    remedy:
      'The user signs in again. Look at the cookie flags and at the path if this happens right after login.',
  },
  login: {
    cause: 'The login was not finished as it was begun: in another browser, too late, or twice.',
    remedy: 'Begin again at the login route.',
  },
  logout: {
    cause: 'The logout token is not valid, or came twice.',
    remedy: 'Compare issuer and client id in the cause.',
  },
  forward: {
    cause: 'The path or method is not one that is forwarded.',
    remedy: 'List it in forward, if pages may call it with the token of the user.',
  },
  oauth: {
    cause:
      'The identity provider answered with an error, or with something that does not match the request.',
    remedy:
      'The cause has the answer of the provider without its secrets. Compare client settings, redirect address and issuer.',
  },
  dpop: {
    cause:
      'The proof of possession is missing, not fresh, or for another call or token (RFC 9449).',
    remedy:
      'Make a new proof for each call, with the nonce that the server sent last and the public origin that the server is configured with.',
  },
  api_key: {
    cause: 'The API key cannot be used here.',
    remedy:
      'The cause says which key by its id, and why. Issue a new one, or rotate it, with apiKeys.',
  },
  signature: {
    cause:
      'The signature of the request does not verify, or does not cover what it must (RFC 9421).',
    remedy:
      'Sign the components that the policy lists, with a key that it knows, and a fresh created time and nonce.',
  },
  webhook: {
    cause: 'The webhook was not signed by a known key, is too old, or came twice.',
    remedy:
      'Compare scheme, secret and clock. The signature covers the raw body: nothing may parse it and write it anew before it is verified.',
  },
  certificate: {
    cause: 'The client certificate is missing, or not the one that the call must have.',
    remedy:
      'Present the certificate to which the token is bound. Behind a proxy, name the proxy that passes it on.',
  },
  totp: {
    cause: 'The one-time code is wrong, was used before, or the second factor is not set up.',
    remedy: 'Wait for the next code. Check the clock of the device.',
  },
  password: {
    cause: 'The password is wrong, or does not meet the policy.',
    remedy: 'The code says which rule; callers learn no more than that.',
  },
  limit: {
    cause: 'The call would exceed a limit.',
    remedy: 'Wait for Retry-After, send less at once, or raise the limit for callers who need it.',
  },
  failures: {
    cause: 'Too many failed attempts for this account or from this address.',
    remedy: 'Wait for Retry-After. Support staff can reset the count for an account.',
  },
  enumeration: {
    cause: 'One caller asked for more different objects than a person would.',
    remedy:
      'Look at the operation and the ids that were tried. Honest programs page through lists instead.',
  },
  human: {
    cause: 'The challenge was not solved, or its token does not count here.',
    remedy: 'Solve a new one, and send its token once.',
  },
  step: {
    cause:
      'A step of the flow is missing, or its token was used before or belongs to another flow.',
    remedy: 'Begin the flow again.',
  },
  page: {
    cause: 'The list was asked for in a way that is not allowed.',
    remedy:
      'Ask for smaller pages, use the cursor as it was given, and sort by fields that are listed.',
  },
  input: {
    cause: 'The input does not match its schema.',
    remedy: 'The answer lists paths and rules. Values are never repeated.',
  },
  document: {
    cause: 'The GraphQL document is larger, deeper or more complex than this server reads.',
    remedy: 'Ask for less at once. The bounds are options of the adapter.',
  },
  operation: {
    cause: 'The operation asks for more than it may.',
    remedy:
      'Ask for less: fewer fields, smaller lists. The answer lists every bound that was exceeded.',
  },
  stream: {
    cause: 'The stream reached a bound on age, number or speed of its messages.',
    remedy: 'Open another, with fresh credentials, and send more slowly.',
  },
};

const FORBIDDEN: Advice = {
  cause: 'The caller is known, and may not do this.',
  remedy:
    'The cause says which role, permission, relation or leaf of a rule is missing. Grant it, or leave it denied.',
};
const MALFORMED: Advice = {
  cause: 'The call has a part that cannot be read, or is larger than allowed.',
  remedy: 'The cause names it. Fix the client.',
};
const FORBIDDEN_AREAS = new Set([
  'permission',
  'role',
  'roles',
  'rule',
  'relation',
  'object',
  'tenant',
  'authentication',
  'principal',
  'peer',
]);

/** The words for a code: its own, those of a store that is away, or those of its area. */
export function adviceFor(code: string): Advice {
  const [area = '', problem = ''] = code.split('.');
  const own = byCode[code];
  if (own) return own;
  if (problem === 'unavailable' || problem === 'store_unavailable' || area === 'keys') return STORE;
  return byArea[area] ?? (FORBIDDEN_AREAS.has(area) ? FORBIDDEN : MALFORMED);
}
