import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect as connectHttp2, createSecureServer } from 'node:http2';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Fastify from 'fastify';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { limitServer, type SecureServerSettings, secureServerOptions } from './server-options.ts';

const folder = mkdtempSync(join(tmpdir(), 'apisec-tls-'));
const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];

beforeAll(() => {
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '1',
      '-subj',
      '/CN=localhost',
      '-keyout',
      key,
      '-out',
      cert,
    ],
    { stdio: 'ignore' },
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

async function listen(server: Server): Promise<number> {
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()));
  return (server.address() as AddressInfo).port;
}

/** What OpenSSL’s own client and this server agree on; empty where they do not. */
async function handshake(settings: SecureServerSettings, ...how: string[]): Promise<string> {
  const tls = { key: readFileSync(key), cert: readFileSync(cert) };
  const server = createTlsServer({ ...secureServerOptions(settings), ...tls });
  const port = await listen(server);
  const client = spawn('openssl', ['s_client', '-brief', '-connect', `127.0.0.1:${port}`, ...how]);
  let text = '';
  for (const stream of [client.stdout, client.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk) => {
      text += String(chunk);
      if (text.includes('Protocol version')) setTimeout(() => client.stdin.end(), 50);
    });
  }
  await new Promise((resolve) => client.once('close', resolve));
  return /Protocol version: \S+[^]*Ciphersuite: \S+/.exec(text)?.[0] === undefined ? '' : text;
}

test('what servers are bounded by unless they are told otherwise', () => {
  expect(secureServerOptions()).toMatchObject({
    headersTimeout: 15_000,
    maxHeaderSize: 16_384,
    requestTimeout: 60_000,
    keepAliveTimeout: 5_000,
    handshakeTimeout: 10_000,
    minVersion: 'TLSv1.2',
    settings: { maxConcurrentStreams: 100 },
    requireHostHeader: true,
  });
  const server = limitServer(createServer());
  expect([server.timeout, server.maxHeadersCount, server.maxRequestsPerSocket]).toEqual([
    120_000, 100, 1_000,
  ]);
  expect(server.maxConnections).toBeUndefined();
});

test('a server of HTTP/2 takes the same options, and says how many calls it takes at a time', async () => {
  const tls = { key: readFileSync(key), cert: readFileSync(cert) };
  const server = createSecureServer({ ...secureServerOptions(), ...tls });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.address() as AddressInfo;
  const session = connectHttp2(`https://127.0.0.1:${port}`, {
    ca: tls.cert,
    servername: 'localhost',
  });
  onTestFinished(() => {
    session.destroy();
    server.close();
  });
  const [settings] = await once(session, 'remoteSettings');
  expect(settings).toMatchObject({ maxConcurrentStreams: 100 });
});

test('Fastify sets timeouts of its own, unless it is told these as well', () => {
  const { requestTimeout, keepAliveTimeout, ...more } = secureServerOptions();
  const https = { ...more, requestTimeout, keepAliveTimeout };
  const wanted = { requestTimeout: 60_000, keepAliveTimeout: 5_000 };
  expect(Fastify({ https }).server).not.toMatchObject(wanted);
  const { server } = Fastify({ https, requestTimeout, keepAliveTimeout });
  expect(server).toMatchObject({ ...wanted, headersTimeout: 15_000 });
});

const weakest = ['-cipher', 'ALL:@SECLEVEL=0'];
describe('TLS, as OpenSSL’s client sees it', () => {
  test.each<[string, SecureServerSettings, string[], RegExp]>([
    ['the newest by itself', {}, [], /TLSv1\.3/],
    ['1.2 for who has no newer one', {}, ['-tls1_2'], /TLSv1\.2[^]*ECDHE-RSA-AES128-GCM-SHA256/],
    ['1.2 with ephemeral keys alone', {}, ['-tls1_2', '-cipher', 'AES128-GCM-SHA256'], /^$/],
    ['no finite-field key exchange', {}, ['-tls1_2', '-cipher', 'DHE-RSA-AES128-GCM-SHA256'], /^$/],
    // Covers: V12.1.2
    ['no CBC', {}, ['-tls1_2', '-cipher', 'ECDHE-RSA-AES128-SHA'], /^$/],
    // Covers: V12.1.1
    ['not 1.1', {}, ['-tls1_1', ...weakest], /^$/],
    ['1.3 where that alone is taken', { onlyTls13: true }, [], /TLSv1\.3/],
    ['not 1.2 where 1.3 alone is taken', { onlyTls13: true }, ['-tls1_2'], /^$/],
  ])('%s', async (_, settings, how, expected) => {
    expect(await handshake(settings, ...how)).toMatch(expected);
  });

  test('the hybrid group is agreed on where both sides have it', async () => {
    const [, client = ''] =
      /OpenSSL (\d+\.\d+)/.exec(execFileSync('openssl', ['version'], { encoding: 'utf8' })) ?? [];
    const both = [client, process.versions.openssl].every(
      (version) => Number.parseFloat(version) >= 3.5,
    );
    const { ecdhCurve } = secureServerOptions();
    if (both) {
      expect(ecdhCurve).toMatch(/^X25519MLKEM768:/);
      expect(await handshake({}, '-groups', 'X25519MLKEM768')).toMatch(/TLSv1\.3/);
    } else expect(await handshake({}, '-groups', 'X25519')).toMatch(/TLSv1\.3/);
  });
});

/** What comes back for bytes that are followed by nothing, and when the connection is closed. */
async function silent(server: Server, text: string): Promise<string> {
  const socket = connect(await listen(server), '127.0.0.1');
  let answer = '';
  socket.setEncoding('utf8').on('data', (chunk) => {
    answer += String(chunk);
  });
  socket.on('error', () => undefined);
  socket.write(text);
  await new Promise((resolve) => socket.once('close', resolve));
  return answer;
}

describe('slow clients', () => {
  const quick = { headersTimeout: '100ms', requestTimeout: '200ms' } as const;
  const read = createServer;
  test.each([
    ['in the middle of the head', 'GET / HTTP/1.1\r\nHost: x\r\nA: '],
    ['in the middle of the body', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc'],
  ])('who stop %s are cut', async (_, text) => {
    const server = read(secureServerOptions(quick), (request, response) => {
      request.resume().on('end', () => response.end('read'));
    });
    expect(await silent(server, text)).toMatch(/^HTTP\/1\.1 408 /);
  });

  test('who do not read what they asked for are cut', async () => {
    const server = limitServer(
      createServer((_, response) => void response.write('x')),
      {
        idleTimeout: '50ms',
      },
    );
    expect(await silent(server, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')).toContain('200');
  });

  test('a head that is too large, and one without Host, are denied', async () => {
    const server = () =>
      createServer(secureServerOptions({ ...quick, maxHeaderSize: 1_024 }), (_, r) => void r.end());
    const large = `GET / HTTP/1.1\r\nHost: x\r\nA: ${'x'.repeat(2_000)}\r\n\r\n`;
    expect(await silent(server(), large)).toMatch(/^HTTP\/1\.1 431 /);
    expect(await silent(server(), 'GET / HTTP/1.1\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
  });

  test('connections above the bound are closed at once', async () => {
    const server = limitServer(createServer(), { maxConnections: 1 });
    const first = connect(await listen(server), '127.0.0.1');
    onTestFinished(() => void first.destroy());
    await once(server, 'connection');
    const second = connect((server.address() as AddressInfo).port, '127.0.0.1');
    second.on('error', () => undefined);
    await once(second, 'close');
    expect(first.destroyed).toBe(false);
  });

  test('a connection ends with as many requests as it may make', async () => {
    const server = limitServer(
      createServer((_, response) => void response.end('x')),
      {
        maxRequestsPerConnection: 1,
      },
    );
    const answer = await silent(server, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(answer).toMatch(/connection: close/i);
  });
});

test.each([
  [{ headersTimeout: 5_000 }],
  [{ headersTimeout: '2m' }],
  [{ maxHeaderSize: 10 }],
  [{ onlyTls13: 'yes' }],
  [{ tls13: true }],
])('cannot be constructed with %j', (options) => {
  expect(() => secureServerOptions(options as never)).toThrow(/^secureServerOptions/);
});
