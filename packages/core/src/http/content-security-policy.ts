import type { HeaderEdit, Obligations } from '../engine/obligations.ts';
import type { NoFacts, Pass } from '../engine/outcome.ts';
import { definePolicy, type SyncPolicy } from '../engine/policy.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { parseUrl } from '../lib/parse-url.ts';
import {
  assertSources,
  type CspDirectives,
  type CspInsecureSource,
  type CspSource,
  type CspSourceDirective,
  NONCE,
  readOther,
  readSource,
  takesSources,
} from './csp-directives.ts';
import { DIRECTIVES } from './csp-names.ts';

/** Options of {@link contentSecurityPolicy}. */
export interface ContentSecurityPolicyOptions<
  Source extends string = CspSource,
  ReportOnly extends string = CspSource,
> {
  /**
   * What the page may load. What is not said here stands as `default-src 'self'`, `base-uri 'none'`,
   * `form-action 'self'`, `frame-ancestors 'none'` and `object-src 'none'`; `false` leaves one of them out.
   */
  readonly directives?: CspDirectives<Source> | undefined;
  /**
   * A second policy that browsers only report violations of, beside the enforced one: to try a stricter one out.
   * The same directives stand in it by default.
   */
  readonly reportOnly?: CspDirectives<ReportOnly> | undefined;
  /**
   * Sources that the directives would not take, since they let injected markup run code: `'unsafe-inline'`,
   * `'unsafe-eval'`, `'unsafe-hashes'`, whole schemes for scripts. Added to `directives`.
   */
  readonly insecureSources?:
    | { readonly [Name in CspSourceDirective]?: readonly CspInsecureSource[] | undefined }
    | undefined;
  /**
   * Where browsers report violations of both: as `Reporting-Endpoints` with `report-to`, and as `report-uri` for
   * browsers without. An `https:` URL. Default: nowhere.
   */
  readonly report?: { readonly url: string; readonly name?: string | undefined } | undefined;
}

/** What {@link contentSecurityPolicy} adds where `'nonce'` is among its sources. */
export interface CspFacts {
  /** For the `nonce` attribute of this page's scripts and styles: 132 random bits, new for each call. */
  readonly cspNonce: string;
}

/** A list whose members the compiler does not know may have no nonce. */
type NonceFacts<Source> = CspSource extends Source
  ? Partial<CspFacts>
  : "'nonce'" extends Source
    ? CspFacts
    : NoFacts;

const NAME = 'contentSecurityPolicy';
const ENFORCED = 'content-security-policy';
const REPORT_ONLY = 'content-security-policy-report-only';
const DEFAULTS: CspDirectives = {
  'default-src': ["'self'"],
  'base-uri': ["'none'"],
  'form-action': ["'self'"],
  'frame-ancestors': ["'none'"],
  'object-src': ["'none'"],
};

/**
 * Puts a Content Security Policy (CSP Level 3) on every response of the guard; denies nothing itself. It stands in
 * place of the one of `securityHeaders`, and a value that the handler sets itself stands in place of both.
 *
 * `'nonce'` among the sources becomes a nonce of each call, which handlers read as the fact `cspNonce`. What an
 * earlier policy denied goes out with the same policy without nonces. No shared cache may keep a page with a nonce,
 * which others would then know: `Cache-Control: private` is added to whatever the handler says.
 *
 * @throws ConfigurationError for a directive or source that no browser knows (`self` without its quotes, a host
 * without its scheme), one that has no effect where it stands, lists whose members undo one another, scripts, objects
 * or `<base>` left open, and everything dangerous that is not named under `insecureSources`.
 * @example
 * guard()
 *   .use(securityHeaders(pageHeaders))
 *   .use(contentSecurityPolicy({ directives: { 'script-src': ["'nonce'", "'strict-dynamic'"] } }));
 */
export function contentSecurityPolicy<
  const Source extends CspSource = never,
  const ReportOnly extends CspSource = never,
>(
  options: ContentSecurityPolicyOptions<Source, ReportOnly> = {},
): SyncPolicy<NoFacts, NonceFacts<Source | ReportOnly>, 'check'> {
  assertKnownOptions(NAME, options, ['directives', 'reportOnly', 'insecureSources', 'report']);
  const { directives = {}, reportOnly, insecureSources = {}, report } = options;
  const endpoint = report && readReport(report);
  const enforced = compile('directives', directives, insecureSources, endpoint);
  const observed = reportOnly && compile('reportOnly', reportOnly, {}, endpoint);
  assertConfiguration(
    observed === undefined || endpoint !== undefined,
    `${NAME}: reportOnly needs report: { url }, to which browsers send violations.`,
  );
  const policies = observed
    ? [{ name: ENFORCED, text: enforced } as const, { name: REPORT_ONLY, text: observed } as const]
    : [{ name: ENFORCED, text: enforced } as const];
  const withoutNonce = policies.map(({ name, text }) => set(name, dropNonces(text)));
  const parts = policies.map(({ name, text }) => ({ name, parts: text.split(NONCE) }));
  const endpoints: readonly HeaderEdit[] = endpoint
    ? [{ op: 'append', name: 'reporting-endpoints', value: endpoint.field }]
    : [];
  const usesNonce = parts.some((each) => each.parts.length > 1);
  const still: Pass<NoFacts> = Object.freeze({
    ok: true,
    obligations: frozen([...withoutNonce, ...endpoints]),
  });
  const nonces = noncePool();
  const fresh = (): Pass<CspFacts> => {
    const cspNonce = nonces();
    const source = `'nonce-${cspNonce}'`;
    const headers = parts.map((each) => set(each.name, each.parts.join(source)));
    return {
      ok: true,
      facts: { cspNonce },
      obligations: { headers: [...headers, ...endpoints, UNSHARED] },
    };
  };
  const policy: SyncPolicy<NoFacts, NoFacts, 'check'> = definePolicy({
    name: NAME,
    role: 'check',
    needs: [],
    adds: usesNonce ? ['cspNonce'] : [],
    always: frozen(withoutNonce),
    check: usesNonce ? fresh : () => still,
  });
  // Which of the two it is stands in the sources, as the type says.
  return policy as SyncPolicy<NoFacts, NonceFacts<Source | ReportOnly>, 'check'>;
}

interface Endpoint {
  readonly directives: readonly string[];
  readonly field: string;
}

function readReport(report: {
  readonly url: string;
  readonly name?: string | undefined;
}): Endpoint {
  assertKnownOptions(`${NAME}: report`, report, ['url', 'name']);
  const { url, name = 'csp' } = report;
  const parsed = typeof url === 'string' ? parseUrl(url) : undefined;
  assertConfiguration(parsed?.protocol === 'https:', `${NAME}: report.url must be an https: URL.`);
  assertConfiguration(
    typeof name === 'string' && /^[a-z*][a-z0-9_.*-]*$/.test(name),
    `${NAME}: report.name must be of lower-case letters, digits, "_", "-", "." and "*".`,
  );
  // A parsed URL has no quote, blank or control character; these three end a directive or a string.
  const href = parsed.href.replace(/[\\;,]/g, (char) => `%${char.charCodeAt(0).toString(16)}`);
  return {
    directives: [`report-uri ${href}`, `report-to ${name}`],
    field: `${name}="${href}"`,
  };
}

/** The value of the header, with `'nonce'` where a nonce goes. */
function compile(
  option: string,
  given: CspDirectives<string>,
  insecure: NonNullable<ContentSecurityPolicyOptions['insecureSources']>,
  endpoint: Endpoint | undefined,
): string {
  const where = `${NAME}: ${option}`;
  assertKnownOptions(where, given, DIRECTIVES);
  assertKnownOptions(`${NAME}: insecureSources`, insecure, DIRECTIVES.filter(takesSources));
  const defaults: Readonly<Record<string, unknown>> = DEFAULTS;
  // Read by name: what each may be is checked below.
  const values: Readonly<Record<string, unknown>> = given;
  const lists = new Map<string, readonly string[]>();
  const texts: string[] = [];
  for (const name of DIRECTIVES) {
    const value = values[name] ?? defaults[name];
    const unsafe = (insecure as Readonly<Record<string, readonly unknown[] | undefined>>)[name];
    if (!takesSources(name)) {
      if (value === undefined) continue;
      assertConfiguration(
        option !== 'reportOnly' || /trusted/.test(name),
        `${where}: browsers ignore ${name} in a policy that only reports. Remove it.`,
      );
      texts.push(readOther(where, name, value));
      continue;
    }
    if (value === false && unsafe === undefined) continue;
    if (value === undefined && unsafe === undefined) continue;
    const list = value === false || value === undefined ? [] : value;
    assertConfiguration(
      Array.isArray(list) && (unsafe === undefined || Array.isArray(unsafe)),
      `${where}: ${name} must be a list of sources, like ["'self'"].`,
    );
    // What stands by default gives way to sources that are named.
    const own =
      values[name] === undefined && unsafe !== undefined && list[0] === "'none'" ? [] : list;
    const sources = [
      ...own.map((source: unknown) => readSource(where, name, source, false)),
      ...(unsafe ?? []).map((source) => readSource(where, name, source, true)),
    ];
    assertSources(where, name, sources);
    lists.set(name, sources);
    texts.push(`${name} ${sources.join(' ')}`);
  }
  assertClosed(where, lists);
  return [...texts, ...(endpoint?.directives ?? [])].join('; ');
}

/** Leaving out a directive must not leave open what the others close. */
function assertClosed(where: string, lists: ReadonlyMap<string, readonly string[]>): void {
  for (const name of ['script-src', 'object-src']) {
    assertConfiguration(
      lists.has(name) || lists.has('default-src'),
      `${where}: without default-src add ${name}, or everything may run.`,
    );
  }
  const trusted = [...lists.values()].flat();
  assertConfiguration(
    lists.has('base-uri') || !(trusted.includes(NONCE) || trusted.includes("'strict-dynamic'")),
    `${where}: with nonces keep base-uri: a <base> would redirect scripts that have a nonce.`,
  );
}

/** The same policy where there is no nonce: nothing that needs one may run. */
function dropNonces(text: string): string {
  return text
    .split('; ')
    .map((directive) => {
      if (!directive.includes(NONCE)) return directive;
      const [name, ...sources] = directive.split(' ');
      const hashed = sources.some((source) => source.startsWith("'sha"));
      const rest = sources.filter(
        (source) => source !== NONCE && (hashed || source !== "'strict-dynamic'"),
      );
      const useful = rest.some((source) => source !== "'report-sample'");
      // Unsafe sources stood back behind the nonce, and must not come forward without it.
      const safe = rest.filter((source) => source !== "'unsafe-inline'");
      return [name, ...(useful && safe.length > 0 ? safe : ["'none'"])].join(' ');
    })
    .join('; ');
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
/** Six bits of each byte: 132 bits. */
const NONCE_LENGTH = 22;
const POOLED_NONCES = 128;

/** Appended, so that it holds beside what the handler says (RFC 9111 §4.2.1). */
const UNSHARED: HeaderEdit = Object.freeze({
  op: 'append',
  name: 'cache-control',
  value: 'private',
});

/** Random bytes are drawn for many nonces at once, and first when a call needs one. */
function noncePool(): () => string {
  const pool = new Uint8Array(NONCE_LENGTH * POOLED_NONCES);
  let at = pool.length;
  return () => {
    if (at === pool.length) {
      crypto.getRandomValues(pool);
      at = 0;
    }
    let nonce = '';
    // No byte is used twice: `at` only grows until the pool is refilled.
    for (const end = at + NONCE_LENGTH; at < end; at++) nonce += ALPHABET[(pool[at] ?? 0) & 63];
    return nonce;
  };
}

function set(name: string, value: string): HeaderEdit {
  return Object.freeze({ op: 'set', name, value });
}

function frozen(headers: readonly HeaderEdit[]): Obligations {
  return Object.freeze({ headers: Object.freeze([...headers]) });
}
