import { describe, expect, test } from 'vitest';
import { allowAnonymous } from '../authorization/allow-anonymous.ts';
import type { CallFacts, Transport } from '../engine/facts.ts';
import { guard } from '../engine/guard.ts';
import { protect } from '../host/protect.ts';
import { allowedContentTypes } from './allowed-content-types.ts';
import { allowedHosts } from './allowed-hosts.ts';
import { requireHttps } from './require-https.ts';

const call: CallFacts = {
  call: { protocol: 'http', operation: 'GET /' },
  peer: { address: undefined, id: undefined },
};

function request(headers: Record<string, string>, init: RequestInit = {}): Request {
  return new Request('http://internal/orders?page=2', { headers, ...init });
}

function codeOf(outcome: { ok: boolean; denial?: { code: string } }): string {
  return outcome.denial?.code ?? 'passes';
}

describe('allowedContentTypes', () => {
  const post = (type: string | undefined, policy = allowedContentTypes()): string => {
    const sent = request({}, { method: 'POST', body: '{}' });
    sent.headers.delete('content-type');
    if (type !== undefined) sent.headers.set('content-type', type);
    return codeOf(policy.check(sent, {}));
  };

  test.each([
    ['application/json', 'passes'],
    ['application/json; charset=UTF-8', 'passes'],
    [undefined, 'content_type.missing'],
    // Covers: V3.5.2
    ['text/plain', 'content_type.not_allowed'],
    ['application/xml', 'content_type.not_allowed'],
    ['application/vnd.api+json', 'content_type.not_allowed'],
    ['application/jsonx', 'content_type.not_allowed'],
    ['application/json, text/plain', 'content_type.malformed'],
    ['application/json\ta', 'content_type.malformed'],
    ['application/json; charset=utf-7', 'content_type.charset_not_allowed'],
    ['application/json; charset=ibm037', 'content_type.charset_not_allowed'],
  ])('a body of type %s: %s', (type, code) => {
    expect(post(type)).toBe(code);
  });

  test.each([
    ['application/*+json', 'application/vnd.api+json', 'passes'],
    ['application/*+json', 'application/json', 'content_type.not_allowed'],
    ['image/*', 'image/png', 'passes'],
    ['image/*', 'image/svg+xml', 'content_type.not_allowed'],
    ['image/*', 'audio/mpeg', 'content_type.not_allowed'],
    ['image/svg+xml', 'image/svg+xml', 'passes'],
    ['text/*', 'text/xml', 'content_type.not_allowed'],
    ['multipart/form-data', 'multipart/form-data; boundary=x', 'passes'],
  ])('the list [%s] and a body of type %s: %s', (allowed, type, code) => {
    expect(post(type, allowedContentTypes({ types: [allowed] }))).toBe(code);
  });

  test('a call without a body needs no type, and one whose host says there is a body does', () => {
    const view = { method: 'GET', url: '/', headers: new Headers() };
    const policy = allowedContentTypes();
    expect(codeOf(policy.check(new Request('http://x/', { method: 'DELETE' }), {}))).toBe('passes');
    expect(codeOf(policy.check({ ...view, hasBody: false }, {}))).toBe('passes');
    expect(codeOf(policy.check({ ...view, hasBody: true }, {}))).toBe('content_type.missing');
    // Nobody knows, so there may be one.
    expect(codeOf(policy.check(view, {}))).toBe('content_type.missing');
  });

  test.each([
    [undefined, { expected: ['image/*', 'text/csv'] }],
    ['text/csv; charset=latin1', { expected: ['utf-8'], given: 'latin1' }],
    ['text/html; x=tell-nobody', { expected: ['image/*', 'text/csv'], given: 'text/html' }],
    [',', { expected: ['image/*', 'text/csv'] }],
  ])('names to operators what was expected and what came: %s', (type, cause) => {
    const sent = request({}, { method: 'POST', body: '{}' });
    sent.headers.delete('content-type');
    if (type !== undefined) sent.headers.set('content-type', type);
    const outcome = allowedContentTypes({ types: ['image/*', 'text/csv'] }).check(sent, {});
    expect(outcome.ok ? 'passed' : outcome.denial.cause).toEqual(cause);
  });

  test('one of several wildcards is enough', () => {
    const policy = allowedContentTypes({ types: ['application/*+json', 'image/*', 'text/plain'] });
    expect(post('image/png', policy)).toBe('passes');
    expect(post('application/vnd.api+json', policy)).toBe('passes');
    expect(post('text/plain', policy)).toBe('passes');
    expect(post('text/csv', policy)).toBe('content_type.not_allowed');
  });

  test.each([
    ['', 'Name the media type of the body in Content-Type.'],
    ['json', 'Content-Type is not one well-formed media type.'],
    ['text/plain', 'Bodies of this media type are not taken here.'],
    ['application/json; charset=x', 'Send the body in utf-8 or us-ascii.'],
  ])('tells the caller what to send in place of "%s"', (type, detail) => {
    const policy = allowedContentTypes({ charsets: ['utf-8', 'us-ascii'] });
    const view = { method: 'POST', url: '/', headers: new Headers({ 'content-type': type }) };
    expect(policy.check(view, {})).toMatchObject({ denial: { kind: 'unsupported', detail } });
  });

  test('tells which types are taken', () => {
    const outcome = allowedContentTypes({ types: ['application/json', 'image/*'] }).check(
      request({ 'content-type': 'text/plain' }, { method: 'POST', body: 'x' }),
      {},
    );
    expect(outcome.obligations).toEqual({
      headers: [{ op: 'set', name: 'accept', value: 'application/json, image/*' }],
    });
  });

  test.each([
    [{ types: [] }],
    [{ types: ['*/*'] }],
    [{ types: ['json'] }],
    [{ types: ['Application/json'] }],
    [{ types: ['application/json; charset=utf-8'] }],
    [{ types: [7] }],
    [{ types: ['application/json', null] }],
    [{ charsets: ['UTF-8'] }],
    [{ charsets: ['utf-8', 'UTF-16'] }],
    [{ charsets: ['utf-8', 7] }],
    [{ charsets: ['utf-8 '] }],
    [{ charsets: [] }],
    [{ type: ['application/json'] }],
  ])('cannot be constructed with %j', (options) => {
    expect(() => allowedContentTypes(options as never)).toThrow(/^allowedContentTypes/);
  });
});

describe('allowedHosts', () => {
  const policy = () =>
    allowedHosts({
      hosts: ['api.example.com', 'localhost:3000', '*.shops.example.com', '[::1]:3000', 'a:65535'],
    });
  const ask = (host: string, transport?: Transport): string =>
    codeOf(policy().check(request({ host }), { ...call, transport }));

  test.each([
    ['api.example.com', 'passes'],
    ['API.Example.com', 'passes'],
    ['api.example.com:443', 'passes'],
    ['api.example.com:80', 'passes'],
    ['api.example.com:8443', 'host.not_allowed'],
    ['a:65535', 'passes'],
    ['a:65536', 'host.malformed'],
    ['[api.example.com]', 'host.malformed'],
    ['[1.2.3.4]', 'host.malformed'],
    ['localhost:3000', 'passes'],
    ['localhost', 'host.not_allowed'],
    ['one.shops.example.com', 'passes'],
    ['a.one.shops.example.com', 'host.not_allowed'],
    ['shops.example.com', 'host.not_allowed'],
    ['xshops.example.com', 'host.not_allowed'],
    ['[0:0::1]:3000', 'passes'],
    ['[::ffff:127.0.0.1]:3000', 'host.malformed'],
    ['evil.example', 'host.not_allowed'],
    ['api.example.com.evil.example', 'host.not_allowed'],
    ['api.example.com.', 'host.malformed'],
    ['api.example.com, evil.example', 'host.malformed'],
    ['evil.example@api.example.com', 'host.malformed'],
    ['api.example.com/evil', 'host.malformed'],
    ['api.example.com:', 'host.malformed'],
    ['api.example.com:0443', 'host.malformed'],
    ['api.example.com:99999', 'host.malformed'],
    ['.shops.example.com', 'host.malformed'],
    ['__proto__', 'host.not_allowed'],
    ['a'.repeat(5_000), 'host.malformed'],
  ])('the host %s: %s', (host, code) => {
    expect(ask(host)).toBe(code);
  });

  test('a wildcard is one label more, also below a name of one label', () => {
    const local = allowedHosts({ hosts: ['*.localhost', '*.test:3000'] });
    const names = ['a.localhost', 'localhost', 'b.test:3000', 'test:3000', 'a.b.localhost'];
    expect(names.map((host) => codeOf(local.check(request({ host }), call)))).toEqual([
      'passes',
      'host.not_allowed',
      'passes',
      'host.not_allowed',
      'host.not_allowed',
    ]);
  });

  test.each([
    ['', 'malformed', 'host.missing'],
    ['a, b', 'malformed', 'host.malformed'],
    ['evil.example', 'forbidden', 'host.not_allowed'],
  ])('a call for the host %j is %s: %s', (forwardedHost, kind, code) => {
    const transport = { encrypted: true, forwardedHost };
    expect(policy().check(request({ host: 'a' }), { ...call, transport })).toMatchObject({
      denial: { kind, code },
    });
  });

  test('adds the host in its one spelling', () => {
    const tell = (host: string) => policy().check(request({ host }), call);
    expect(tell('ONE.shops.example.com:443')).toEqual({
      ok: true,
      facts: { host: 'one.shops.example.com' },
    });
    expect(tell('Localhost:3000')).toEqual({ ok: true, facts: { host: 'localhost:3000' } });
    expect(policy()).toMatchObject({ needs: [], adds: ['host'] });
  });

  test('tells operators which hosts are allowed', () => {
    const { hosts } = { hosts: ['api.example.com'] };
    expect(allowedHosts({ hosts }).check(request({ host: 'evil.example' }), call)).toMatchObject({
      denial: {
        kind: 'forbidden',
        detail: 'This API does not answer for that host.',
        cause: { allowed: ['api.example.com'] },
      },
    });
  });

  test('believes what trusted proxies wrote, and only that', () => {
    const forwarded = { encrypted: true, forwardedHost: 'api.example.com' };
    expect(ask('internal:8080', forwarded)).toBe('passes');
    expect(ask('api.example.com', { ...forwarded, forwardedHost: '' })).toBe('host.missing');
    const spoofed = request({ host: 'evil.example', 'x-forwarded-host': 'api.example.com' });
    expect(codeOf(policy().check(spoofed, call))).toBe('host.not_allowed');
  });

  test('without Host the URL of a web request says it, and where neither does the call is denied', () => {
    const here = allowedHosts({ hosts: ['internal'] });
    expect(codeOf(here.check(request({}), call))).toBe('passes');
    const view = { method: 'GET', url: '/', headers: new Headers() };
    expect(codeOf(here.check(view, call))).toBe('host.missing');
    expect(codeOf(here.check({ ...view, url: '/?u=http://internal/' }, call))).toBe('host.missing');
  });

  test.each([
    [{ hosts: [] }],
    [{ hosts: ['https://api.example.com'] }],
    [{ hosts: ['*'] }],
    [{ hosts: ['a.*.example.com'] }],
    [{ hosts: ['api.example.com/'] }],
    [{ hosts: [7] }],
    [{ hosts: [null] }],
    [{}],
  ])('cannot be constructed with %j', (options) => {
    expect(() => allowedHosts(options as never)).toThrow(/^allowedHosts.*'api\.example\.com'/);
  });
});

describe('requireHttps', () => {
  const plain = { ...call, transport: { encrypted: false } };
  const redirecting = () => requireHttps({ redirectTo: 'https://api.example.com' });

  test.each([
    ['over TLS', { encrypted: true }, 'passes'],
    // Covers: API8:2023, V4.1.2
    ['in clear', { encrypted: false }, 'https.required'],
    ['of which nobody knows', { encrypted: undefined }, 'https.unknown'],
    ['of which the host says nothing', undefined, 'https.unknown'],
  ])('a call %s: %s', (_, transport, code) => {
    const sent = request({ 'x-forwarded-proto': 'https', forwarded: 'proto=https' });
    const outcome = requireHttps().check(sent, { ...call, transport });
    expect(codeOf(outcome)).toBe(code);
    expect(outcome).not.toHaveProperty('denial.answer');
  });

  test('onFault is told what to write where nobody knows how a call came', async () => {
    const faults: unknown[] = [];
    const serve = protect(guard().use(requireHttps()).use(allowAnonymous()), () => new Response(), {
      transport: () => undefined,
      onFault: (cause) => void faults.push(cause),
    });
    expect((await serve(request({}))).status).toBe(500);
    expect(faults).toMatchObject([{ cause: { message: expect.stringContaining('proto: true') } }]);
  });

  test('says that it needs to know how a call came', () => {
    expect(requireHttps()).toMatchObject({ needs: ['transport'], adds: [] });
  });

  test.each([
    ['GET', {}, 'https://api.example.com/orders?page=2'],
    ['HEAD', {}, 'https://api.example.com/orders?page=2'],
    ['POST', {}, undefined],
    ['DELETE', {}, undefined],
    ['GET', { authorization: 'Bearer x' }, undefined],
    ['GET', { 'x-api-key': 'x' }, undefined],
    ['GET', { upgrade: 'websocket' }, undefined],
  ])('sends %s with %j to %s', (method, headers, location) => {
    const outcome = redirecting().check(request(headers, { method }), plain);
    expect(outcome).toMatchObject({
      ok: false,
      denial: { kind: 'forbidden', code: 'https.required' },
    });
    const { answer } = (outcome as { denial: { answer?: object } }).denial;
    expect(answer).toEqual(location && { status: 308, location });
  });

  test('the redirect leads to the origin that was configured, whatever the path and Host say', () => {
    const view = { method: 'GET', url: '//evil.example/a', headers: new Headers({ host: 'evil' }) };
    expect(redirecting().check(view, plain)).toMatchObject({
      denial: { answer: { location: 'https://api.example.com//evil.example/a' } },
    });
    const split = { ...view, url: '/a\r\nset-cookie: x' };
    expect(redirecting().check(split, plain)).not.toHaveProperty('denial.answer');
  });

  test.each([
    ['http://api.example.com'],
    ['https://api.example.com/v1'],
    ['https://api..example.com'],
    ['https://api.example.com;'],
    [''],
    [7],
  ])('cannot be constructed with redirectTo: %j', (redirectTo) => {
    expect(() => requireHttps({ redirectTo } as never)).toThrow(/https origin/);
  });
});
