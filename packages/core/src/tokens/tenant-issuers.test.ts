import { describe, expect, test, vi } from 'vitest';
import { NOW, signer } from '../../test/jwt-kit.ts';
import { localJwks } from '../crypto/local-jwks.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { authenticateJwt } from './authenticate-jwt.ts';
import { type TenantIssuersOptions, tenantIssuers } from './tenant-issuers.ts';

const key = await signer('ES256');
const stranger = await signer('ES256', key.jwk.kid);
const pattern = 'https://id.example.com/{tenant}/v2';
const audience = 'https://api.example.com';
const keys = localJwks({ keys: [key.jwk] });
const issuerOf = (tenant: string) => pattern.replace('{tenant}', tenant);

function subject(options: Partial<TenantIssuersOptions> = {}) {
  let time = NOW;
  const now = () => time;
  const policy = authenticateJwt({
    issuers: tenantIssuers({
      pattern,
      audience,
      bind: 'tid',
      tenants: ['acme', 'shop'],
      keys: () => keys,
      now,
      ...options,
    }),
    cache: false,
    now,
  });
  const ask = async (tenant: string, change: object = {}, by = key) => {
    const token = await by.token({
      payload: {
        iss: issuerOf(tenant),
        tid: tenant,
        aud: audience,
        exp: NOW / 1000 + 86_400,
        ...change,
      },
    });
    const headers = { authorization: `Bearer ${token}` };
    const outcome = await policy.check(new Request('https://api.example.com/', { headers }), {});
    return outcome.ok ? outcome.facts?.principal.tenant : outcome.denial.code;
  };
  return { ask, wait: (ms: number) => void (time += ms) };
}

describe('issuers that come at run time', () => {
  test('are taken where pattern, bound claim and list agree, and name the tenant', async () => {
    const { ask } = subject();
    expect(await ask('acme')).toBe('acme');
    expect(await ask('shop')).toBe('shop');
  });

  test.each<[string, string, object]>([
    ['a tenant that is not listed', 'evil', {}],
    ['a claim that names another tenant', 'acme', { tid: 'shop' }],
    ['no claim', 'acme', { tid: undefined }],
    ['a claim that is a list', 'acme', { tid: ['acme'] }],
    ['another host', 'acme', { iss: 'https://evil.example.com/acme/v2' }],
    ['a tenant with a path in it', 'acme/v2/..', { tid: 'acme/v2/..' }],
    ['no tenant', '', { tid: '' }],
    [
      'an issuer that is shorter than the pattern',
      'acme',
      { iss: 'https://id.example.com//v2'.slice(0, 25) },
    ],
    ['something behind the pattern', 'acme', { iss: `${issuerOf('acme')}/` }],
    ['the name of a member of every object', 'constructor', {}],
  ])('%s is a stranger', async (_, tenant, change) => {
    expect(await subject().ask(tenant, change)).toBe('token.issuer_unknown');
  });

  test('a token of a known tenant that somebody else signed does not pass', async () => {
    expect(await subject().ask('acme', {}, stranger)).toBe('token.signature_invalid');
  });

  test('a tenant that a database forgets is out after the lifetime', async () => {
    const known = new Set(['acme']);
    const { ask, wait } = subject({ tenants: async (id) => known.has(id), lifetime: '5m' });
    expect(await ask('acme')).toBe('acme');
    known.delete('acme');
    expect(await ask('acme')).toBe('acme');
    wait(300_000);
    expect(await ask('acme')).toBe('token.issuer_unknown');
    known.add('acme');
    wait(30_000);
    expect(await ask('acme')).toBe('acme');
  });

  test.each<[string, TenantIssuersOptions['tenants']]>([
    ['rejects', () => Promise.reject(new Error('s3cret'))],
    [
      'throws',
      () => {
        throw new Error('s3cret');
      },
    ],
    ['hangs', () => new Promise(() => undefined)],
  ])('a database that %s is unavailable, never a yes', async (_, tenants) => {
    expect(await subject({ tenants, timeout: '10ms' }).ask('acme')).toBe('keys.unavailable');
  });

  test('a question that its runtime has dropped keeps nobody from asking again', async () => {
    vi.useFakeTimers();
    try {
      let isLost = true;
      const tenants = () => (isLost ? new Promise<never>(() => undefined) : Promise.resolve(true));
      const { ask, wait } = subject({ tenants, timeout: '1s' });
      for (let call = 0; call < 16; call++) void ask(`tenant-${call}`);
      await vi.advanceTimersByTimeAsync(1);
      // Those calls have ended, and their timers with them.
      vi.clearAllTimers();
      isLost = false;
      wait(1_000);
      expect(await Promise.all([ask('tenant-0'), ask('acme')])).toEqual(['tenant-0', 'acme']);
    } finally {
      vi.useRealTimers();
    }
  });

  test('a database that answers anything but true says no', async () => {
    expect(await subject({ tenants: (() => 'yes') as never }).ask('acme')).toBe(
      'token.issuer_unknown',
    );
  });

  test('a flood of made-up tenants makes few key sources and pushes out no verified one', async () => {
    const made = vi.fn(() => keys);
    const options = { tenants: 'any', keys: made, capacity: 10, newPerMinute: 20 } as const;
    const { ask } = subject(options);
    expect(await ask('acme')).toBe('acme');
    const answers = await Promise.all(
      Array.from({ length: 300 }, (_, index) => ask(`made-up-${index}`, {}, stranger)),
    );
    expect(new Set(answers)).toEqual(new Set(['token.signature_invalid', 'keys.unavailable']));
    expect(made.mock.calls.length).toBeLessThanOrEqual(20);
    expect(await ask('acme')).toBe('acme');
    expect(
      made.mock.calls.filter(([issuer]: unknown[]) => issuer === issuerOf('acme')),
    ).toHaveLength(1);
  });

  test('keeps no more tenants than it has capacity, verified ones too', async () => {
    const made = vi.fn(() => keys);
    const { ask } = subject({ tenants: 'any', keys: made, capacity: 2 });
    for (const tenant of ['a', 'b', 'a', 'c', 'd', 'a']) expect(await ask(tenant)).toBe(tenant);
    expect(made.mock.calls.map(([issuer]: unknown[]) => issuer)).toEqual(
      ['a', 'b', 'c', 'd', 'a'].map(issuerOf),
    );
  });

  test('many calls of one new tenant ask once', async () => {
    const tenants = vi.fn(async () => true);
    const { ask } = subject({ tenants });
    await Promise.all(Array.from({ length: 50 }, () => ask('acme')));
    expect(tenants).toHaveBeenCalledOnce();
  });

  test('stand beside issuers that are listed', async () => {
    const policy = authenticateJwt({
      issuers: [
        { issuer: 'https://own.example.com', audience, keys },
        tenantIssuers({ pattern, audience, tenants: ['acme'], keys: () => keys, now: () => NOW }),
      ],
      now: () => NOW,
    });
    for (const iss of ['https://own.example.com', issuerOf('acme')]) {
      const token = await key.token({ payload: { iss, aud: audience } });
      const headers = { authorization: `Bearer ${token}` };
      const request = new Request('https://api.example.com/', { headers });
      expect(await policy.check(request, {})).toMatchObject({ ok: true });
    }
  });

  test.each<[string, object]>([
    ['a pattern without a place', { pattern: 'https://id.example.com/' }],
    ['a pattern with two places', { pattern: 'https://{tenant}.example.com/{tenant}' }],
    ['no word on which tenants', { tenants: undefined }],
    ['a bare number for a time', { lifetime: 300 }],
    ['an unknown option', { tenant: 'acme' }],
    ['no room', { capacity: 0 }],
  ])('cannot be constructed with %s', (_, options) => {
    expect(() => subject(options as never)).toThrow(ConfigurationError);
  });
});
