/** A risk of the OWASP API Security Top 10, and what stands against it. Its tests name it: see `covering-tests.ts`. */
export interface Risk {
  readonly id: string;
  readonly name: string;
  /** Exported names. */
  readonly policies: readonly string[];
  /** Names of guides; `limits/guide` lies elsewhere. */
  readonly guides: readonly string[];
  /** Folders of `examples/`. */
  readonly examples: readonly string[];
}

export const RISKS: readonly Risk[] = [
  {
    id: 'API1:2023',
    name: 'Broken object level authorization',
    policies: [
      'loadObject',
      'guardMessages',
      'requireOwner',
      'require',
      'relation',
      'tenantScope',
      'withTenant',
    ],
    guides: ['objects-and-lists', 'tenants'],
    examples: ['multi-tenant', 'rbac-abac'],
  },
  {
    id: 'API2:2023',
    name: 'Broken authentication',
    policies: [
      'authenticateJwt',
      'authenticateApiKey',
      'requireDpop',
      'stepUp',
      'login',
      'passkeys',
    ],
    guides: ['providers', 'password-login'],
    examples: ['login', 'auth-server-and-api'],
  },
  {
    id: 'API3:2023',
    name: 'Broken object property level authorization',
    policies: ['validateInput', 'filterOutput'],
    guides: ['validation'],
    examples: ['rbac-abac'],
  },
  {
    id: 'API4:2023',
    name: 'Unrestricted resource consumption',
    policies: [
      'rateLimit',
      'limitQuota',
      'concurrencyLimit',
      'shedLoad',
      'limitBody',
      'limitPage',
      'limitOperation',
    ],
    guides: ['limits/guide', 'graphql-limits'],
    examples: ['limits'],
  },
  {
    id: 'API5:2023',
    name: 'Broken function level authorization',
    policies: ['coverage', 'requireRole', 'requirePermission', 'requireScopes'],
    guides: ['roles'],
    examples: ['rbac-abac'],
  },
  {
    id: 'API6:2023',
    name: 'Unrestricted access to sensitive business flows',
    policies: ['requireHuman', 'requireStep', 'detectEnumeration', 'throttleFailures'],
    guides: ['limits/guide'],
    examples: ['limits'],
  },
  {
    id: 'API7:2023',
    name: 'Server side request forgery',
    policies: ['safeFetch', 'checkUrl', 'classifyAddress'],
    guides: ['ssrf'],
    examples: ['egress'],
  },
  {
    id: 'API8:2023',
    name: 'Security misconfiguration',
    policies: [
      'securityHeaders',
      'contentSecurityPolicy',
      'cors',
      'crossOrigin',
      'requireHttps',
      'allowedHosts',
      'secureServerOptions',
    ],
    guides: ['headers', 'cors', 'csrf', 'errors'],
    examples: ['hardening', 'browser-app'],
  },
  {
    id: 'API9:2023',
    name: 'Improper inventory management',
    policies: ['coverage', 'coverageReport', 'apiVersion'],
    guides: ['coverage', 'versions'],
    examples: ['hardening', 'demo'],
  },
  {
    id: 'API10:2023',
    name: 'Unsafe consumption of APIs',
    policies: ['consume', 'verifyWebhook', 'pinnedKeys'],
    guides: ['webhooks', 'ssrf'],
    examples: ['egress', 'webhooks'],
  },
];
