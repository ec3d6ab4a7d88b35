import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allowAnonymous } from '../authorization/allow-anonymous.ts';
import type { CallFacts } from '../engine/facts.ts';
import { guard } from '../engine/guard.ts';
import { peerOf, UNKNOWN_PEER } from '../host/peer.ts';
import { formatAddress } from '../lib/addresses.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { type DenyPeersPolicy, denyPeers } from './deny-peers.ts';

const request = new Request('https://api.example.com/orders');
const ask = (policy: DenyPeersPolicy, address: string) =>
  policy.check(request, { peer: { address, id: address } });
const codeOf = (policy: DenyPeersPolicy, address: string) => {
  const outcome = ask(policy, address);
  return outcome.ok ? undefined : outcome.denial.code;
};

describe('denies who is listed, and nobody else', () => {
  const policy = denyPeers({
    ranges: [
      '192.0.2.0/24',
      '198.51.100.7',
      '2001:db8::/32',
      '2001:db9::1',
      '::ffff:203.0.113.0/120',
    ],
  });
  test.each([
    ['the first address of a range', '192.0.2.0', '192.0.1.255'],
    ['the last address of a range', '192.0.2.255', '192.0.3.0'],
    ['a single address', '198.51.100.7', '198.51.100.8'],
    ['an IPv6 range', '2001:db8:ffff::1', '2001:db7:ffff::1'],
    ['an IPv6 address in another spelling', '2001:0DB9:0:0::0001', '2001:db9::2'],
    ['an IPv4 address in its mapped form', '::ffff:192.0.2.1', '::ffff:192.0.3.1'],
    ['a mapped address in hexadecimal', '::ffff:c000:201', '::ffff:c000:301'],
    ['a range that was listed in mapped form', '203.0.113.9', '203.0.114.9'],
    ['an IPv4 address behind NAT64', '64:ff9b::192.0.2.1', '64:ff9b::192.0.3.1'],
    ['an IPv4 address by 6to4', '2002:c000:201:5::1', '2002:c000:301:5::1'],
  ])('%s', (_, listed, honest) => {
    expect(codeOf(policy, listed)).toBe('peer.denied');
    expect(codeOf(policy, honest)).toBeUndefined();
  });

  test('a mapped address is no IPv6 address: a list of all IPv6 does not hold it', () => {
    const ipv6 = denyPeers({ ranges: ['::/0'] });
    expect(codeOf(ipv6, '2001:db8::1')).toBe('peer.denied');
    expect(codeOf(ipv6, '::ffff:192.0.2.1')).toBeUndefined();
  });

  test('an address that embeds another is listed as itself as well', () => {
    const relays = denyPeers({ ranges: ['64:ff9b::/96', '2002::/16'] });
    expect(codeOf(relays, '64:ff9b::192.0.2.1')).toBe('peer.denied');
    expect(codeOf(relays, '2002:c000:201::1')).toBe('peer.denied');
    expect(codeOf(relays, '192.0.2.1')).toBeUndefined();
  });

  test('an empty list denies nobody', () => {
    expect(codeOf(denyPeers({ ranges: [] }), '192.0.2.1')).toBeUndefined();
  });
});

describe('a caller without an address', () => {
  test.each([undefined, '', 'localhost', '192.0.2.1:80', '0300.0.2.1', 'fe80::1%eth0'])(
    'is denied unless it may pass (%s)',
    (address) => {
      const facts = { peer: { address, id: undefined } };
      const closed = denyPeers({ ranges: [] }).check(request, facts);
      expect(closed).toMatchObject({ ok: false, denial: { code: 'peer.unknown' } });
      const open = denyPeers({ ranges: ['0.0.0.0/0', '::/0'], unknown: 'pass' });
      expect(open.check(request, facts)).toEqual({ ok: true });
    },
  );
});

test('operators learn which list denied a caller, or why there is no address', () => {
  const policy = denyPeers({ ranges: ['192.0.2.0/24'] });
  expect(ask(policy, '192.0.2.1')).toMatchObject({ denial: { cause: { by: 'ranges' } } });
  expect(policy.check(request, { peer: UNKNOWN_PEER })).toMatchObject({
    denial: { code: 'peer.unknown', cause: expect.stringContaining('trustProxies') },
  });
});

describe('a list that is replaced', () => {
  test('is in force at once, in guards that were made before', () => {
    const policy = denyPeers({ ranges: ['192.0.2.1'] });
    const open = guard<CallFacts>().use(policy).use(allowAnonymous());
    const allowed = (address: string) =>
      open.check(request, {
        call: { protocol: 'http', operation: 'GET /' },
        peer: peerOf(address),
      });
    expect(allowed('192.0.2.1')).toMatchObject({ allowed: false });
    policy.replace(['192.0.2.2']);
    expect(allowed('192.0.2.1')).toMatchObject({ allowed: true });
    expect(allowed('192.0.2.2')).toMatchObject({ allowed: false });
  });

  test('stays as it was where the new one cannot be read', () => {
    const policy = denyPeers({ ranges: ['192.0.2.1'] });
    for (const bad of [['192.0.2.2', '192.0.2.0/33'], 'not a list', [7], ['10.0.0.1/8']]) {
      expect(() => policy.replace(bad as string[])).toThrow(ConfigurationError);
      expect(codeOf(policy, '192.0.2.1')).toBe('peer.denied');
      expect(codeOf(policy, '192.0.2.2')).toBeUndefined();
    }
  });

  test('does not change with the array that it came from', () => {
    const ranges = ['192.0.2.1'];
    const policy = denyPeers({ ranges });
    ranges.pop();
    expect(codeOf(policy, '192.0.2.1')).toBe('peer.denied');
  });
});

test('a hundred thousand ranges answer as a look at each of them would', () => {
  const listed = Array.from({ length: 100_000 }, (_, n) =>
    formatAddress(new Uint8Array([10 + (n >> 16), (n >> 8) & 255, n & 255, (n * 7) & 255])),
  );
  const policy = denyPeers({ ranges: listed });
  const all = new Set(listed);
  const bytes = fc.tuple(
    fc.integer({ min: 10, max: 12 }),
    fc.nat({ max: 255 }),
    fc.nat({ max: 255 }),
    fc.nat({ max: 255 }),
  );
  fc.assert(
    fc.property(
      fc.oneof(
        bytes.map((four) => four.join('.')),
        fc.constantFrom(...listed),
      ),
      (address) => {
        expect(codeOf(policy, address)).toBe(all.has(address) ? 'peer.denied' : undefined);
      },
    ),
  );
});

test.each([
  [{ ranges: ['192.0.2.1'], unknown: 'maybe' as never }],
  [{ ranges: ['192.0.2'] }],
  [{ ranges: undefined as never }],
])('%j cannot be constructed', (options) => {
  expect(() => denyPeers(options)).toThrow(ConfigurationError);
});

test('an unknown peer of the host is one without an address', () => {
  const outcome = denyPeers({ ranges: [] }).check(request, { peer: UNKNOWN_PEER });
  expect(outcome).toMatchObject({ ok: false, denial: { kind: 'forbidden', code: 'peer.unknown' } });
});
