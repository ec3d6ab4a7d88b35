import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VECTORS } from '../../test/vectors.ts';
import { type Address, formatAddress, parseAddress } from '../lib/addresses.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { classifyAddress } from './classify-address.ts';

const kindOf = (address: string) => classifyAddress(address).kind;

describe('addresses of the internet are public', () => {
  test.each([
    '8.8.8.8',
    '1.1.1.1',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.0.0.9',
    '192.31.196.1',
    '192.52.193.1',
    '192.175.48.1',
    '198.17.255.255',
    '198.20.0.0',
    '223.255.255.255',
    '2606:4700::1111',
    '2001:4860:4860::8888',
    '2001:200::1',
    '2001:1::1',
    '2001:4:112::1',
    '2620:4f:8000::1',
    '3ffe:ffff:ffff::1',
    '::ffff:8.8.8.8',
    '64:ff9b::8.8.8.8',
    '2606:4700::5efe:808:808',
  ])('%s', (address) => {
    expect(classifyAddress(address)).toMatchObject({ isPublic: true, kind: 'public' });
  });
});

describe('all others say what they are', () => {
  test.each([
    ['0.0.0.0', 'unspecified'],
    ['0.1.2.3', 'reserved'],
    ['10.0.0.1', 'private'],
    ['100.64.0.1', 'shared'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['169.254.1.1', 'link-local'],
    ['172.16.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['192.0.0.1', 'reserved'],
    ['192.0.0.170', 'reserved'],
    ['192.0.2.1', 'documentation'],
    ['192.88.99.1', 'transition'],
    ['192.168.1.1', 'private'],
    ['198.18.0.1', 'benchmarking'],
    ['198.19.255.255', 'benchmarking'],
    ['198.51.100.1', 'documentation'],
    ['203.0.113.1', 'documentation'],
    ['224.0.0.1', 'multicast'],
    ['239.255.255.255', 'multicast'],
    ['240.0.0.1', 'reserved'],
    ['255.255.255.255', 'broadcast'],
    ['::', 'unspecified'],
    ['::1', 'loopback'],
    ['100::1', 'reserved'],
    ['100:0:0:1::1', 'reserved'],
    ['2001:0:4136:e378:8000:63bf:f7f7:f7f7', 'transition'],
    ['2001:2::1', 'benchmarking'],
    ['2001:5::1', 'reserved'],
    ['2001:10::1', 'reserved'],
    ['2001:db8::1', 'documentation'],
    ['3fff::1', 'documentation'],
    ['5f00::1', 'reserved'],
    ['fc00::1', 'private'],
    ['fdff::1', 'private'],
    ['fe80::1', 'link-local'],
    ['fec0::1', 'site-local'],
    ['ff02::1', 'multicast'],
    ['4000::1', 'reserved'],
    ['1::1', 'reserved'],
  ])('%s is %s', (address, kind) => {
    expect(classifyAddress(address)).toMatchObject({ isPublic: false, kind });
  });
});

describe('an IPv6 address is never better than the IPv4 one inside of it', () => {
  const hex = (address: string) => {
    const [a = 0, b = 0, c = 0, d = 0] = parseAddress(address) ?? [];
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  };
  const inverted = (address: string) =>
    hex([...(parseAddress(address) ?? [])].map((byte) => byte ^ 255).join('.'));

  test.each([
    ['mapped', (v4: string) => `::ffff:${hex(v4)}`, true],
    ['IPv4-compatible', (v4: string) => `::${hex(v4)}`, false],
    ['IPv4-translated', (v4: string) => `::ffff:0:${hex(v4)}`, false],
    ['NAT64', (v4: string) => `64:ff9b::${hex(v4)}`, true],
    ['local NAT64', (v4: string) => `64:ff9b:1::${hex(v4)}`, false],
    ['6to4', (v4: string) => `2002:${hex(v4)}::1`, false],
    ['Teredo', (v4: string) => `2001:0:4136:e378:8000:63bf:${inverted(v4)}`, false],
    ['ISATAP', (v4: string) => `2606:4700::5efe:${hex(v4)}`, true],
    ['global ISATAP', (v4: string) => `2606:4700::200:5efe:${hex(v4)}`, true],
  ])('%s', (_name, write, mayBePublic) => {
    for (const [v4, kind] of [
      ['127.0.0.1', 'loopback'],
      ['10.1.2.3', 'private'],
      ['169.254.169.254', 'metadata'],
      ['168.63.129.16', 'metadata'],
      ['192.168.0.1', 'private'],
      ['224.0.0.1', 'multicast'],
    ] as const) {
      expect(classifyAddress(write(v4)), write(v4)).toMatchObject({ isPublic: false, kind });
    }
    const open = classifyAddress(write('8.8.8.8'));
    expect(open).toMatchObject(
      mayBePublic ? { isPublic: true, kind: 'public' } : { isPublic: false, kind: 'transition' },
    );
  });

  test('an ISATAP address of a prefix that is not public is not public', () => {
    expect(kindOf('fe80::5efe:808:808')).toBe('link-local');
    expect(kindOf('fd00::200:5efe:808:808')).toBe('private');
  });

  test('a network-specific NAT64 prefix is unwrapped where it is named', () => {
    // The table of RFC 6052 §2.4, all for 192.0.2.33 and with a loopback twin.
    for (const [prefix, address, twin] of [
      ['2a00:1:2:3:4:5::/96', '2a00:1:2:3:4:5:7f00:1', '2a00:1:2:3:4:5:808:808'],
      ['2a00:1:2:3::/64', '2a00:1:2:3:7f:0:100:0', '2a00:1:2:3:8:808:800:0'],
      ['2a00:1:2::/56', '2a00:1:2:7f:0:1::', '2a00:1:2:8:8:808::'],
      ['2a00:1:2::/48', '2a00:1:2:7f00:0:100::', '2a00:1:2:808:8:800::'],
      ['2a00:1::/40', '2a00:1:7f:0:1::', '2a00:1:8:808:8::'],
      ['2a00:1::/32', '2a00:1:7f00:1::', '2a00:1:808:808::'],
    ] as const) {
      const options = { nat64Prefixes: [prefix] };
      expect(classifyAddress(address, options).kind, prefix).toBe('loopback');
      expect(classifyAddress(twin, options).isPublic, prefix).toBe(true);
      expect(classifyAddress(address).isPublic).toBe(true);
    }
  });

  test.each(['2a00::/97', '2a00::1/96', '2a00::', '10.0.0.0/8', 'x', 7, '2a00::/96/96'])(
    'cannot be constructed with the NAT64 prefix %j',
    (prefix) => {
      const options = { nat64Prefixes: [prefix as string] };
      expect(() => classifyAddress('::1', options)).toThrow(ConfigurationError);
    },
  );
});

describe('metadata services of clouds', () => {
  test.each([
    ['AWS, Azure, Google and others', '169.254.169.254'],
    ['AWS over IPv6', 'fd00:ec2::254'],
    ['AWS ECS', '169.254.170.2'],
    ['AWS EKS', '169.254.170.23'],
    ['Azure WireServer', '168.63.129.16'],
    ['Google over IPv6', 'fd20:ce::254'],
    ['Google Kubernetes Engine', '169.254.169.252'],
    ['Alibaba', '100.100.100.200'],
    ['Oracle Classic', '192.0.0.192'],
    ['Scaleway', 'fd00:42::42'],
    ['mapped', '::ffff:a9fe:a9fe'],
    ['through NAT64', '64:ff9b::169.254.169.254'],
  ])('%s: %s', (_cloud, address) => {
    expect(classifyAddress(address)).toMatchObject({ isPublic: false, kind: 'metadata' });
  });
});

describe('what is not an address is not public', () => {
  test.each([
    '',
    'localhost',
    '127.1',
    '0x7f.0.0.1',
    '0177.0.0.1',
    '2130706433',
    '8.8.8.8:80',
    ' 8.8.8.8',
    '8.8.8.8\0',
    '[::1]',
    'fe80::1%eth0',
    '１.1.1.1',
  ])('%j', (text) => {
    expect(classifyAddress(text)).toMatchObject({ isPublic: false, kind: 'invalid' });
  });

  test('a text of any length, at once', () => {
    expect(classifyAddress('1:'.repeat(100_000)).kind).toBe('invalid');
  });

  test('bytes of another length, and mapped bytes that were not folded', () => {
    expect(classifyAddress(new Uint8Array(5)).kind).toBe('invalid');
    const mapped = Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 0, 0, 1]);
    expect(classifyAddress(mapped).kind).toBe('loopback');
    expect(classifyAddress(Uint8Array.from([8, 8, 8, 8])).isPublic).toBe(true);
  });
});

test('every spelling of an address has the class of its bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      const text = formatAddress(bytes);
      const long = Array.from({ length: 8 }, (_, at) =>
        (((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0)).toString(16).padStart(4, '0'),
      ).join(':');
      expect(classifyAddress(long)).toEqual(classifyAddress(text));
      expect(classifyAddress(bytes)).toEqual(classifyAddress(text));
      // Outside of 2000::/3 nothing is public, but for NAT64 and mapped addresses.
      const top = (bytes[0] ?? 0) >> 5;
      if (top !== 1 && top !== 0) expect(classifyAddress(bytes).isPublic).toBe(false);
    }),
    { numRuns: 1_000 },
  );
});

const folder = join(VECTORS, 'iana-special-purpose');

describe.skipIf(!existsSync(folder))('the IANA registries', () => {
  interface Block {
    readonly text: string;
    readonly first: Address;
    readonly bits: number;
    readonly isGlobal: boolean;
  }
  const blocks: Block[] = ['ipv4', 'ipv6'].flatMap((family) => {
    // The body of a suite runs where the suite is skipped.
    if (!existsSync(folder)) return [];
    const csv = readFileSync(join(folder, `iana-${family}-special-registry-1.csv`), 'utf8');
    // A record begins with its block; cells may hold line breaks.
    const records = csv.split(/\n(?="?[0-9a-f:.]+\/\d)/i).slice(1);
    return records.flatMap((record) => {
      const cells = record
        .match(/("([^"]|"")*"|[^,"]*)(,|$)/g)
        ?.map((cell) => cell.replace(/,$/, ''));
      const isGlobal = cells?.[8]?.startsWith('True') === true;
      return [...(cells?.[0] ?? '').matchAll(/([0-9a-f:.]+)\/(\d+)/gi)].map(
        ([text, address = '', bits]): Block => {
          const parsed = parseAddress(address);
          // The registry's own mapped block is written as IPv6; it is folded everywhere else.
          const first = text.startsWith('::ffff:') ? new Uint8Array(16).fill(255, 10, 12) : parsed;
          if (first === undefined) throw new Error(text);
          return { text, first, bits: Number(bits), isGlobal };
        },
      );
    });
  });

  const big = (bytes: Address) => bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  const back = (value: bigint, length: number) =>
    Uint8Array.from({ length }, (_, at) => Number((value >> BigInt(8 * (length - 1 - at))) & 255n));
  const holds = ({ first, bits }: Block, address: Address) => {
    const shift = BigInt(first.length * 8 - bits);
    return first.length === address.length && big(first) >> shift === big(address) >> shift;
  };

  test('has the rows that it should have', () => {
    expect(blocks.length).toBeGreaterThanOrEqual(51);
  });

  test.each(blocks.map((block) => [block.text, block] as const))(
    '%s: its first and last address are as global as it says, and so are their neighbours',
    (_text, block) => {
      const { length } = block.first;
      const start = big(block.first);
      const end = start + (1n << BigInt(length * 8 - block.bits)) - 1n;
      for (const value of [start - 1n, start, start + 1n, end - 1n, end, end + 1n]) {
        if (value < 0n || value >= 1n << BigInt(length * 8)) continue;
        const address = back(value, length);
        const [row] = blocks
          .filter((each) => holds(each, address))
          .toSorted((one, other) => other.bits - one.bits);
        const found = classifyAddress(address);
        if (row !== undefined && !row.isGlobal && !row.text.startsWith('::ffff:')) {
          expect(found, formatAddress(address)).toMatchObject({ isPublic: false });
        }
        const isAllotted = length === 4 ? (address[0] ?? 0) < 224 : (address[0] ?? 0) >> 5 === 1;
        // Global, and neither a service of a cloud nor an address that holds another one.
        if (row?.isGlobal !== false && isAllotted && found.embedded === undefined) {
          expect(found, formatAddress(address)).toMatchObject({ isPublic: true });
        }
      }
    },
  );
});
