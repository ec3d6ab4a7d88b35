import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigurationError } from '@apisec/core';
import { formatAddress } from '@apisec/core/host';
import * as fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { exchange, receiveHttp2, serveHttp1 } from '../test/servers.ts';
import { readForwarded, readForwardedFor } from './forwarded.ts';
import { nodePeer, type TrustProxiesOptions, trustProxies } from './peer.ts';
import type { NodeIncoming } from './request.ts';

/** A request from this address with these headers. */
const from = (remoteAddress: string | undefined, headers: Record<string, string> = {}) =>
  ({ socket: { remoteAddress }, headers }) as unknown as NodeIncoming;

const all = (elements: Iterator<Uint8Array | undefined>) =>
  [...{ [Symbol.iterator]: () => elements }].map((each) => each && formatAddress(each));

describe('without trust', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1', '192.0.2.1'],
    ['2001:db8:0:1::2', '2001:db8:0:1::2', '2001:db8:0:1::/64'],
    ['fe80::1%eth0', 'fe80::1', 'fe80::/64'],
    [undefined, undefined, undefined],
  ])('the peer at %s is %s', (remoteAddress, address, id) => {
    const headers = { 'x-forwarded-for': '6.6.6.6', forwarded: 'for=6.6.6.6' };
    expect(nodePeer(from(remoteAddress, headers))).toEqual({ address, id });
  });

  test('the peer of a connection is worked out once', () => {
    const incoming = from('192.0.2.1');
    expect(nodePeer(incoming)).toBe(nodePeer(incoming));
  });

  test('the peer over a dual-stack socket is the IPv4 address', async () => {
    let id: string | undefined;
    const base = await serveHttp1((incoming, response) => {
      id = nodePeer(incoming).id;
      response.end();
    }, '::');
    await exchange(base, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(id).toBe('127.0.0.1');
  });

  test('the peer over HTTP/2 is the address of the connection', async () => {
    const fields = [
      [':method', 'GET'],
      [':scheme', 'http'],
      [':path', '/'],
      [':authority', 'a'],
    ] as const;
    expect(await receiveHttp2(fields, (incoming) => nodePeer(incoming).id)).toBe('127.0.0.1');
  });

  test('the peer over a Unix socket is unknown', async () => {
    const path = join(tmpdir(), `apisec-${process.pid}.sock`);
    let peer: unknown;
    const server = createServer((incoming, response) => {
      peer = nodePeer(incoming);
      response.end();
    }).listen(path);
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const socket = connect(path);
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await once(socket.resume(), 'close');
    expect(peer).toEqual({ address: undefined, id: undefined });
  });
});

describe('with trusted proxies', () => {
  const ranges = ['10.0.0.0/8', '2001:db8:ffff::/48'];
  test.each<
    [
      string,
      TrustProxiesOptions['proxies'],
      string | undefined,
      string | undefined,
      string | undefined,
    ]
  >([
    [
      'the first that is not a proxy',
      ranges,
      '10.0.0.1',
      '6.6.6.6, 192.0.2.1, 10.0.0.2',
      '192.0.2.1',
    ],
    [
      'not the leftmost, which anybody writes',
      ranges,
      '10.0.0.1',
      '6.6.6.6, 192.0.2.1',
      '192.0.2.1',
    ],
    ['the connection where it is no proxy', ranges, '192.0.2.9', '6.6.6.6', '192.0.2.9'],
    ['unknown where a proxy of yours forwards nothing', ranges, '10.0.0.1', undefined, undefined],
    ['unknown where its header is empty', ranges, '10.0.0.1', '', undefined],
    ['unknown where a hop that is counted forwards nothing', 1, '10.0.0.1', undefined, undefined],
    ['the leftmost where all are proxies', ranges, '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['seen through a mapped address', ranges, '::ffff:10.0.0.1', '::ffff:192.0.2.1', '192.0.2.1'],
    ['seen through an IPv6 proxy', ranges, '2001:db8:ffff::1', '2001:DB8:0::1', '2001:db8::1'],
    ['without its port', ranges, '10.0.0.1', '192.0.2.1:4711', '192.0.2.1'],
    ['without its brackets and port', ranges, '10.0.0.1', '[2001:db8::1]:4711', '2001:db8::1'],
    ['unknown where a proxy wrote no address', ranges, '10.0.0.1', '192.0.2.1, unknown', undefined],
    ['unknown where a proxy wrote nothing', ranges, '10.0.0.1', '192.0.2.1, ', undefined],
    ['unknown where a proxy wrote octal', ranges, '10.0.0.1', '0300.0.2.1', undefined],
    ['unhurt by garbage further left', ranges, '10.0.0.1', 'x, "", ;, 192.0.2.1', '192.0.2.1'],
    ['unknown on a Unix socket, which has no range', ranges, undefined, '192.0.2.1', undefined],
    ['one hop away', 1, '10.0.0.1', '6.6.6.6, 192.0.2.1', '192.0.2.1'],
    ['two hops away', 2, '10.0.0.1', '6.6.6.6, 192.0.2.1, 10.0.0.2', '192.0.2.1'],
    ['the last there is, of too few hops', 3, '10.0.0.1', '192.0.2.1, 10.0.0.2', '192.0.2.1'],
    ['one hop behind a Unix socket', 1, undefined, '6.6.6.6, 192.0.2.1', '192.0.2.1'],
    ['unknown where the proxy wrote nonsense', 1, '10.0.0.1', '192.0.2.1, x', undefined],
    ['unknown where the nearer of two wrote nonsense', 2, '10.0.0.1', '192.0.2.1, x', undefined],
  ])('the peer is %s', (_, proxies, remoteAddress, value, expected) => {
    const trust = trustProxies({ proxies, header: 'x-forwarded-for' });
    const headers: Record<string, string> = { forwarded: 'for=7.7.7.7' };
    if (value !== undefined) headers['x-forwarded-for'] = value;
    expect(nodePeer(from(remoteAddress, headers), trust).address).toBe(expected);
  });

  test('the header that is not configured is not looked at', () => {
    const trust = trustProxies({ proxies: 1, header: 'forwarded' });
    const headers = { 'x-forwarded-for': '6.6.6.6', forwarded: 'for=192.0.2.1' };
    expect(nodePeer(from('10.0.0.1', headers), trust).address).toBe('192.0.2.1');
    const other = { 'x-forwarded-for': '6.6.6.6' };
    expect(nodePeer(from('10.0.0.1', other), trust).address).toBeUndefined();
  });

  test('a header that a host hands out as a list is read as one', () => {
    const trust = trustProxies({ proxies: 1, header: 'x-forwarded-for' });
    const headers = { 'x-forwarded-for': ['6.6.6.6', '192.0.2.1'] };
    const source = { socket: { remoteAddress: '10.0.0.1' }, headers };
    expect(nodePeer(source, trust).address).toBe('192.0.2.1');
  });

  test('headers are not read until they are needed, and then once', () => {
    let reads = 0;
    const incoming = {
      socket: { remoteAddress: '10.0.0.1' },
      get headers() {
        reads++;
        return { 'x-forwarded-for': '2001:db8::1' };
      },
    } as unknown as NodeIncoming;
    const peer = nodePeer(incoming, trustProxies({ proxies: 1, header: 'x-forwarded-for' }));
    expect(reads).toBe(0);
    expect([peer.address, peer.id]).toEqual(['2001:db8::1', '2001:db8::/64']);
    expect(JSON.stringify(peer)).toBe('{"address":"2001:db8::1","id":"2001:db8::/64"}');
    expect(reads).toBe(1);
  });

  // Covers: V4.1.3, V15.3.4
  test('what the caller writes never changes who the caller is', () => {
    const trust = trustProxies({ proxies: ['10.0.0.0/8'], header: 'x-forwarded-for' });
    const quoted = trustProxies({ proxies: ['10.0.0.0/8'], header: 'forwarded' });
    const junk = fc.oneof(
      fc.string(),
      fc
        .array(fc.constantFrom('"', ',', ';', '\\', 'for=', '1.2.3.4', '[::1]', ' '))
        .map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(junk, (own) => {
        const listed = { 'x-forwarded-for': `${own}, 192.0.2.1` };
        expect(nodePeer(from('10.0.0.1', listed), trust).id).toBe('192.0.2.1');
        const forwarded = { forwarded: `${own}, for="192.0.2.1:80";host="a,b;c";proto=https` };
        expect(nodePeer(from('10.0.0.1', forwarded), quoted).id).toBe('192.0.2.1');
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    [{ proxies: 0, header: 'forwarded' }],
    [{ proxies: -1, header: 'forwarded' }],
    [{ proxies: 1.5, header: 'forwarded' }],
    [{ proxies: Number.NaN, header: 'forwarded' }],
    [{ proxies: [], header: 'forwarded' }],
    [{ proxies: ['10.0.0.1/8'], header: 'forwarded' }],
    [{ proxies: ['proxy.internal'], header: 'forwarded' }],
    [{ proxies: 1, header: 'x-client-ip' }],
    [{ proxies: 2, header: 'x-real-ip' }],
  ])('%j cannot be constructed', (options) => {
    expect(() => trustProxies(options as TrustProxiesOptions)).toThrow(ConfigurationError);
  });
});

describe('a header with one address', () => {
  const trust = trustProxies({ proxies: ['10.0.0.0/8'], header: 'cf-connecting-ip' });
  const seen = (value: string | readonly string[] | undefined, remoteAddress = '10.0.0.1') =>
    nodePeer({ socket: { remoteAddress }, headers: { 'cf-connecting-ip': value } }, trust).address;

  test.each<[string, string | undefined, string | readonly string[] | undefined, string?]>([
    ['is the caller', '192.0.2.7', '192.0.2.7'],
    ['may be IPv6', '2001:db8::7', '2001:db8::7'],
    ['is the word of a caller who comes directly', '198.51.100.1', '192.0.2.7', '198.51.100.1'],
    ['that holds a list is nobody', undefined, '192.0.2.7, 192.0.2.8'],
    ['that was sent twice is nobody', undefined, ['192.0.2.7', '192.0.2.8']],
    ['with a port is nobody', undefined, '192.0.2.7:4711'],
    ['that holds text is nobody', undefined, 'unknown'],
    ['that is missing is nobody, and not the proxy', undefined, undefined],
  ])('%s', (_, address, value, from) => {
    expect(seen(value, from)).toBe(address);
  });
});

describe('Forwarded (RFC 7239)', () => {
  test.each([
    ['for=192.0.2.43', ['192.0.2.43']],
    ['For="[2001:db8:cafe::17]:4711"', ['2001:db8:cafe::17']],
    ['for="[2001:db8:cafe::17]"', ['2001:db8:cafe::17']],
    ['for="192.0.2.43:47011"', ['192.0.2.43']],
    ['for=192.0.2.60;proto=http;by=203.0.113.43', ['192.0.2.60']],
    ['by=203.0.113.43;FOR=192.0.2.60', ['192.0.2.60']],
    ['for=192.0.2.43, for=198.51.100.17', ['198.51.100.17', '192.0.2.43']],
    ['for=192.0.2.43,for="[2001:db8::1]",for=unknown', [undefined, '2001:db8::1', '192.0.2.43']],
    ['for=_hidden, for=_SEVKISEK', [undefined, undefined]],
    ['for="_gazonk"', [undefined]],
    ['for=192.0.2.1;host="a\\"b,c;d"', ['192.0.2.1']],
    ['for=2001:db8::1', [undefined]],
    ['for=[2001:db8::1]', [undefined]],
    ['for="2001:db8::1"', [undefined]],
    ['for=192.0.2.1:80', [undefined]],
    ['for="192.0.2.1', [undefined]],
    ['for="[192.0.2.1]"', [undefined]],
    ['for="[::ffff:192.0.2.1]"', ['192.0.2.1']],
    ['for="[fe80::1%25eth0]"', [undefined]],
    ['for=192.0.2.1;for=198.51.100.1', [undefined]],
    ['for = 192.0.2.1', [undefined]],
    ['proto=https', [undefined]],
    ['', [undefined]],
  ])('%s', (value, addresses) => {
    expect(all(readForwarded(value))).toEqual(addresses);
  });
});

test('reading takes time in proportion to what is read', () => {
  const long = 100_000;
  for (const part of ['"', '\\', '\\"', ',', 'for=', '1:', '"\\\\"']) {
    expect(all(readForwarded(part.repeat(long))).length).toBeGreaterThan(0);
    expect(all(readForwardedFor(part.repeat(long))).length).toBeGreaterThan(0);
  }
});
