import type { PolicyInfo } from '../engine/policy.ts';
import { purposesOf } from '../engine/purposes.ts';
import { assertKnownOptions } from '../lib/options.ts';
import type { CoverageReport, CoveredOperation } from './coverage-report.ts';
import { openapiPath } from './path-template.ts';

/** A Security Scheme Object of OpenAPI 3.1. */
export type SecurityScheme = Readonly<Record<string, unknown>> & { readonly type: string };

/** A Security Requirement Object: all of these schemes, each with the scopes that it needs. */
export type SecurityRequirement = Readonly<Record<string, readonly string[]>>;

/** Options of {@link openapiSecurity}. */
export interface OpenapiSecurityOptions {
  /**
   * How the document calls and describes what a policy authenticates by, by the name of the policy. Needed where the
   * default is not true: a key in a header of your own, a session cookie.
   */
  readonly schemes?: Readonly<Record<string, NamedScheme>> | undefined;
}

/** A security scheme, and its name in the document. */
export interface NamedScheme {
  readonly name: string;
  readonly scheme: SecurityScheme;
}

/** Parts of an OpenAPI 3.1 document, to be merged into yours. */
export interface OpenapiSecurity {
  readonly paths: Readonly<
    Record<
      string,
      Readonly<
        Record<
          string,
          { readonly security: readonly SecurityRequirement[]; readonly deprecated?: true }
        >
      >
    >
  >;
  readonly components: { readonly securitySchemes: Readonly<Record<string, SecurityScheme>> };
  /** What OpenAPI cannot name: routes for all methods. GraphQL and gRPC are left out without a word. */
  readonly skipped: readonly string[];
}

const BEARER: NamedScheme = {
  name: 'bearer',
  scheme: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
};
const DEFAULTS: ReadonlyMap<string, NamedScheme> = new Map([
  ['authenticateJwt', BEARER],
  ['authenticateIntrospection', { name: 'opaque', scheme: { type: 'http', scheme: 'bearer' } }],
  [
    'authenticateApiKey',
    { name: 'apiKey', scheme: { type: 'apiKey', in: 'header', name: 'x-api-key' } },
  ],
  ['authenticateCertificate', { name: 'certificate', scheme: { type: 'mutualTLS' } }],
  [
    'authenticateSignature',
    { name: 'signature', scheme: { type: 'apiKey', in: 'header', name: 'signature' } },
  ],
]);

/** More ways to authenticate than any document should list for one operation. */
const MAX_ALTERNATIVES = 32;

/**
 * The `security` and `deprecated` of each operation, and the security schemes, as the guards have them: to be merged
 * into your OpenAPI document, or compared with it. Says nothing of paths that are not served.
 *
 * @throws ConfigurationError for an unknown option.
 * @example
 * const { paths, components } = openapiSecurity(report);
 */
export function openapiSecurity(
  report: CoverageReport,
  options: OpenapiSecurityOptions = {},
): OpenapiSecurity {
  assertKnownOptions('openapiSecurity', options, ['schemes']);
  const own = new Map(Object.entries(options.schemes ?? {}));
  const used = new Map<string, SecurityScheme>();
  const schemeOf = (policy: PolicyInfo): string => {
    const { name, scheme } = own.get(policy.name) ?? DEFAULTS.get(policy.name) ?? unknown(policy);
    used.set(name, scheme);
    return name;
  };
  const http = report.operations.filter(({ protocol }) => protocol === 'http');
  const skipped = http.filter(({ operation }) => !METHOD.test(operation));
  const paths = new Map<
    string,
    Record<string, { security: SecurityRequirement[]; deprecated?: true }>
  >();
  for (const each of http) {
    const [, method, path] = METHOD.exec(each.operation) ?? [];
    if (method === undefined || path === undefined) continue;
    const key = openapiPath(path);
    const item = paths.get(key) ?? {};
    item[method.toLowerCase()] = {
      security: securityOf(each, schemeOf),
      ...(each.deprecated && { deprecated: true }),
    };
    paths.set(key, item);
  }
  return {
    paths: Object.fromEntries(paths),
    components: { securitySchemes: Object.fromEntries(used) },
    skipped: skipped.map(({ operation }) => operation),
  };
}

const METHOD = /^(GET|PUT|POST|DELETE|OPTIONS|HEAD|PATCH|TRACE|QUERY) (\/.*)$/;

type Alternative = readonly string[];

function securityOf(
  { policies }: CoveredOperation,
  schemeOf: (policy: PolicyInfo) => string,
): SecurityRequirement[] {
  const scopes = policies.flatMap(scopesOf);
  const alternatives = inTurn(policies.filter(isEnforced), schemeOf);
  // Nobody authenticates: an empty list says that anybody may call.
  if (alternatives.every((each) => each.length === 0)) return [];
  const requirements = alternatives.map((names) =>
    Object.fromEntries(names.map((name) => [name, scopes])),
  );
  const known = new Set<string>();
  return requirements.filter((each) => {
    const text = JSON.stringify(each);
    return !known.has(text) && known.add(text);
  });
}

/** The ways to satisfy all of these. */
function inTurn(
  policies: readonly PolicyInfo[],
  schemeOf: (policy: PolicyInfo) => string,
): readonly Alternative[] {
  let ways: readonly Alternative[] = [[]];
  for (const policy of policies) {
    const more = waysOf(policy, schemeOf);
    ways = ways
      .flatMap((way) => more.map((each) => [...new Set([...way, ...each])]))
      .slice(0, MAX_ALTERNATIVES);
  }
  return ways;
}

/** A way without a scheme is one without credentials. */
function waysOf(
  policy: PolicyInfo,
  schemeOf: (policy: PolicyInfo) => string,
): readonly Alternative[] {
  const { name, parts = [] } = policy;
  if (parts.length === 0) {
    return purposesOf(policy).includes('authentication') ? [[schemeOf(policy)]] : [[]];
  }
  if (name.startsWith('anyOf(')) return parts.flatMap((part) => waysOf(part, schemeOf));
  const ways = inTurn(parts, schemeOf);
  const isOptional = name.startsWith('optional(') || name.startsWith('when(');
  return isOptional ? [[], ...ways] : ways;
}

function scopesOf(policy: PolicyInfo): readonly string[] {
  if (!isEnforced(policy)) return [];
  if (policy.name.startsWith('allOf(')) return (policy.parts ?? []).flatMap(scopesOf);
  const [, scopes] = /^requireScopes\(([^()]+)\)$/.exec(policy.name) ?? [];
  return scopes === undefined ? [] : scopes.split(' ');
}

function isEnforced({ mode }: PolicyInfo): boolean {
  return mode !== 'shadow';
}

function unknown({ name }: PolicyInfo): NamedScheme {
  // The name of a component (OpenAPI 3.1 §4.8.7.1).
  const key = name.replace(/[^A-Za-z0-9._-]/g, '_').slice(0, 100);
  const description = `Authenticated by ${name}. Describe it by the option schemes.`;
  return {
    name: key,
    scheme: { type: 'apiKey', in: 'header', name: 'authorization', description },
  };
}
