import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { VECTORS } from '../../test/vectors.ts';
import { allowAnonymous } from '../authorization/allow-anonymous.ts';
import type { DenialKind } from '../engine/denial.ts';
import { guard } from '../engine/guard.ts';
import { deny } from '../engine/outcome.ts';
import { definePolicy } from '../engine/policy.ts';
import { protect } from '../host/protect.ts';
import { cors } from './cors.ts';
import type { CorsOptions } from './cors-options.ts';

const APP = 'https://app.example.com';
const ENDPOINT = 'https://api.example.com/orders';
const open = { origins: '*', allowedHeaders: ['X-A'], exposedHeaders: ['X-B'] } as const;
const listed = {
  origins: [APP],
  methods: ['GET', 'PUT'],
  allowedHeaders: ['Authorization', 'X-A'],
  credentials: true,
} as const;

type Options = CorsOptions<Record<never, never>, boolean>;

async function answer(
  options: Options,
  init: RequestInit & { readonly deniedAs?: DenialKind } = {},
): Promise<Response> {
  const { deniedAs } = init;
  const denying = definePolicy({
    name: 'deny',
    role: 'check',
    check: () => (deniedAs === undefined ? { ok: true, facts: {} } : deny(deniedAs, 'test.denied')),
  });
  const api = guard().use(cors(options)).use(denying).use(allowAnonymous());
  return protect(api, (request) => new Response(request.method))(new Request(ENDPOINT, init));
}

const preflight = (headers: string | undefined, more: Record<string, string> = {}) => ({
  method: 'OPTIONS',
  headers: {
    origin: APP,
    'access-control-request-method': 'PUT',
    ...(headers !== undefined && { 'access-control-request-headers': headers }),
    ...more,
  },
});
const allowed = (response: Response, name: string): readonly string[] =>
  (response.headers.get(`access-control-${name}`) ?? '').split(/, */).filter(Boolean);

/** What shows that a rule is kept, by the words that it begins with. */
const RULES: Readonly<Record<string, () => Promise<void>>> = {
  'Vary: Origin whenever ACAO depends': async () => {
    for (const headers of [{}, { origin: APP }, { origin: 'https://evil.example' }] as const) {
      expect((await answer(listed, { headers })).headers.get('vary')).toMatch(/\borigin\b/i);
    }
  },
  'never ACAO "*" together with': async () => {
    expect(() => cors({ ...open, credentials: true })).toThrow(/credentials/);
    const response = await answer(open, { headers: { origin: APP } });
    expect(allowed(response, 'allow-origin')).toEqual(['*']);
    expect(allowed(response, 'allow-credentials')).toEqual([]);
  },
  'with credentials, "*" in Allow-Headers': async () => {
    for (const name of ['allowedHeaders', 'exposedHeaders', 'methods']) {
      expect(() => cors({ ...listed, [name]: ['*'] }), name).toThrow(/\*/);
    }
  },
  'ACAO has exactly one value': async () => {
    const options = { ...listed, origins: [APP, 'https://b.example.com'] } as const;
    const response = await answer(options, { headers: { origin: APP } });
    expect(response.headers.get('access-control-allow-origin')).toBe(APP);
  },
  'preflight must answer 2xx': async () => {
    expect((await answer(listed, preflight('x-a'))).status).toBe(204);
  },
  'OPTIONS without Access-Control-Request-Method': async () => {
    const response = await answer(listed, { method: 'OPTIONS', headers: { origin: APP } });
    expect(await response.text()).toBe('OPTIONS');
  },
  'Authorization is never covered by': async () => {
    expect((await answer(open, preflight('authorization'))).status).toBe(403);
    const response = await answer(listed, preflight('authorization'));
    expect(allowed(response, 'allow-headers').join().toLowerCase()).toContain('authorization');
  },
  'preflight is answered before authentication': async () => {
    const init = { ...preflight('x-a'), deniedAs: 'unauthenticated' } as const;
    expect((await answer(listed, init)).status).toBe(204);
  },
  'error responses (401/403/429/5xx) carry': async () => {
    const kinds = [
      'unauthenticated',
      'forbidden',
      'rate_limited',
      'internal',
      'unavailable',
    ] as const;
    for (const deniedAs of kinds) {
      const response = await answer(listed, { headers: { origin: APP }, deniedAs });
      expect(response.status, deniedAs).toBeGreaterThan(400);
      expect(allowed(response, 'allow-origin'), deniedAs).toEqual([APP]);
      expect(allowed(response, 'allow-credentials'), deniedAs).toEqual(['true']);
    }
  },
  'Access-Control-Request-Headers is lower-case': async () => {
    for (const names of ['authorization,x-a', 'authorization, x-a', 'X-A']) {
      expect((await answer(listed, preflight(names))).status, names).toBe(204);
    }
  },
  'Private network / local network': async () => {
    const more = {
      'access-control-request-private-network': 'true',
      'access-control-request-local-network': 'true',
    };
    const response = await answer(listed, preflight('x-a', more));
    expect(allowed(response, 'allow-private-network')).toEqual([]);
    expect(allowed(response, 'allow-local-network')).toEqual([]);
  },
};

const file = join(VECTORS, 'cors/semantics.json');

describe.skipIf(!existsSync(file))('the rules of the fetch standard and its tests for CORS', () => {
  const rules = existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as { readonly rule: string }[])
    : [];
  test('are all known here', () => {
    expect(rules.length).toBeGreaterThan(0);
    expect(rules.filter(({ rule }) => checkOf(rule) === undefined)).toEqual([]);
  });
  test.each(rules)('hold: $rule', async ({ rule }) => {
    await checkOf(rule)?.();
  });
});

function checkOf(rule: string): (() => Promise<void>) | undefined {
  return Object.entries(RULES).find(([beginning]) => rule.startsWith(beginning))?.[1];
}
