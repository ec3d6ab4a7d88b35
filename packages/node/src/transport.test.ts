import { describe, expect, test } from 'vitest';
import { trustProxies } from './peer.ts';
import { nodeRequest } from './request.ts';
import { nodeTransport } from './transport.ts';

const proxy = '10.0.0.1';
const from = (headers: Record<string, string>, remoteAddress = proxy, encrypted = false) => ({
  socket: { remoteAddress, encrypted },
  headers,
});

describe('how a call came', () => {
  test.each([
    [true, true],
    [false, false],
  ])('is what the connection says, TLS or not: %s', (encrypted, expected) => {
    const incoming = from({ 'x-forwarded-proto': 'https' }, proxy, encrypted);
    expect(nodeTransport(incoming).encrypted).toBe(expected);
  });

  const trust = trustProxies({
    proxies: ['10.0.0.0/8'],
    header: 'x-forwarded-for',
    proto: true,
    host: true,
  });
  test.each([
    ['https', true],
    ['HTTPS', true],
    ['http', false],
    ['https, http', false],
    ['https, https', true],
    ['wss', undefined],
    ['', undefined],
  ])('behind a proxy that writes X-Forwarded-Proto: %s it is %s', (value, expected) => {
    const incoming = from(value === '' ? {} : { 'x-forwarded-proto': value });
    expect(nodeTransport(incoming, trust).encrypted).toBe(expected);
  });

  test('behind a proxy that names the caller in one address the scheme and host are X-Forwarded-*', () => {
    const edge = trustProxies({
      proxies: ['10.0.0.0/8'],
      header: 'cf-connecting-ip',
      proto: true,
      host: true,
    });
    const spoken = (headers: Record<string, string>, address?: string) =>
      JSON.parse(JSON.stringify(nodeTransport(from(headers, address), edge)));
    const written = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'api.example.com' };
    expect(spoken(written)).toEqual({ encrypted: true, forwardedHost: 'api.example.com' });
    expect(spoken({ ...written, 'x-forwarded-proto': 'http' })).toMatchObject({ encrypted: false });
    expect(spoken({ ...written, 'x-forwarded-host': 'evil, api.example.com' })).toMatchObject({
      forwardedHost: 'evil, api.example.com',
    });
    // Neither the syntax of another header nor anybody else is believed.
    const other = { 'x-forwarded-proto': 'proto=https', 'x-forwarded-host': 'host=a' };
    expect(spoken(other)).toEqual({ forwardedHost: 'host=a' });
    expect(spoken(written, '192.0.2.1')).toEqual({ encrypted: false });
  });

  const chain = trustProxies({
    proxies: ['10.0.0.0/8'],
    header: 'forwarded',
    proto: true,
    host: true,
  });
  test.each([
    ['for=192.0.2.1;proto=https;host=api.example.com', true, 'api.example.com'],
    ['for=192.0.2.1;Proto="https"', true, ''],
    ['for=192.0.2.1;proto=http', false, ''],
    ['proto=https;host=evil, for=192.0.2.1;proto=http;host=a', false, 'a'],
    ['for=192.0.2.1;proto=https;host=a, for=10.0.0.2;proto=https;host=b', true, 'a'],
    ['for=192.0.2.1;proto=http, for=10.0.0.2;proto=https', false, ''],
    ['for=192.0.2.1;proto=https;proto=http', undefined, ''],
    ['for=192.0.2.1', undefined, ''],
  ])('behind proxies that write Forwarded: %s', (forwarded, encrypted, forwardedHost) => {
    expect(JSON.parse(JSON.stringify(nodeTransport(from({ forwarded }), chain)))).toEqual({
      ...(encrypted !== undefined && { encrypted }),
      forwardedHost,
    });
  });

  test('a stranger who writes the headers of proxies is not believed', () => {
    const spoofed = from({ 'x-forwarded-proto': 'https', 'x-forwarded-host': 'a' }, '192.0.2.1');
    expect(nodeTransport(spoofed, trust).encrypted).toBe(false);
    expect(nodeTransport(spoofed, trust).forwardedHost).toBeUndefined();
  });

  test('the scheme is unknown behind a proxy that is not configured to write it', () => {
    const quiet = trustProxies({ proxies: 1, header: 'x-forwarded-for' });
    const incoming = from({ 'x-forwarded-proto': 'https', 'x-forwarded-host': 'a' });
    expect(nodeTransport(incoming, quiet)).toMatchObject({
      encrypted: undefined,
      forwardedHost: undefined,
    });
  });

  test('several hosts of proxies are not one', () => {
    const incoming = from({ 'x-forwarded-host': 'evil, api.example.com' });
    expect(nodeTransport(incoming, trust).forwardedHost).toBe('evil, api.example.com');
  });
});

test.each([
  ['http://a.example/x', 'a.example', 'a.example'],
  ['http://a.example/x', 'b.example', 'a.example, b.example'],
  ['/x', 'b.example', 'b.example'],
])('of a target %s and Host: %s the host is %s', (url, host, expected) => {
  const incoming = { method: 'GET', url, headers: { host }, rawHeaders: ['Host', host] };
  expect(nodeRequest(incoming as never).headers.get('host')).toBe(expected);
});
