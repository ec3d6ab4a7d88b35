import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VECTORS } from '../../test/vectors.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { type CheckUrlOptions, checkUrl } from './check-url.ts';
import { classifyAddress } from './classify-address.ts';
import { urlRules } from './url-rules.ts';

const codeOf = (input: string | URL, options?: CheckUrlOptions) => {
  const answer = checkUrl(input, options);
  return answer.ok ? 'allowed' : answer.denial.code;
};

describe('a public URL may be called', () => {
  test.each([
    ['https://example.com/', 'example.com', 443],
    ['http://example.com', 'example.com', 80],
    ['HTTPS://EXAMPLE.COM:443/a?b#c', 'example.com', 443],
    ['https://example.com./', 'example.com', 443],
    ['https://bücher.example.com/', 'xn--bcher-kva.example.com', 443],
    ['https://a_b.example.com/', 'a_b.example.com', 443],
    ['https://example.com/a b', 'example.com', 443],
    ['https://example.com/@user', 'example.com', 443],
    ['https://example.com?x=@', 'example.com', 443],
  ])('%s', (input, name, port) => {
    expect(checkUrl(input)).toMatchObject({ ok: true, host: { name }, port });
  });

  test.each([
    ['https://8.8.8.8/', '8.8.8.8'],
    ['https://0x08080808/', '8.8.8.8'],
    ['https://[2606:4700::1111]/', '2606:4700::1111'],
  ])('%s', (input, address) => {
    expect(checkUrl(input)).toMatchObject({ ok: true, host: { address } });
  });

  test('it is handed on in its one parsed form, without fragment and trailing dot', () => {
    const answer = checkUrl('HTTP://ExAmple.com.:80/%7Ea/../b#c');
    expect(answer.ok && answer.url.href).toBe('http://example.com/b');
  });

  test('a URL object is read as its text, and is not changed', () => {
    const url = new URL('https://example.com./#x');
    expect(codeOf(url)).toBe('allowed');
    expect(url.href).toBe('https://example.com./#x');
  });
});

test.each(['http://ß%80', 'http://x.svc/', 'http://db.service.consul/'])(
  '%s is denied and not thrown at',
  (input) => {
    expect(codeOf(input)).toMatch(/^egress\.(?:url_malformed|host_local)$/);
  },
);

describe('loopback, private networks and metadata are denied in every spelling', () => {
  test.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://127.0.1/',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://0x7f.0x0.0x0.0x1/',
    'http://0177.0.0.1/',
    'http://017700000001/',
    'http://0/',
    'http://127.0.0.1./',
    'http://%31%32%37.0.0.1/',
    'http://①②⑦.⓪.⓪.①/',
    'http://１２７.0.0.1/',
    'http://127。0。0。1/',
    'http://[::1]/',
    'http://[0:0:0:0:0:0:0:1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:7f00:1]/',
    'http://[::7f00:1]/',
    'http://[::127.0.0.1]/',
    'http://[64:ff9b::7f00:1]/',
    'http://[2002:7f00:1::]/',
    'http://[2001:0:4136:e378:8000:63bf:80ff:fffe]/',
    'http://[fe80::5efe:7f00:1]/',
    'http://[fec0::1]/',
    'http://[fd00:ec2::254]/',
    'http://[ff02::1]/',
    'http://169.254.169.254/latest/meta-data/',
    'http://2852039166/',
    'http://0xa9fea9fe/',
    'http://168.63.129.16/',
    'http://100.100.100.200/',
    'http://192.168.0.1/',
    'http://10.0.0.1/',
    'http://0.0.0.0/',
    'http://255.255.255.255/',
  ])('%s', (input) => {
    expect(codeOf(input)).toBe('egress.address_not_allowed');
  });
});

describe('local names are denied', () => {
  test.each([
    'http://localhost/',
    'http://LOCALHOST/',
    'http://localhost./',
    'http://ｌocalhost/',
    'http://loc%61lhost/',
    'http://a.localhost/',
    'http://printer.local/',
    'http://metadata.google.internal/',
    'http://metadata.google.internal./',
    'http://METADATA/',
    'http://metadata.goog/',
    'http://metadata.tencentyun.com/',
    'http://api.metadata.cloud.ibm.com/instance_identity/v1/token',
    'http://kubernetes.default.svc.cluster.local/',
    'http://intranet/',
    'http://router.home.arpa/',
    'http://127.0.0.1.nip.io/',
    'http://localtest.me/',
    'http://x.onion/',
    'http://kubernetes/',
    'http://kubernetes.default/',
    'http://kubernetes.default./',
    'http://kubernetes.default.svc/',
    'http://orders.default:80/',
    'http://dns.kube-system/metrics',
    'http://orders.team_a/',
    'http://orders.stage2/',
    'http://a.b.c9/',
    'http://host.docker.internal/',
    'http://ip-10-0-0-1.ec2.internal/',
    'http://vault.service.consul/',
    'http://smtp.mail/',
    'http://server.localnet/',
    'http://example.c/',
  ])('%s', (input) => {
    expect(codeOf(input)).toBe('egress.host_local');
  });

  test.each([
    'https://locals.example.com/',
    'https://mylocalhost.com/',
    'https://internal.example/',
    'https://default.example/',
    'https://kube-system.example.com/',
    'https://example.xn--p1ai/',
    'https://пример.рф/',
    'https://web2.example/',
  ])('except a name that only looks like one: %s', (input) => {
    expect(codeOf(input)).toBe('allowed');
  });
});

describe('a URL that software reads in two ways is denied', () => {
  test.each([
    '',
    ' ',
    'example.com',
    '//example.com/',
    'http:example.com',
    'http:/example.com',
    'http:///example.com',
    'http:////example.com',
    'http:\\\\example.com',
    'http://example.com\\@evil.com/',
    'http://evil.com\\.example.com/',
    ' http://example.com/',
    'http://example.com/ ',
    '\u00a0http://example.com/',
    'ht\ntp://example.com/',
    'http://exam\tple.com/',
    'http://example.com/\r\nHost: evil.com',
    'http://example.com/\0',
    'http://[::1',
    'http://[::1%25eth0]/',
    'http://[fe80::1%eth0]/',
    'http://1.2.3.4.5/',
    'http://256.256.256.256/',
    'http://0x100000000/',
    'http://1.2.3.08/',
    'http://example.com:65536/',
    'http://example.com:80a/',
    "http://exa'mple.com/",
    'http://exa;mple.com/',
    'http://exa{mple}.com/',
    'http://*.example.com/',
    'http://-example.com/',
    'http://a..example.com/',
    'http://example.com../',
    'http://./',
    `http://${'a'.repeat(64)}.com/`,
    `http://${'a.'.repeat(127)}com/`,
    `http://example.com/${'a'.repeat(9_000)}`,
    'http://xn--a.com/',
    'http://a\u00adb\u200d.com\ufffd/',
  ])('%j', (input) => {
    expect(codeOf(input)).toBe('egress.url_malformed');
  });

  test.each([undefined, null, 7, {}, [], Symbol('x')])(
    'what is not a URL at all: %s',
    (input: unknown) => {
      expect(codeOf(input as string)).toBe('egress.url_malformed');
    },
  );
});

describe('schemes, credentials, ports', () => {
  test.each([
    ['ftp://example.com/', 'egress.scheme_not_allowed'],
    ['file:///etc/passwd', 'egress.scheme_not_allowed'],
    ['gopher://127.0.0.1:6379/_SET', 'egress.scheme_not_allowed'],
    ['data:text/html,x', 'egress.scheme_not_allowed'],
    ['javascript:alert(1)', 'egress.scheme_not_allowed'],
    ['blob:https://example.com/x', 'egress.scheme_not_allowed'],
    ['ws://example.com/', 'egress.scheme_not_allowed'],
    ['http://user@example.com/', 'egress.url_credentials'],
    ['http://user:password@example.com/', 'egress.url_credentials'],
    ['http://example.com@127.0.0.1/', 'egress.url_credentials'],
    ['http://@example.com/', 'egress.url_credentials'],
    ['http://:@example.com/', 'egress.url_credentials'],
    ['http://example.com:22/', 'egress.port_not_allowed'],
    ['http://example.com:6379/', 'egress.port_not_allowed'],
    ['http://example.com:0/', 'egress.port_not_allowed'],
    ['http://example.com:8080/', 'egress.port_not_allowed'],
  ])('%s', (input, code) => {
    expect(codeOf(input)).toBe(code);
  });

  test('can be widened and narrowed', () => {
    expect(codeOf('http://example.com/', { schemes: ['https'] })).toBe('egress.scheme_not_allowed');
    expect(codeOf('https://example.com:8443/', { ports: [8443] })).toBe('allowed');
    expect(codeOf('https://example.com/', { ports: [8443] })).toBe('egress.port_not_allowed');
  });
});

describe('hosts', () => {
  const allowedHosts = ['api.example.com', '*.example.net', 'billing.internal', 'Bücher.example'];

  test.each([
    ['https://api.example.com/', 'allowed'],
    ['https://api.example.com./', 'allowed'],
    ['https://API.EXAMPLE.COM/', 'allowed'],
    ['https://a.example.net/', 'allowed'],
    ['https://a.b.example.net/', 'allowed'],
    ['https://billing.internal/', 'allowed'],
    ['https://xn--bcher-kva.example/', 'allowed'],
    ['https://example.net/', 'egress.host_not_allowed'],
    ['https://evilexample.net/', 'egress.host_not_allowed'],
    ['https://api.example.com.evil.com/', 'egress.host_not_allowed'],
    ['https://xapi.example.com/', 'egress.host_not_allowed'],
    ['https://127.0.0.1/', 'egress.host_not_allowed'],
  ])('of a list: %s is %s', (input, expected) => {
    expect(codeOf(input, { allowedHosts })).toBe(expected);
  });

  test('an address in the list must still be one that may be reached', () => {
    expect(codeOf('https://127.0.0.1/', { allowedHosts: ['127.0.0.1'] })).toBe(
      'egress.address_not_allowed',
    );
  });

  test('that are denied stay denied', () => {
    const options = { allowedHosts: ['*.example.com'], deniedHosts: ['admin.example.com'] };
    expect(codeOf('https://admin.example.com/', options)).toBe('egress.host_not_allowed');
    expect(codeOf('https://www.example.com/', options)).toBe('allowed');
  });

  test.each([
    'https://example.com',
    'example.com:443',
    'example.com/path',
    '*.com',
    '*',
    '*.1.2.3.4',
    'a.*.example.com',
    '',
    7,
    'user@example.com',
  ])('cannot be constructed with the host %j', (host) => {
    expect(() => checkUrl('https://example.com/', { allowedHosts: [host as string] })).toThrow(
      ConfigurationError,
    );
  });
});

describe('networks', () => {
  const options = { allowedNetworks: ['10.0.0.0/8', '169.254.0.0/16', 'fd00::/8'] };

  test('of your own may be reached when they are named', () => {
    expect(codeOf('http://10.1.2.3/', options)).toBe('allowed');
    expect(codeOf('http://[::ffff:10.1.2.3]/', options)).toBe('allowed');
    expect(codeOf('http://[fd12::1]/', options)).toBe('allowed');
    expect(codeOf('http://192.168.1.1/', options)).toBe('egress.address_not_allowed');
  });

  test('never include a metadata service by accident', () => {
    expect(codeOf('http://169.254.169.254/', options)).toBe('egress.address_not_allowed');
    expect(codeOf('http://[fd00:ec2::254]/', options)).toBe('egress.address_not_allowed');
    expect(codeOf('http://metadata.google.internal/', options)).toBe('egress.host_local');
    const named = { allowedNetworks: ['169.254.169.254'] };
    expect(codeOf('http://169.254.169.254/', named)).toBe('allowed');
  });

  test('do not reach through an embedding that they do not name', () => {
    expect(codeOf('http://[2002:a01:203::1]/', options)).toBe('egress.address_not_allowed');
    expect(codeOf('http://[64:ff9b::10.1.2.3]/', options)).toBe('egress.address_not_allowed');
  });

  test('that are public can be denied, also through NAT64', () => {
    const deniedNetworks = ['8.8.8.0/24'];
    expect(codeOf('http://8.8.8.8/', { deniedNetworks })).toBe('egress.address_not_allowed');
    expect(codeOf('http://[64:ff9b::8.8.8.8]/', { deniedNetworks })).toBe(
      'egress.address_not_allowed',
    );
    expect(codeOf('http://8.8.4.4/', { deniedNetworks })).toBe('allowed');
  });

  test('that hold an embedded metadata service do not reach it, unless its one address is named', () => {
    const url = 'http://[64:ff9b::a9fe:a9fe]/';
    const wide = { allowedNetworks: ['64:ff9b::/96', '10.0.0.0/8'] };
    expect(codeOf(url, wide)).toBe('egress.address_not_allowed');
    expect(codeOf(url, { allowedNetworks: ['64:ff9b::a9fe:a9fe'] })).toBe('allowed');
    expect(codeOf(url, { allowedNetworks: ['64:ff9b::a9fe:a9fe/128'] })).toBe('allowed');
  });

  test('behind the prefix of an own NAT64 are seen', () => {
    const url = 'http://[2606:4700:64::7f00:1]/';
    expect(codeOf(url)).toBe('allowed');
    expect(codeOf(url, { nat64Prefixes: ['2606:4700:64::/96'] })).toBe(
      'egress.address_not_allowed',
    );
  });

  test('only take addresses: anything else is denied', () => {
    const { checkAddress } = urlRules('here', {});
    expect(checkAddress('8.8.8.8')).toBeUndefined();
    for (const text of ['', 'example.com', '8.8.8', '[::1]'])
      expect(checkAddress(text), text).toMatchObject({
        denial: { code: 'egress.address_not_allowed' },
      });
  });

  test('can be the only ones', () => {
    const only = { allowedNetworks: ['10.0.0.0/8'], publicInternet: false };
    expect(codeOf('http://10.0.0.1/', only)).toBe('allowed');
    expect(codeOf('http://8.8.8.8/', only)).toBe('egress.address_not_allowed');
  });

  test('let their own names be resolved, so that the addresses decide', () => {
    expect(codeOf('http://localhost/', { allowedNetworks: ['127.0.0.0/8'] })).toBe('allowed');
  });
});

test('a denial shows the caller nothing of the network', () => {
  const answer = checkUrl('http://169.254.169.254/');
  const denial = answer.ok ? undefined : answer.denial;
  expect(denial?.detail).toBe('The URL may not be called.');
  expect(denial?.cause).toContain('metadata');
});

test('the first and the last port can be allowed, and a name of 253 characters', () => {
  const ports = [1, 65_535];
  expect(codeOf('http://example.com:1/', { ports })).toBe('allowed');
  expect(codeOf('http://example.com:65535/', { ports })).toBe('allowed');
  const label = 'a'.repeat(61);
  const longest = `${`${label}.`.repeat(4)}com`;
  expect(codeOf(`https://aa${longest}/`)).toBe('allowed');
  expect(codeOf(`https://aaa${longest}/`)).toBe('egress.url_malformed');
});

test.each<[string, object, RegExp]>([
  ['one scheme of several', { schemes: ['https', 'ftp'] }, /schemes must be a list/],
  ['one port of several', { ports: [443, 0] }, /ports must be a list/],
  ['a port above the last', { ports: [65_536] }, /ports must be a list/],
  ['no ports', { ports: [] }, /ports must be a list/],
  ['ports that are not a list', { ports: 443 }, /ports must be a list/],
  ['a number among networks', { allowedNetworks: ['10.0.0.0/8', 7] }, /allowedNetworks must be/],
  ['networks that are not a list', { deniedNetworks: '10.0.0.0/8' }, /deniedNetworks must be/],
  ['hosts that are not a list', { allowedHosts: 'example.com' }, /allowedHosts must be a list/],
  [
    'denied hosts that are not a list',
    { deniedHosts: 'example.com' },
    /deniedHosts must be a list/,
  ],
  ['a number among hosts', { deniedHosts: [7] }, /deniedHosts has 7/],
  ['a host with a usual port', { allowedHosts: ['example.com:80'] }, /allowedHosts has/],
  ['a host with an empty port', { allowedHosts: ['example.com:'] }, /allowedHosts has/],
  ['an address with a port', { allowedHosts: ['[::1]:80'] }, /allowedHosts has/],
])('cannot be constructed with %s, and says which', (_name, options, message) => {
  expect(() => checkUrl('https://example.com/', options)).toThrow(message);
});

test('lists take addresses of IPv6 with and without brackets', () => {
  for (const host of ['2606:4700::1111', '[2606:4700::1111]']) {
    expect(codeOf('http://[2606:4700::1111]/', { allowedHosts: [host] })).toBe('allowed');
    expect(codeOf('http://[2606:4700::1112]/', { allowedHosts: [host] })).toBe(
      'egress.host_not_allowed',
    );
  }
});

test.each<[string, object]>([
  ['an unknown option', { allowHosts: [] }],
  ['another scheme', { schemes: ['ftp'] }],
  ['no schemes', { schemes: [] }],
  ['port 0', { ports: [0] }],
  ['a port as text', { ports: ['443'] }],
  ['a network that is not one', { allowedNetworks: ['10.0.0.1/8'] }],
  ['a network as text', { deniedNetworks: '10.0.0.0/8' }],
  ['publicInternet as text', { publicInternet: 'no' }],
])('cannot be constructed with %s', (_name, options) => {
  expect(() => checkUrl('https://example.com/', options)).toThrow(ConfigurationError);
});

test('never throws, and what it allows is what a second parser reads', () => {
  const piece = fc.constantFrom(
    'http://',
    'https://',
    '//',
    '/',
    '\\',
    '@',
    ':',
    '.',
    '..',
    '[',
    ']',
    '%',
    '#',
    '?',
    ' ',
    '\t',
    '127.0.0.1',
    '0x7f',
    '::1',
    'localhost',
    'example.com',
    'a',
    '①',
    '%00',
    '80',
    '\u00ad',
    '-',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.array(piece, { maxLength: 9 }).map((p) => p.join('')),
      ),
      (input) => {
        const answer = checkUrl(input);
        if (!answer.ok) return;
        const { host, url } = answer;
        expect(new URL(url.href).href).toBe(url.href);
        if ('address' in host) expect(classifyAddress(host.address).isPublic).toBe(true);
        else expect(host.name).toMatch(/^[a-z0-9_.-]+\.[a-z0-9_-]+$/);
      },
    ),
    { numRuns: 3_000 },
  );
});

describe('spellings that URL parsers take for one host', () => {
  /** One number of an address as `inet_aton` reads it: decimal, octal, hexadecimal, with zeros in front. */
  const number = (value: number) =>
    fc.tuple(fc.constantFrom(10, 8, 16), fc.nat(4), fc.boolean()).map(([radix, zeros, upper]) => {
      const digits = value.toString(radix);
      if (radix === 10) return digits;
      const padded = '0'.repeat(zeros) + digits;
      const text = radix === 8 ? `0${padded}` : `0x${padded}`;
      return upper ? text.toUpperCase() : text;
    });
  /** An address of four bytes in one to four numbers, of which the last takes what is left. */
  const dotted = ([a, b, c, d]: readonly number[]) => {
    const [first = 0, second = 0, third = 0, fourth = 0] = [a, b, c, d];
    const forms = [
      [first, second, third, fourth],
      [first, second, third * 256 + fourth],
      [first, second * 65_536 + third * 256 + fourth],
      [first * 16_777_216 + second * 65_536 + third * 256 + fourth],
    ];
    return fc
      .constantFrom(...forms)
      .chain((parts) => fc.tuple(...parts.map(number)))
      .map((parts) => parts.join('.'));
  };
  /** Characters that IDNA maps to a digit, a letter or a dot, and the same percent-encoded. */
  const LIKE: Readonly<Record<string, readonly string[]>> = {
    '.': ['。', '．', '｡', '%2e', '%E3%80%82'],
    '0': ['０', '⓪', '𝟎', '%30', '⁰'],
    '1': ['１', '①', '𝟏', '%31', '¹'],
    '2': ['２', '②', '𝟐', '%32', '₂'],
    '9': ['９', '⑨', '𝟗', '%39', '₉'],
    a: ['ａ', 'ⓐ', '𝐚', '%61', 'A'],
    e: ['ｅ', 'ⓔ', '𝐞', '%65', 'E'],
    l: ['ｌ', 'ⓛ', 'ⅼ', '%6C', 'L'],
    o: ['ｏ', 'ⓞ', 'ℴ', '%6f', 'O'],
    x: ['ｘ', 'ⓧ', 'ⅹ', '%78', 'X'],
  };
  const disguised = (text: string) =>
    fc
      .array(fc.nat(9), { minLength: text.length, maxLength: text.length })
      .map((picks) =>
        Array.from(text, (char, at) => LIKE[char.toLowerCase()]?.[picks[at] ?? 9] ?? char).join(''),
      );
  /** Of no effect in a host: a dot at the end, and what IDNA leaves out. */
  const wrapped = (host: string) =>
    fc
      .tuple(fc.constantFrom('', '\u00ad', '\u200b', '\u2060'), fc.constantFrom('', '.', '。'))
      .map(([ignored, end]) => `${ignored}${host}${end}`);

  const special = fc.constantFrom(
    [0, 0, 0, 0],
    [10, 0, 0, 1],
    [100, 100, 100, 200],
    [127, 0, 0, 1],
    [127, 255, 255, 254],
    [168, 63, 129, 16],
    [169, 254, 169, 254],
    [172, 31, 255, 255],
    [192, 168, 0, 1],
    [198, 19, 0, 1],
    [224, 0, 0, 1],
    [255, 255, 255, 255],
  );

  test('of an address that is not public: none is allowed', () => {
    let judged = 0;
    fc.assert(
      fc.property(
        special.chain(dotted).chain(disguised).chain(wrapped),
        fc.constantFrom('', ':80', ':443', ':0080'),
        (host, port) => {
          const code = codeOf(`http://${host}${port}/`);
          if (code === 'egress.address_not_allowed') judged += 1;
          else expect(code, host).toBe('egress.url_malformed');
        },
      ),
      { numRuns: 2_000 },
    );
    // Nearly all of them are addresses to a browser.
    expect(judged).toBeGreaterThan(1_500);
  });

  test('of an address of the internet: each is that address', () => {
    fc.assert(
      fc.property(dotted([93, 184, 215, 14]).chain(disguised).chain(wrapped), (host) => {
        expect(checkUrl(`http://${host}/`), host).toMatchObject({
          ok: true,
          host: { address: '93.184.215.14' },
        });
      }),
    );
  });

  test('of a local name: none is allowed', () => {
    const names = ['localhost', 'a.localhost', 'metadata.google.internal', 'metadata.goog'];
    fc.assert(
      fc.property(
        fc
          .constantFrom(...names)
          .chain(disguised)
          .chain(wrapped),
        (host) => {
          expect(codeOf(`http://${host}/`), host).toMatch(/^egress\.(?:host_local|url_malformed)$/);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

const folder = join(VECTORS, 'wpt-url');

describe.skipIf(!existsSync(folder))('the URLs of the web platform tests', () => {
  interface Case {
    readonly input: string;
    readonly base: string | null;
    readonly failure?: true;
    readonly hostname?: string;
    readonly protocol?: string;
  }
  const cases = [
    'urltestdata.json',
    'urltestdata-javascript-only.json',
    'ada_extra_urltestdata.json',
  ].flatMap((name) => {
    // The body of a suite runs where the suite is skipped.
    if (!existsSync(folder)) return [];
    const list = JSON.parse(readFileSync(join(folder, name), 'utf8')) as unknown[];
    return list.filter((each): each is Case => typeof each === 'object' && each !== null);
  });

  test('are denied where they fail, and where their host is special', () => {
    expect(cases.length).toBeGreaterThan(800);
    for (const { input, base, failure, hostname = '', protocol } of cases) {
      const answer = checkUrl(input);
      if (failure === true && base === null) expect(answer, input).toMatchObject({ ok: false });
      // With a base the fault may be in that.
      if (!answer.ok || failure === true) continue;
      expect(protocol, input).toMatch(/^https?:$/);
      const bare = hostname.replace(/^\[|\]$/g, '');
      expect('address' in answer.host ? answer.host.address : answer.host.name, input).toBe(
        bare.replace(/\.$/, ''),
      );
      const special = classifyAddress(bare);
      if (special.kind !== 'invalid') expect(special.isPublic, input).toBe(true);
    }
  });

  test.each(['toascii.json', 'IdnaTestV2.json'])(
    'a host that only ToASCII makes a name of is that name, or is denied: %s',
    (file) => {
      const list = JSON.parse(readFileSync(join(folder, file), 'utf8')) as unknown[];
      for (const each of list) {
        if (typeof each !== 'object' || each === null) continue;
        const { input, output } = each as { input: string; output: string | null };
        // The Unicode of Node 20 has another lower case for it; the name is the same for all that follows.
        if (input.includes('ẞ')) continue;
        const answer = checkUrl(`https://${input}/x`);
        if (output === null) expect(answer, input).toMatchObject({ ok: false });
        else if (answer.ok) expect(answer.host, input).toEqual({ name: output.replace(/\.$/, '') });
      }
    },
  );

  test('a URL that was changed by a setter is judged as what it is then', () => {
    const file = JSON.parse(readFileSync(join(folder, 'setters_tests.json'), 'utf8')) as Record<
      string,
      readonly {
        readonly href: string;
        readonly new_value: string;
        readonly expected: { readonly href?: string };
      }[]
    >;
    let count = 0;
    let asSaid = 0;
    for (const [name, list] of Object.entries(file)) {
      if (name === 'comment') continue;
      for (const { href, new_value: value, expected } of list) {
        const url = new URL(href);
        Object.assign(url, { [name]: value });
        const answer = checkUrl(url);
        const what = `${href} with ${name} ${JSON.stringify(value)}`;
        expect(checkUrl(url.href), what).toEqual(answer);
        // Versions of Node have a few setters that differ.
        if (url.href === expected.href) asSaid += 1;
        count += 1;
        if (!answer.ok) continue;
        // What is gone on with has no fragment, and no dot at the end of its host.
        url.hash = '';
        url.hostname = url.hostname.replace(/\.$/, '');
        expect(answer.url.href, what).toBe(url.href);
      }
    }
    expect(count).toBeGreaterThan(200);
    expect(asSaid / count).toBeGreaterThan(0.8);
  });

  test('a query is sent as UTF-8, or denied', () => {
    const list = JSON.parse(
      readFileSync(join(folder, 'percent-encoding.json'), 'utf8'),
    ) as unknown[];
    const texts = list.filter((each) => typeof each === 'object') as {
      readonly input: string;
      readonly output: { readonly 'utf-8': string };
    }[];
    expect(texts.length).toBeGreaterThan(5);
    for (const { input, output } of texts) {
      const answer = checkUrl(`https://example.com/?${input}#${input}`);
      if (!answer.ok) expect(answer.denial.code, input).toBe('egress.url_malformed');
      else expect(answer.url.search, input).toBe(`?${output['utf-8']}`);
    }
    expect(
      texts.filter(({ input }) => checkUrl(`https://example.com/?${input}`).ok).length,
    ).toBeGreaterThan(4);
  });
});
