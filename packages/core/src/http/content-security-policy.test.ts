import { describe, expect, expectTypeOf, test } from 'vitest';
import { allowAnonymous } from '../authorization/allow-anonymous.ts';
import { type FactsOf, guard } from '../engine/guard.ts';
import { type HeaderEdit, listObligations, type ObligationList } from '../engine/obligations.ts';
import { deny } from '../engine/outcome.ts';
import { definePolicy } from '../engine/policy.ts';
import { protect } from '../host/protect.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import {
  type ContentSecurityPolicyOptions,
  contentSecurityPolicy,
} from './content-security-policy.ts';
import type { CspSource } from './csp-directives.ts';
import { pageHeaders } from './page-headers.ts';
import { securityHeaders } from './security-headers.ts';

const DEFAULTS =
  "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";
const SHA256 = `'sha256-${'A'.repeat(43)}='` as const;
const page = new Request('https://shop.example.com/');

function edits(obligations: ObligationList | undefined): Record<string, string> {
  const all = listObligations(obligations).flatMap(({ headers = [] }) => headers);
  return Object.fromEntries(
    all.flatMap((edit: HeaderEdit) => (edit.op === 'delete' ? [] : [[edit.name, edit.value]])),
  );
}

/** The header of a call that passed, with the nonce written as N. */
function csp(options: ContentSecurityPolicyOptions, name = 'content-security-policy') {
  const outcome = contentSecurityPolicy(options).check(page, {});
  return edits(outcome.obligations)[name]?.replace(/'nonce-[\w-]{22}'/g, "'nonce-N'");
}

describe('the policy', () => {
  test.each<[string, ContentSecurityPolicyOptions, string]>([
    ['of nothing is closed but for the own origin', {}, DEFAULTS],
    [
      'takes directives beside the defaults',
      { directives: { 'img-src': ["'self'", 'data:', 'https://*.example.com'] } },
      DEFAULTS.replace('; object-src', "; img-src 'self' data: https://*.example.com; object-src"),
    ],
    [
      'puts a directive in place of a default',
      { directives: { 'frame-ancestors': ["'self'", 'https://partner.example'] } },
      DEFAULTS.replace("ancestors 'none'", "ancestors 'self' https://partner.example"),
    ],
    [
      'leaves out what is false',
      { directives: { 'form-action': false } },
      DEFAULTS.replace("; form-action 'self'", ''),
    ],
    [
      'has nonces, hashes and strict-dynamic',
      { directives: { 'script-src': ["'nonce'", SHA256, "'strict-dynamic'"] } },
      `${DEFAULTS}; script-src 'nonce-N' ${SHA256} 'strict-dynamic'`,
    ],
    [
      'names dangerous sources where that is said',
      {
        directives: { 'style-src': ["'self'"] },
        insecureSources: { 'style-src': ["'unsafe-inline'"], 'script-src': ['https:'] },
      },
      `${DEFAULTS}; script-src https:; style-src 'self' 'unsafe-inline'`,
    ],
    [
      'has directives without sources',
      {
        directives: {
          sandbox: ['allow-scripts', 'allow-forms'],
          'upgrade-insecure-requests': true,
          'require-trusted-types-for': ["'script'"],
          'trusted-types': ['app', "'allow-duplicates'"],
        },
      },
      `${DEFAULTS}; sandbox allow-scripts allow-forms; upgrade-insecure-requests; ` +
        "require-trusted-types-for 'script'; trusted-types app 'allow-duplicates'",
    ],
    [
      'says where violations are reported',
      { report: { url: 'https://reports.example.com/csp?a=1;b=2,3' } },
      `${DEFAULTS}; report-uri https://reports.example.com/csp?a=1%3bb=2%2c3; report-to csp`,
    ],
    [
      'takes loopback for development',
      {
        directives: { 'script-src': ["'self'", 'http://localhost:5173'], 'worker-src': ['blob:'] },
      },
      `${DEFAULTS}; script-src 'self' http://localhost:5173; worker-src blob:`,
    ],
  ])('%s', (_name, options, text) => {
    expect(csp(options)).toBe(text);
  });

  test('that only reports stands beside the enforced one', () => {
    const options: ContentSecurityPolicyOptions = {
      reportOnly: { 'script-src': ["'nonce'"] },
      report: { url: 'https://reports.example.com/', name: 'page' },
    };
    const reports = '; report-uri https://reports.example.com/; report-to page';
    expect(csp(options)).toBe(DEFAULTS + reports);
    expect(csp(options, 'content-security-policy-report-only')).toBe(
      `${DEFAULTS}; script-src 'nonce-N'${reports}`,
    );
    expect(csp(options, 'reporting-endpoints')).toBe('page="https://reports.example.com/"');
  });

  test('of a denied call has no nonce, and nothing that stood back behind one', () => {
    const policy = contentSecurityPolicy({
      directives: {
        'script-src': ["'nonce'", "'strict-dynamic'"],
        'style-src': ["'nonce'", "'self'"],
      },
      insecureSources: { 'script-src': ["'unsafe-inline'"] },
    });
    expect(edits(policy.always)).toEqual({
      'content-security-policy': `${DEFAULTS}; script-src 'none'; style-src 'self'`,
    });
  });
});

describe('the nonce', () => {
  const nonced = contentSecurityPolicy({ directives: { 'script-src': ["'nonce'"] } });

  // Covers: V3.4.3
  test('is a typed fact, the same as in the header, and new for each call', async () => {
    const admission = guard().use(securityHeaders(pageHeaders)).use(nonced).use(allowAnonymous());
    expectTypeOf<FactsOf<typeof admission>['cspNonce']>().toEqualTypeOf<string>();
    const serve = protect(admission, (_request, { cspNonce }) => new Response(cspNonce));
    const seen = new Set<string>();
    for (let call = 0; call < 300; call++) {
      const response = await serve(page);
      const nonce = await response.text();
      expect(nonce).toMatch(/^[\w-]{22}$/);
      const header = response.headers.get('content-security-policy');
      expect(header).toContain(`script-src 'nonce-${nonce}'`);
      seen.add(nonce);
    }
    expect(seen.size).toBe(300);
  });

  test.each([
    ['public, max-age=3600', 'public, max-age=3600, private'],
    [undefined, 'private'],
  ])('is not for shared caches where the handler says %s', async (own, sent) => {
    const headers: Record<string, string> = own === undefined ? {} : { 'cache-control': own };
    const page = () => new Response('', { headers });
    const serve = protect(guard().use(nonced).use(allowAnonymous()), page);
    const answer = await serve(new Request('https://a.example/'));
    expect(answer.headers.get('cache-control')).toBe(sent);
    const still = contentSecurityPolicy({ directives: { 'script-src': ["'self'"] } });
    const plain = await protect(
      guard().use(still).use(allowAnonymous()),
      page,
    )(new Request('https://a.example/'));
    expect(plain.headers.get('cache-control')).toBe(own ?? null);
  });

  test('is in two headers the same', () => {
    const both = contentSecurityPolicy({
      directives: { 'script-src': ["'nonce'"] },
      reportOnly: { 'style-src': ["'nonce'"] },
      report: { url: 'https://reports.example.com' },
    }).check(page, {});
    const nonces = Object.values(edits(both.obligations)).flatMap(
      (value) => value.match(/nonce-[\w-]{22}/g) ?? [],
    );
    expect(nonces).toHaveLength(2);
    expect(new Set(nonces).size).toBe(1);
  });

  test('is a fact only where a source asks for it', () => {
    const plain = contentSecurityPolicy({ directives: { 'script-src': ["'self'"] } });
    expect(plain.adds).toEqual([]);
    expect(plain.check(page, {})).not.toHaveProperty('facts');
    expect(plain.check(page, {})).toBe(plain.check(page, {}));
    const wide: CspSource[] = ["'self'"];
    const unknown = contentSecurityPolicy({ directives: { 'script-src': wide } });
    const facts = guard().use(plain).use(allowAnonymous());
    expectTypeOf<FactsOf<typeof facts>>().not.toHaveProperty('cspNonce');
    const maybe = guard().use(unknown).use(allowAnonymous());
    expectTypeOf<FactsOf<typeof maybe>['cspNonce']>().toEqualTypeOf<string | undefined>();
  });

  test('does not stand in an answer that an earlier policy denied', async () => {
    const closed = definePolicy({
      name: 'closed',
      role: 'check',
      check: () => deny('forbidden', 'shop.closed'),
    });
    const admission = guard().use(closed).use(nonced).use(allowAnonymous());
    const response = await protect(admission, () => new Response('ok'))(page);
    expect(response.headers.get('content-security-policy')).toContain("script-src 'none'");
  });
});

describe('cannot be constructed with', () => {
  const script = (...sources: unknown[]) => ({ directives: { 'script-src': sources } });
  test.each<[string, unknown]>([
    ['an unknown option', { directive: {} }],
    ['an unknown directive', { directives: { 'scripts-src': ["'self'"] } }],
    ['a directive in camel case', { directives: { scriptSrc: ["'self'"] } }],
    ['a directive of every object', { directives: JSON.parse('{"__proto__":["\'self\'"]}') }],
    ['one source that is not a list', { directives: { 'script-src': "'self'" } }],
    ['an empty list', script()],
    ['a keyword without its quotes', script('self')],
    ['a keyword that does not exist', script("'all'")],
    ['a host without its scheme', script('cdn.example.com')],
    ['a source with a directive in it', script("'self'; script-src *")],
    ['a source with a blank', script('https://a.example https://b.example')],
    ['a source with a comma', script('https://a.example,https://b.example')],
    ['a line break', script('https://a.example\r\nset-cookie:a=b')],
    ['a host with a query', script('https://a.example/?x')],
    ['a source twice', script("'self'", "'self'")],
    ["'none' beside another", script("'none'", "'self'")],
    ['a hash that is too short', script("'sha256-AAAA'")],
    ['a hash of a kind that browsers do not know', script(`'md5-${'A'.repeat(24)}'`)],
    ['a nonce that is written out', script("'nonce-r4nd0m'")],
    ["'strict-dynamic' without a nonce", script("'self'", "'strict-dynamic'")],
    ["'unsafe-inline'", script("'unsafe-inline'")],
    ["'unsafe-eval'", script("'unsafe-eval'")],
    ['every host for scripts', script('*')],
    ['every https host for scripts', script('https:')],
    ['every https host for scripts, written otherwise', script('https://*')],
    ['every host of a top-level domain', script('https://*.com')],
    ['data: for scripts', script('data:')],
    ['blob: for scripts', script('blob:')],
    ['scripts over plain HTTP', script('http://cdn.example.com')],
    ['every host for objects', { directives: { 'object-src': ['*'] } }],
    ['every host as default', { directives: { 'default-src': ['*'] } }],
    ['every host for forms', { directives: { 'form-action': ['*'] } }],
    ['every host as a frame around', { directives: { 'frame-ancestors': ['https:'] } }],
    ['a nonce for images', { directives: { 'img-src': ["'nonce'"] } }],
    ['a nonce for attributes', { directives: { 'script-src-attr': ["'nonce'"] } }],
    ['a host for attributes', { directives: { 'style-src-attr': ['https://a.example'] } }],
    ['a hash for attributes alone', { directives: { 'style-src-attr': [SHA256] } }],
    [
      "'strict-dynamic' for styles",
      { directives: { 'style-src': ["'nonce'", "'strict-dynamic'"] } },
    ],
    ["'unsafe-hashes' without hashes", { insecureSources: { 'script-src': ["'unsafe-hashes'"] } }],
    ['scripts left open', { directives: { 'default-src': false } }],
    [
      'objects left open',
      { directives: { 'default-src': false, 'object-src': false, 'script-src': ["'self'"] } },
    ],
    [
      'nonces and a <base> that may move them',
      { directives: { 'base-uri': false, 'script-src': ["'nonce'"] } },
    ],
    ['a sandbox flag that does not exist', { directives: { sandbox: ['allow-everything'] } }],
    ['upgrade-insecure-requests: false', { directives: { 'upgrade-insecure-requests': false } }],
    ['trusted types for styles', { directives: { 'require-trusted-types-for': ["'style'"] } }],
    ['a trusted type with a blank', { directives: { 'trusted-types': ['a b'] } }],
    ['a report-only policy that nobody hears of', { reportOnly: {} }],
    [
      'a sandbox that only reports',
      { reportOnly: { sandbox: [] }, report: { url: 'https://reports.example.com' } },
    ],
    ['reports over plain HTTP', { report: { url: 'http://reports.example.com' } }],
    ['reports to a path', { report: { url: '/reports' } }],
    ['an endpoint with a quote', { report: { url: 'https://a.example', name: 'a"' } }],
    ['insecure sources for the sandbox', { insecureSources: { sandbox: ['allow-scripts'] } }],
  ])('%s', (_name, options) => {
    expect(() => contentSecurityPolicy(options as ContentSecurityPolicyOptions)).toThrow(
      ConfigurationError,
    );
  });
});
