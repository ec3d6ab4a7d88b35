import { createHash, X509Certificate } from 'node:crypto';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { altNames, createAuthority } from '@apisec/conformance/certificates';
import { ConfigurationError } from '@apisec/core';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { listen, openFetch, outcome } from '../../test/kit.ts';
import { type HostPins, type PinReport, pinnedKeys } from './pinned-keys.ts';

type Identity = Awaited<ReturnType<typeof createAuthority>>;
let authority: Identity;
let leaf: Identity;
beforeAll(async () => {
  authority = await createAuthority('Authority');
  leaf = await authority.issue('server', [altNames({ type: 'dns', value: 'api.example.com' })]);
});

const pinOf = ({ cert }: Identity) => {
  const spki = new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' });
  return `sha256/${createHash('sha256').update(spki).digest('base64')}`;
};
const OTHER = `sha256/${'A'.repeat(43)}=`;
const BACKUP = `sha256/${'B'.repeat(42)}A=`;

async function call(pins: HostPins, options: { chain?: Identity[]; now?: () => number } = {}) {
  const { chain = [authority], now } = options;
  const cert = [leaf, ...chain].map((each) => each.cert.toString()).join('\n');
  const port = await listen(
    createHttps({ cert, key: leaf.key }, (_, response) => response.end('ok')),
  );
  const reports: PinReport[] = [];
  const keys = pinnedKeys({
    hosts: { 'api.example.com': pins },
    onReport: (report) => reports.push(report),
    now,
  });
  const fetch = openFetch([{ port }], {
    resolve: async () => ['127.0.0.1'],
    tls: { ca: authority.cert.toString() },
    pins: keys,
  });
  return {
    code: await outcome(fetch(`https://api.example.com:${port}/`)),
    reports,
    keys,
    fetch,
    port,
  };
}

const expires = '2999-01-01';

test('the key of the host, or of an authority that signed it, is enough', async () => {
  expect((await call({ pins: [pinOf(leaf), BACKUP], expires })).code).toBe(200);
  expect((await call({ pins: [pinOf(authority), BACKUP], expires })).code).toBe(200);
});

test('a host with another key is denied and reported, although an authority vouches for it', async () => {
  const { code, reports } = await call({ pins: [OTHER, BACKUP], expires });
  expect(code).toBe('egress.key_not_pinned');
  expect(reports).toMatchObject([{ host: 'api.example.com', problem: 'mismatch', isDenied: true }]);
  expect(reports[0]?.seen[0]).toBe(pinOf(leaf));
});

test('a pinned certificate that is only sent along counts for nothing', async () => {
  const stranger = await createAuthority('Authority');
  const { code } = await call(
    { pins: [pinOf(stranger), BACKUP], expires },
    { chain: [stranger, authority] },
  );
  expect(code).toBe('egress.key_not_pinned');
});

test('report-only lets it through and reports it', async () => {
  const { code, reports } = await call({ pins: [OTHER, BACKUP], expires, reportOnly: true });
  expect(code).toBe(200);
  expect(reports).toMatchObject([{ isDenied: false }]);
});

test('expired pins deny, unless it is said otherwise', async () => {
  const pins = { pins: [pinOf(leaf), BACKUP], expires: '2020-01-01' };
  expect((await call(pins)).code).toBe('egress.key_not_pinned');
  const open = await call({ ...pins, insecureAllowExpired: true });
  expect(open.code).toBe(200);
  expect(open.reports).toMatchObject([{ problem: 'expired', isDenied: false }]);
});

test('expired pins rule the next call, whatever connections are open', async () => {
  let time = Date.parse('2026-12-31');
  const pins = { pins: [pinOf(leaf), BACKUP], expires: '2027-01-01' };
  const { fetch, port, keys, reports } = await call(pins, { now: () => time });
  const again = async () => {
    const response = await fetch(`https://api.example.com:${port}/`);
    await response.text();
    return response.status;
  };
  const before = keys.generation();
  expect([await again(), await again()]).toEqual([200, 200]);
  time = Date.parse('2027-01-01');
  await expect(again()).rejects.toMatchObject({ code: 'egress.key_not_pinned' });
  expect(reports).toMatchObject([{ problem: 'expired', isDenied: true }]);
  const expired = keys.generation();
  keys.replace('api.example.com', { ...pins, expires });
  expect(await again()).toBe(200);
  // Never one that was there before: connections are kept by it.
  expect(new Set([before, expired, keys.generation()]).size).toBe(3);
});

test.each([
  ['is denied and reported', {}, 'egress.key_not_pinned', true],
  ['is reported alone where that was asked for', { reportOnly: true }, 200, false],
])('a call of a pinned host over plain HTTP %s', async (_, more, code, isDenied) => {
  const port = await listen(createHttp((__, response) => response.end('ok')));
  const reports: PinReport[] = [];
  const fetch = openFetch([{ port }], {
    resolve: async () => ['127.0.0.1'],
    pins: pinnedKeys({
      hosts: { 'api.example.com': { pins: [OTHER, BACKUP], expires, ...more } },
      onReport: (report) => reports.push(report),
    }),
  });
  expect(await outcome(fetch(`http://api.example.com:${port}/`))).toBe(code);
  expect(reports).toEqual([{ host: 'api.example.com', problem: 'mismatch', isDenied, seen: [] }]);
  expect(await outcome(fetch(`http://other.example.com:${port}/`))).toBe(200);
});

test.each(['API.example.com', 'api.example.com.', 'ＡＰＩ.example.com'])(
  'a host is pinned however it is written: %s',
  async (host) => {
    const port = await listen(
      createHttps({ cert: leaf.cert, key: leaf.key }, (_, response) => response.end('ok')),
    );
    const fetch = openFetch([{ port }], {
      resolve: async () => ['127.0.0.1'],
      tls: { ca: authority.cert.toString() },
      pins: pinnedKeys({ hosts: { [host]: { pins: [OTHER, BACKUP], expires } } }),
    });
    expect(await outcome(fetch(`https://api.example.com:${port}/`))).toBe('egress.key_not_pinned');
  },
);

test('a report that throws denies the host, and leaves no connection open', async () => {
  let open = 0;
  const server = createHttps({ cert: leaf.cert, key: leaf.key }, (_, response) =>
    response.end('ok'),
  );
  server.on('connection', (socket) => {
    open += 1;
    socket.once('close', () => (open -= 1));
  });
  const port = await listen(server);
  const fetch = openFetch([{ port }], {
    resolve: async () => ['127.0.0.1'],
    tls: { ca: authority.cert.toString() },
    pins: pinnedKeys({
      hosts: { 'api.example.com': { pins: [OTHER, BACKUP], expires, reportOnly: true } },
      onReport: () => {
        throw new Error('the log is full');
      },
    }),
  });
  expect(await outcome(fetch(`https://api.example.com:${port}/`))).toBe('egress.key_not_pinned');
  await vi.waitFor(() => expect(open).toBe(0), 20_000);
});

test('replaced pins rule the next call, whatever connections are open', async () => {
  const { code, keys, fetch, port } = await call({ pins: [pinOf(leaf), BACKUP], expires });
  expect(code).toBe(200);
  keys.replace('api.example.com', { pins: [OTHER, BACKUP], expires });
  expect(await outcome(fetch(`https://api.example.com:${port}/`))).toBe('egress.key_not_pinned');
});

describe('cannot be constructed', () => {
  test.each<[string, object]>([
    ['one pin, without a backup', { pins: [OTHER], expires }],
    ['the same pin twice', { pins: [OTHER, OTHER], expires }],
    ['a pin that is not one', { pins: [OTHER, 'sha256/x'], expires }],
    ['no date', { pins: [OTHER, BACKUP] }],
    ['a day that no calendar has', { pins: [OTHER, BACKUP], expires: '2027-02-30' }],
    ['an unknown option', { pins: [OTHER, BACKUP], expires, report: true }],
  ])('with %s', (_name, pins) => {
    expect(() => pinnedKeys({ hosts: { 'api.example.com': pins as HostPins } })).toThrow(
      ConfigurationError,
    );
  });

  test.each([
    'https://api.example.com',
    'api.example.com:443',
    'api.example.com/',
    '*.example.com',
    'user@api.example.com',
    '',
  ])('for %j, which no call has for a host', (host) => {
    const pins = { pins: [OTHER, BACKUP], expires };
    expect(() => pinnedKeys({ hosts: { [host]: pins } })).toThrow(ConfigurationError);
    const keys = pinnedKeys({ hosts: {} });
    expect(() => keys.replace(host, pins)).toThrow(ConfigurationError);
  });
});
