import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressRanges, embeddedIpv4, formatAddress, parseAddress } from './addresses.ts';
import { ConfigurationError } from './configuration-error.ts';

const canonical = (text: string) => {
  const bytes = parseAddress(text);
  return bytes && formatAddress(bytes);
};

describe('one address has one form', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['0.0.0.0', '0.0.0.0'],
    ['255.255.255.255', '255.255.255.255'],
    ['::', '::'],
    ['::1', '::1'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['2001:DB8::0:1', '2001:db8::1'],
    ['2001:0db8:0000:0000:0001:0000:0000:0001', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:db8::1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['1::', '1::'],
    ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['::192.0.2.1', '::c000:201'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:201', '192.0.2.1'],
    ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'],
    ['0000:0000:0000:0000:0000:ffff:192.168.100.228', '192.168.100.228'],
    ['::ffff:0:0', '0.0.0.0'],
    ['::fffe:192.0.2.1', '::fffe:c000:201'],
    ['::1:ffff:192.0.2.1', '::1:ffff:c000:201'],
    ['::ff:192.0.2.1', '::ff:c000:201'],
    ['::ff00:192.0.2.1', '::ff00:c000:201'],
  ])('%s is %s', (text, expected) => {
    expect(canonical(text)).toBe(expected);
  });
});

describe('anything else is no address', () => {
  test.each([
    ['nothing', ''],
    ['an octal part', '0177.0.0.1'],
    ['a leading zero', '192.0.2.01'],
    ['a hexadecimal part', '0x7f.0.0.1'],
    ['a short form', '127.1'],
    ['one number', '2130706433'],
    ['five parts', '1.2.3.4.5'],
    ['a part above 255', '192.0.2.256'],
    ['an empty part', '192.0..1'],
    ['a port', '192.0.2.1:80'],
    ['a leading space', ' 192.0.2.1'],
    ['a trailing newline', '192.0.2.1\n'],
    ['other digits', '１９２.0.2.1'],
    ['a zone', 'fe80::1%eth0'],
    ['brackets', '[::1]'],
    ['a prefix', '::/0'],
    ['two gaps', '1::2::3'],
    ['three colons', ':::'],
    ['a gap that stands for nothing', '1:2:3:4::5:6:7:8'],
    ['too few groups', '1:2:3:4:5:6:7'],
    ['too many groups', '1:2:3:4:5:6:7:8:9'],
    ['a leading colon', ':1:2:3:4:5:6:7'],
    ['a trailing colon', '1:2:3:4:5:6:7:'],
    ['five digits in a group', '::12345'],
    ['no hexadecimal digit', '::g'],
    ['IPv4 before the end', '::1.2.3.4:5'],
    ['IPv4 before the gap', '1.2.3.4::'],
    ['IPv4 after seven groups', '1:2:3:4:5:6:7:1.2.3.4'],
    ['bad IPv4 inside', '::ffff:192.0.2.256'],
    ['octal IPv4 inside', '::ffff:0300.0.2.1'],
    ['a name', 'localhost'],
    ['a very long text', '1:'.repeat(100_000)],
  ])('%s: %j', (_, text) => {
    expect(parseAddress(text)).toBeUndefined();
  });
});

test.each([
  ['NAT64', '64:ff9b::192.0.2.1', '192.0.2.1'],
  ['6to4', '2002:c000:201:5::1', '192.0.2.1'],
  ['another network that begins alike', '2003:c000:201::', undefined],
  ['a network that ends alike', '2102:c000:201::', undefined],
  ['a local prefix for NAT64, of the network alone', '64:ff9b:1::192.0.2.1', undefined],
  ['a network of its own', '2001:db8::192.0.2.1', undefined],
  ['IPv4 itself', '32.2.192.0', undefined],
])('the IPv4 address inside of %s (%s) is %s', (_, text, expected) => {
  const inside = embeddedIpv4(parseAddress(text) as Uint8Array);
  expect(inside && formatAddress(inside)).toBe(expected);
});

const ipv6 = fc.uint8Array({ minLength: 16, maxLength: 16 }).filter((b) => b[0] !== 0);
const sparse = fc
  .array(fc.constantFrom(0, 0, 1, 255), { minLength: 16, maxLength: 16 })
  .map((bytes) => Uint8Array.from([32, ...bytes.slice(1)]));

test('writing and reading again gives the same bytes', () => {
  const any = fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), ipv6, sparse);
  fc.assert(
    fc.property(any, (bytes) => {
      expect(parseAddress(formatAddress(bytes))).toEqual(bytes);
    }),
  );
});

test('IPv6 is written as a URL writes it', () => {
  fc.assert(
    fc.property(fc.oneof(ipv6, sparse), (bytes) => {
      const text = formatAddress(bytes);
      expect(new URL(`http://[${text}]`).hostname).toBe(`[${text}]`);
    }),
  );
});

test('reading never throws, and what it reads it reads as a URL does', () => {
  const fragments = fc.array(
    fc.constantFrom('0', '1', 'ff', 'ffff', '10000', ':', '::', '.', '1.2.3.4', '255', '%'),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fragments.map((parts) => parts.join('')),
      ),
      (text) => {
        // Other characters could end the brackets, or begin a host behind them.
        const url =
          /^[\da-f:.]*$/i.test(text) &&
          URL.canParse(`http://[${text}]/`) &&
          new URL(`http://[${text}]/`).hostname;
        const bytes = parseAddress(text);
        if (text.includes(':')) expect(bytes !== undefined).toBe(url !== false);
        if (bytes?.length === 16) expect(`[${formatAddress(bytes)}]`).toBe(url);
      },
    ),
    { numRuns: 2000 },
  );
});

describe('ranges', () => {
  const within = (ranges: string[], text: string) => addressRanges(ranges)(parseAddress(text));

  test.each([
    [['10.0.0.0/8'], '10.255.0.1', true],
    [['10.0.0.0/8'], '11.0.0.1', false],
    [['192.0.2.128/25'], '192.0.2.200', true],
    [['192.0.2.128/25'], '192.0.2.100', false],
    [['192.0.2.7'], '192.0.2.7', true],
    [['192.0.2.7'], '192.0.2.8', false],
    [['0.0.0.0/0'], '8.8.8.8', true],
    [['0.0.0.0/0'], '2001:db8::1', false],
    [['::/0'], '2001:db8::1', true],
    [['::/0'], '10.0.0.1', false],
    [['2001:db8::/32'], '2001:db8:ffff::1', true],
    [['2001:db8::/32'], '2001:db9::1', false],
    [['2001:db8:8000::/33'], '2001:db8:7fff::', false],
    [['10.0.0.0/8'], '::ffff:10.0.0.1', true],
    [['::ffff:10.0.0.0/104'], '10.1.2.3', true],
    [['::ffff:0:0/96'], '8.8.8.8', true],
    [['127.0.0.1', '10.0.0.0/8', '::1'], '::1', true],
    [['10.0.0.0/8', '10.0.0.0/16', '10.0.0.0'], '10.200.0.1', true],
    [['10.0.0.0', '10.0.0.0/16', '10.0.0.0/8', '10.9.0.0/16'], '10.200.0.1', true],
    [[], '::1', false],
  ])('%j holds %s: %s', (ranges, text, expected) => {
    expect(within(ranges, text)).toBe(expected);
  });

  test('an unknown address lies in no range', () => {
    expect(addressRanges(['0.0.0.0/0', '::/0'])(undefined)).toBe(false);
  });

  test.each([
    '10.0.0.1/8',
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0.0/+8',
    '10.0.0.0/0x8',
    '10.0.0.0/ 8',
    '10.0.0.0/8 ',
    // Less than the prefix of mapped addresses: not a part of IPv4, and not all of it.
    '::ffff:0.0.0.0/95',
    '::ffff:0.0.0.0/8',
    'x',
    '',
    '::1/-1',
  ])('%j cannot be constructed', (range) => {
    expect(() => addressRanges([range])).toThrow(ConfigurationError);
  });

  test('a list holds what one of its ranges holds', () => {
    const octet = fc.integer({ min: 0, max: 3 });
    const range = fc.tuple(octet, octet, fc.integer({ min: 6, max: 32 })).map(([a, d, prefix]) => {
      const bytes = [a, 0, 0, d].map((byte, at) => {
        return byte & (0xff00 >> Math.min(8, Math.max(0, prefix - at * 8)));
      });
      return `${bytes.join('.')}/${prefix}`;
    });
    fc.assert(
      fc.property(fc.array(range, { maxLength: 12 }), octet, octet, (ranges, a, d) => {
        const address = Uint8Array.from([a, 0, 0, d]);
        const one = ranges.some((each) => addressRanges([each])(address));
        expect(addressRanges(ranges)(address)).toBe(one);
      }),
    );
  });

  test('an address lies in the range of its own first bits and in no neighbour', () => {
    fc.assert(
      fc.property(ipv6, fc.integer({ min: 1, max: 128 }), (bytes, prefix) => {
        const first = bytes.map((byte, at) => {
          const bits = Math.min(8, Math.max(0, prefix - at * 8));
          return byte & (0xff00 >> bits);
        });
        const inside = addressRanges([`${formatAddress(first)}/${prefix}`]);
        expect(inside(bytes)).toBe(true);
        const other = Uint8Array.from(bytes);
        const at = (prefix - 1) >> 3;
        other[at] = (other[at] as number) ^ (0x80 >> ((prefix - 1) & 7));
        expect(inside(other)).toBe(false);
      }),
    );
  });
});
