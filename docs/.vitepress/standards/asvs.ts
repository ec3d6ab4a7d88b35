/** Requirements of OWASP ASVS 5.0 that belong together. Their tests name each: see `covering-tests.ts`. */
export interface Requirement {
  /** As tests name them: `V9.2.3` for 9.2.3. */
  readonly ids: readonly string[];
  /** In words of our own. */
  readonly short: string;
  /** What to use, as Markdown. */
  readonly use: string;
}

export const CHAPTERS: Readonly<Record<string, string>> = {
  V1: 'Encoding and sanitization',
  V2: 'Validation and business logic',
  V3: 'Web frontend security',
  V4: 'API and web service',
  V5: 'File handling',
  V6: 'Authentication',
  V7: 'Session management',
  V8: 'Authorization',
  V9: 'Self-contained tokens',
  V10: 'OAuth and OpenID Connect',
  V12: 'Secure communication',
  V13: 'Configuration',
  V14: 'Data protection',
  V15: 'Secure coding and architecture',
  V16: 'Security logging and error handling',
};

export const REQUIREMENTS: readonly Requirement[] = [
  {
    ids: ['V1.2.4'],
    short: 'Values reach queries as parameters',
    use: '`plan`, `toSql`, `toKysely`, `toDrizzle`',
  },
  {
    ids: ['V1.3.6'],
    short: 'The server cannot be made to call internal addresses',
    use: '`safeFetch`',
  },
  {
    ids: ['V1.5.3'],
    short: 'All parsers read JSON the same way',
    use: 'one strict reader of JSON',
  },
  {
    ids: ['V2.2.1', 'V2.2.2'],
    short: 'Input is validated against a schema, on the server',
    use: '`validateInput`',
  },
  {
    ids: ['V2.3.1'],
    short: 'The steps of a flow come in order, and once each',
    use: '`requireStep`',
  },
  {
    ids: ['V2.4.1'],
    short: 'Automated calls are bounded',
    use: '`rateLimit`, `limitQuota`, `requireHuman`',
  },
  {
    ids: ['V3.3.1', 'V3.3.2', 'V3.3.3', 'V3.3.4'],
    short: 'Cookies: `Secure`, `HttpOnly`, `SameSite`, `__Host-`',
    use: '`sessions`',
  },
  {
    ids: ['V3.4.1', 'V3.4.4', 'V3.4.5', 'V3.4.6'],
    short: 'HSTS, `nosniff`, referrers, frames',
    use: '`securityHeaders`',
  },
  { ids: ['V3.4.2'], short: 'CORS permits listed origins only', use: '`cors`' },
  {
    ids: ['V3.4.3', 'V3.4.7'],
    short: 'Content security policy, with a place to send reports',
    use: '`contentSecurityPolicy`, `securityHeaders`',
  },
  {
    ids: ['V3.5.1'],
    short: 'Pages of other sites cannot act for the user',
    use: '`crossOrigin`, `requireCsrfToken`',
  },
  { ids: ['V3.5.2'], short: 'No request avoids the preflight', use: '`allowedContentTypes`' },
  {
    ids: ['V4.1.2'],
    short: 'Calls in clear are denied, not led on to HTTPS',
    use: '`requireHttps`',
  },
  { ids: ['V4.1.3'], short: 'Callers cannot forge the headers of proxies', use: '`trust`' },
  { ids: ['V4.1.4'], short: 'Methods that are not listed are denied', use: 'coverage tables' },
  { ids: ['V4.1.5'], short: 'Messages are signed', use: '`authenticateSignature`, `signRequest`' },
  { ids: ['V4.3.1'], short: 'GraphQL documents are bounded', use: '`limitOperation`' },
  { ids: ['V4.3.2'], short: 'No introspection', use: '`@apisec/graphql`' },
  { ids: ['V5.2.1'], short: 'Bodies are bounded before they are read', use: '`limitBody`' },
  { ids: ['V6.2.3'], short: 'A change takes the current password', use: '`passwordChanges`' },
  {
    ids: ['V6.2.4', 'V6.2.12'],
    short: 'Common and breached passwords cannot be chosen',
    use: '`passwords`',
  },
  { ids: ['V6.2.8'], short: 'Passwords are compared as they were typed', use: '`passwords`' },
  { ids: ['V6.3.1'], short: 'Guesses are slowed down', use: '`login`, `throttleFailures`' },
  { ids: ['V6.3.3'], short: 'A second factor', use: '`login`, `totp`, `passkeys`' },
  { ids: ['V6.3.8'], short: 'Answers do not tell which accounts exist', use: '`login`' },
  {
    ids: ['V6.4.3'],
    short: 'A reset signs nobody in, so second factors stay',
    use: '`passwordChanges`',
  },
  {
    ids: ['V6.4.4'],
    short: 'A lost factor is removed after another proof',
    use: '`accountRecovery`',
  },
  { ids: ['V6.5.1'], short: 'One-time codes count once', use: '`totp`' },
  {
    ids: ['V6.6.2'],
    short: 'Codes are valid only for the login that they were made for',
    use: '`login`',
  },
  { ids: ['V6.8.2'], short: 'Assertions of identity providers are verified', use: '`oauthClient`' },
  { ids: ['V7.2.3'], short: 'Ids of sessions are random', use: '`sessions`' },
  { ids: ['V7.2.4'], short: 'A login creates a new session', use: '`sessions`' },
  { ids: ['V7.3.1', 'V7.3.2'], short: 'Idle and absolute timeouts', use: '`sessions`' },
  { ids: ['V7.4.1'], short: 'What has ended stays ended', use: '`sessions`' },
  { ids: ['V7.4.2'], short: 'All sessions of an account can be ended', use: '`tokens`' },
  {
    ids: ['V7.4.3'],
    short: 'A changed password ends the other sessions',
    use: '`passwordChanges`',
  },
  { ids: ['V7.5.2'], short: 'Users can see and end their sessions', use: '`sessions`' },
  { ids: ['V7.5.3'], short: 'Sensitive actions require a fresh login', use: '`stepUp`' },
  {
    ids: ['V8.2.1'],
    short: 'Access to functions',
    use: '`requirePermission`, `requireScopes`, coverage tables',
  },
  {
    ids: ['V8.2.2'],
    short: 'Access to objects, alone and in lists',
    use: '`loadObject`, `require`, `plan`',
  },
  { ids: ['V8.2.3'], short: 'Access to fields', use: '`filterOutput`, `validateInput`' },
  {
    ids: ['V8.3.2'],
    short: 'Withdrawn rights are gone at once',
    use: '`requireNotRevoked`, `loadRoles`',
  },
  { ids: ['V8.4.1'], short: 'Tenants stay apart', use: '`tenantScope`, `withTenant`' },
  { ids: ['V9.1.1'], short: 'Signatures are verified', use: '`authenticateJwt`' },
  { ids: ['V9.1.2'], short: 'Only listed algorithms are accepted', use: '`algorithms`' },
  { ids: ['V9.1.3'], short: 'Keys come from configured places', use: '`keys`, `discoverIssuer`' },
  { ids: ['V9.2.1'], short: 'Validity periods are enforced', use: '`authenticateJwt`' },
  { ids: ['V9.2.2'], short: 'The token is of the expected type', use: '`authenticateJwt`' },
  { ids: ['V9.2.3'], short: 'The audience is this API', use: '`audience`' },
  { ids: ['V10.1.1'], short: 'Tokens stay out of the browser', use: '`sessions`' },
  {
    ids: ['V10.1.2', 'V10.2.1'],
    short: 'A callback belongs to the login that began it',
    use: '`login` of `@apisec/oauth`',
  },
  {
    ids: ['V10.2.2'],
    short: 'An answer of another issuer is denied (mix-up)',
    use: '`oauthClient`',
  },
  {
    ids: ['V10.3.1'],
    short: 'The audience of access tokens is this API',
    use: '`authenticateJwt`',
  },
  { ids: ['V10.3.2'], short: 'Scopes decide', use: '`requireScopes`' },
  { ids: ['V10.3.3'], short: 'Users are told apart by issuer and subject', use: '`principal.id`' },
  { ids: ['V10.3.4'], short: 'Strength and age of the login', use: '`stepUp`' },
  {
    ids: ['V10.3.5'],
    short: 'A stolen token is of no use',
    use: '`requireDpop`, `requireCertificateBinding`',
  },
  {
    ids: ['V10.4.5'],
    short: 'A refresh token that is used twice ends all tokens of its grant',
    use: '`tokens`',
  },
  { ids: ['V10.4.8'], short: 'Refresh tokens end', use: '`tokens`' },
  { ids: ['V10.5.1'], short: 'ID tokens count for one login (`nonce`)', use: '`oauthClient`' },
  { ids: ['V10.5.3'], short: 'Metadata names the issuer that was asked', use: '`discoverIssuer`' },
  { ids: ['V10.5.4'], short: 'ID tokens are for this client', use: '`oauthClient`' },
  { ids: ['V10.5.5'], short: 'Logout tokens are verified, and count once', use: '`sessions`' },
  {
    ids: ['V12.1.1', 'V12.1.2'],
    short: 'TLS 1.2 and 1.3 with good suites',
    use: '`secureServerOptions`',
  },
  {
    ids: ['V12.1.3'],
    short: 'Certificates are trusted only after verification',
    use: '`certificate`',
  },
  { ids: ['V13.4.6'], short: 'Versions are not revealed', use: '`securityHeaders`' },
  { ids: ['V14.2.1'], short: 'Tokens in the URL do not count', use: '`authenticateJwt`' },
  { ids: ['V14.3.2'], short: 'Caches keep no answers', use: '`securityHeaders`, `sessions`' },
  {
    ids: ['V15.3.1'],
    short: 'Responses contain only what their shape names',
    use: '`filterOutput`',
  },
  {
    ids: ['V15.3.2'],
    short: 'Redirects are followed only where that is wanted',
    use: '`safeFetch`',
  },
  { ids: ['V15.3.3'], short: 'No mass assignment', use: '`validateInput`' },
  {
    ids: ['V15.3.4'],
    short: 'The address of the caller is believed from trusted proxies alone',
    use: '`trust`',
  },
  { ids: ['V15.3.6'], short: 'No prototype pollution', use: '`validateInput`' },
  { ids: ['V15.3.7'], short: 'A parameter twice is denied', use: '`sessions`' },
  {
    ids: ['V16.2.1', 'V16.3.1', 'V16.3.2'],
    short: 'Who did what, when, and what was denied',
    use: '`audit`, `logDenials`',
  },
  { ids: ['V16.2.5'], short: 'No secrets in logs', use: 'redaction' },
  {
    ids: ['V16.3.3'],
    short: 'Attempts to get past the controls are logged',
    use: '`audit`, `logDenials`',
  },
  { ids: ['V16.4.1'], short: 'One event, one line', use: '`jsonLines`' },
  { ids: ['V16.4.2'], short: 'Tampering with logs is detected', use: 'audit trail on PostgreSQL' },
  { ids: ['V16.5.1'], short: 'Errors reveal nothing', use: 'masked errors' },
  { ids: ['V16.5.2', 'V16.5.3'], short: 'Failures deny access', use: '`onStoreFailure`' },
];

/** How many requirements each section of ASVS 5.0.0 has, so that no page names one that is not there. */
export const SECTIONS: ReadonlyMap<string, number> = new Map(
  [
    '1.1:2 1.2:10 1.3:12 1.4:3 1.5:3 2.1:3 2.2:3 2.3:5 2.4:2 3.1:1 3.2:3 3.3:5 3.4:8 3.5:8 3.6:1 3.7:5',
    '4.1:5 4.2:5 4.3:2 4.4:4 5.1:1 5.2:6 5.3:3 5.4:3 6.1:3 6.2:12 6.3:8 6.4:6 6.5:8 6.6:4 6.7:2 6.8:4',
    '7.1:3 7.2:4 7.3:2 7.4:5 7.5:3 7.6:2 8.1:4 8.2:4 8.3:3 8.4:2 9.1:3 9.2:4 10.1:2 10.2:3 10.3:5 10.4:16',
    '10.5:5 10.6:2 10.7:3 11.1:4 11.2:5 11.3:5 11.4:4 11.5:2 11.6:2 11.7:2 12.1:5 12.2:2 12.3:5 13.1:4',
    '13.2:6 13.3:4 13.4:7 14.1:2 14.2:8 14.3:3 15.1:5 15.2:5 15.3:7 15.4:4 16.1:1 16.2:5 16.3:4 16.4:3',
    '16.5:4 17.1:2 17.2:8 17.3:2',
  ]
    .flatMap((line) => line.split(' '))
    .map((section) => section.split(':'))
    .map(([name = '', count]) => [name, Number(count)]),
);
