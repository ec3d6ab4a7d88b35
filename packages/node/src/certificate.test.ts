import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createSecureServer } from 'node:http2';
import { Agent, createServer, request as send } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import {
  AUTHORITY,
  altNames,
  createAuthority,
  type Identity,
} from '@apisec/conformance/certificates';
import { type ClientCertificate, ConfigurationError } from '@apisec/core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type CertificateSource, clientCertificate, nodeCertificate } from './certificate.ts';
import { type TrustProxiesOptions, trustProxies } from './peer.ts';
import type { NodeIncoming } from './request.ts';

const authority = await createAuthority('authority');
const server = await authority.issue('server', [altNames({ type: 'dns', value: 'localhost' })]);
const ann = await authority.issue('ann', [
  altNames(
    { type: 'url', value: 'spiffe://example.com/ann' },
    { type: 'dns', value: 'ann.example' },
  ),
]);
const stranger = await (await createAuthority('stranger')).issue('ann');

const bytes = (certificate: ClientCertificate | undefined) =>
  certificate && new Uint8Array(certificate.raw);

const intermediate = await authority.issue('intermediate', [AUTHORITY]);
const bob = await intermediate.issue('bob');

/** What the server makes of calls by this client, over connections that are kept. */
async function seenBy<T>(
  client: Identity | undefined,
  read: (incoming: NodeIncoming) => T,
  { kind = 'http1', headers = {}, calls = 1 }: Setting = {},
): Promise<T[]> {
  const seen: T[] = [];
  const options = {
    key: server.key,
    cert: server.cert,
    ca: authority.cert,
    requestCert: true,
    rejectUnauthorized: false,
  };
  const listener = (incoming: NodeIncoming, response: { end: () => void }) => {
    seen.push(read(incoming));
    response.end();
  };
  const listening: Server =
    kind === 'http1'
      ? createServer(options, listener)
      : createSecureServer({ ...options, allowHTTP1: kind === 'http1 beside http2' }, listener);
  listening.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  onTestFinished(() => void listening.close());
  const { port } = listening.address() as AddressInfo;
  const identity = client && { key: client.key, cert: client.cert };
  if (kind === 'http2') {
    const session = connect(`https://localhost:${port}`, { ca: authority.cert, ...identity });
    onTestFinished(() => session.destroy());
    for (let call = 0; call < calls; call++) {
      const stream = session.request({ ':path': '/', ...headers });
      stream.resume();
      await once(stream, 'close');
    }
    return seen;
  }
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  for (let call = 0; call < calls; call++) {
    const target = { host: 'localhost', port, ca: authority.cert, agent, headers, ...identity };
    const request = send(target).end();
    const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream];
    response.resume();
    await once(response, 'end');
  }
  return seen;
}

interface Setting {
  readonly kind?: 'http1' | 'http2' | 'http1 beside http2';
  readonly headers?: Readonly<Record<string, string>>;
  readonly calls?: number;
}

test.each(['http1', 'http2', 'http1 beside http2'] as const)(
  'the chain behind a certificate is what TLS has verified, over %s',
  async (kind) => {
    const cert = Buffer.concat([bob.cert, intermediate.cert]);
    const chainOf = (incoming: NodeIncoming) => nodeCertificate(incoming)?.chain;
    const [chain] = await seenBy({ ...bob, cert }, chainOf, { kind });
    expect(chain?.map((each) => new Uint8Array(each))).toEqual([intermediate.der, authority.der]);
    const [direct] = await seenBy(ann, chainOf, { kind });
    expect(direct?.map((each) => new Uint8Array(each))).toEqual([authority.der]);
    // Nobody vouches for who does not send the intermediate one.
    expect(await seenBy(bob, chainOf, { kind })).toEqual([undefined]);
  },
);

test('bytes alone say nothing of a chain', () => {
  expect(clientCertificate(ann.der).chain).toBeUndefined();
});

describe('the certificate of a TLS connection', () => {
  test.each(['http1', 'http2', 'http1 beside http2'] as const)(
    'is the one that was verified, over %s',
    async (kind) => {
      const [certificate] = await seenBy(ann, (incoming) => nodeCertificate(incoming), { kind });
      expect(bytes(certificate)).toEqual(ann.der);
    },
  );

  test.each(['http1', 'http2'] as const)('is one object for all calls over %s', async (kind) => {
    const seen = await seenBy(ann, (incoming) => nodeCertificate(incoming), { kind, calls: 3 });
    expect(seen).toHaveLength(3);
    expect(new Set(seen).size).toBe(1);
  });

  test.each<[string, Identity | undefined]>([
    ['that another authority signed', stranger],
    ['that was not shown', undefined],
  ])('%s is none', async (_name, client) => {
    for (const kind of ['http1', 'http2'] as const) {
      expect(await seenBy(client, (incoming) => nodeCertificate(incoming), { kind })).toEqual([
        undefined,
      ]);
    }
  });

  test('is none on a plain connection, and after an HTTP/2 stream has ended', () => {
    const plain = { socket: { remoteAddress: '127.0.0.1' }, headers: {} };
    expect(nodeCertificate(plain)).toBeUndefined();
    expect(nodeCertificate({ headers: {} })).toBeUndefined();
  });
});

describe('the certificate as a proxy writes it', () => {
  const base64 = Buffer.from(ann.der).toString('base64');
  const pem = `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
  const escaped = encodeURIComponent(pem);
  const envoy = `By=spiffe://a;Hash=00;Cert="${escaped}";Subject="CN=ann,O=\\"x;y\\""`;
  const fromProxy = (
    clientCert: NonNullable<TrustProxiesOptions['clientCert']>,
    headers: Readonly<Record<string, string | readonly string[]>>,
    remoteAddress = '10.0.0.1',
  ) =>
    bytes(
      nodeCertificate(
        { socket: { remoteAddress }, headers },
        trustProxies({ proxies: ['10.0.0.0/8'], header: 'forwarded', clientCert }),
      ),
    );
  const written = {
    'client-cert': { 'client-cert': `:${base64}:` },
    envoy: { 'x-forwarded-client-cert': envoy },
    nginx: { 'x-ssl-client-cert': escaped, 'x-ssl-client-verify': 'SUCCESS' },
    'ingress-nginx': { 'ssl-client-cert': escaped, 'ssl-client-verify': 'SUCCESS' },
    haproxy: { 'x-ssl-client-der': `"${base64}"`, 'x-ssl-client-verify': '0' },
    traefik: { 'x-forwarded-tls-client-cert': `${base64},AAAA` },
    'aws-alb': { 'x-amzn-mtls-clientcert-leaf': escaped },
    'google-cloud': { 'x-client-cert-leaf': `:${base64}:`, 'x-client-cert-chain-verified': 'true' },
  } as const;
  type Format = keyof typeof written;
  // The names of the table are its type.
  const formats = Object.keys(written) as Format[];

  test.each(formats)('%s: is taken from a proxy, and from nobody else', (format) => {
    expect(fromProxy(format, written[format])).toEqual(ann.der);
    expect(fromProxy(format, written[format], '192.0.2.1')).toBeUndefined();
    for (const other of formats) {
      if (other !== format) expect(fromProxy(other, written[format])).toBeUndefined();
    }
  });

  test.each<[string, Format, Readonly<Record<string, string | readonly string[]>>]>([
    ['not verified', 'nginx', { ...written.nginx, 'x-ssl-client-verify': 'FAILED:expired' }],
    ['verified twice', 'nginx', { ...written.nginx, 'x-ssl-client-verify': 'SUCCESS, SUCCESS' }],
    ['without a word on that', 'nginx', { 'x-ssl-client-cert': escaped }],
    ['verified with an error', 'haproxy', { ...written.haproxy, 'x-ssl-client-verify': '10' }],
    ['not verified by Google', 'google-cloud', { 'x-client-cert-leaf': `:${base64}:` }],
    ['with an element of the caller', 'envoy', { 'x-forwarded-client-cert': `${envoy},${envoy}` }],
    ['with two certificates', 'envoy', { 'x-forwarded-client-cert': `${envoy};Cert="${escaped}"` }],
    ['in a quote that stays open', 'envoy', { 'x-forwarded-client-cert': `Subject="${envoy}` }],
    ['inside another value', 'envoy', { 'x-forwarded-client-cert': `Subject="a;Cert=${escaped}"` }],
    ['sent twice', 'aws-alb', { 'x-amzn-mtls-clientcert-leaf': [escaped, escaped] }],
    ['as two PEM blocks', 'aws-alb', { 'x-amzn-mtls-clientcert-leaf': escaped + escaped }],
    ['escaped badly', 'aws-alb', { 'x-amzn-mtls-clientcert-leaf': `${escaped}%` }],
    [
      'sent twice, the first by the caller',
      'traefik',
      { 'x-forwarded-tls-client-cert': `${base64}, ${base64},AAAA` },
    ],
    ['as text', 'traefik', { 'x-forwarded-tls-client-cert': 'certificate' }],
  ])('is none %s', (_name, format, headers) => {
    expect(fromProxy(format, headers)).toBeUndefined();
  });

  test('a proxy that is not known cannot be constructed', () => {
    for (const clientCert of ['apache', 'toString', 1, null]) {
      expect(() =>
        trustProxies({ proxies: 1, header: 'forwarded', clientCert: clientCert as never }),
      ).toThrow(ConfigurationError);
    }
  });
});

describe('the certificate in Client-Cert (RFC 9440)', () => {
  const header = `:${Buffer.from(ann.der).toString('base64')}:`;
  const trust = trustProxies({ proxies: ['10.0.0.0/8'], header: 'forwarded', clientCert: true });
  const proxied = (
    value: string | readonly string[] | undefined,
    remoteAddress: string | undefined = '10.0.0.1',
  ): CertificateSource => ({ socket: { remoteAddress }, headers: { 'client-cert': value } });

  test('is taken from a proxy that writes it', () => {
    expect(bytes(nodeCertificate(proxied(header), trust))).toEqual(ann.der);
    const counted = trustProxies({ proxies: 1, header: 'forwarded', clientCert: true });
    expect(bytes(nodeCertificate(proxied(header, '192.0.2.1'), counted))).toEqual(ann.der);
  });

  test.each<[string, string | undefined, Parameters<typeof trustProxies>[0] | undefined]>([
    ['without trust', '10.0.0.1', undefined],
    ['without the option', '10.0.0.1', { proxies: ['10.0.0.0/8'], header: 'forwarded' }],
    [
      'from a stranger',
      '192.0.2.1',
      { proxies: ['10.0.0.0/8'], header: 'forwarded', clientCert: true },
    ],
    ['from nobody', undefined, { proxies: ['10.0.0.0/8'], header: 'forwarded', clientCert: true }],
  ])('is the word of the caller %s', (_name, address, options) => {
    const source = { socket: { remoteAddress: address }, headers: { 'client-cert': header } };
    expect(nodeCertificate(source, options && trustProxies(options))).toBeUndefined();
  });

  test.each<[string, string | readonly string[] | undefined]>([
    ['no header', undefined],
    ['an empty one', ''],
    ['no bytes', '::'],
    ['no colons', header.slice(1, -1)],
    ['text', '"certificate"'],
    ['PEM', ann.cert.toString()],
    ['two', `${header}, ${header}`],
    ['a list', [header, header]],
    ['parameters', `${header};a=1`],
    ['white space', `${header} `],
    ['base64url', header.replaceAll('+', '-').replaceAll('/', '_').replace('=', '')],
    ['bits that carry nothing', ':AB==:'],
    ['more than any certificate', `:${'AAAA'.repeat(4_096)}:`],
  ])('is none where the proxy sends %s', (_name, value) => {
    expect(nodeCertificate(proxied(value), trust)).toBeUndefined();
  });

  test('is never that of the proxy itself', async () => {
    const local = trustProxies({
      proxies: ['127.0.0.0/8', '::1'],
      header: 'forwarded',
      clientCert: true,
    });
    const read = (incoming: NodeIncoming) => bytes(nodeCertificate(incoming, local));
    const other = await authority.issue('bob');
    const headers = { 'client-cert': `:${Buffer.from(other.der).toString('base64')}:` };
    expect(await seenBy(ann, read)).toEqual([undefined]);
    expect(await seenBy(ann, read, { headers })).toEqual([other.der]);
    expect(await seenBy(ann, read, { headers, kind: 'http2' })).toEqual([other.der]);
  });

  test('still knows a direct caller by the connection', async () => {
    const read = (incoming: NodeIncoming) => bytes(nodeCertificate(incoming, trust));
    expect(await seenBy(ann, read, { headers: { 'client-cert': ':AAAA:' } })).toEqual([ann.der]);
  });
});

describe('what a certificate says', () => {
  test('is read as it is', async () => {
    const before = Date.now();
    const issued = await authority.issue('ann, O=Example, C=DE', [
      altNames(
        { type: 'url', value: 'spiffe://example.com/ann' },
        { type: 'dns', value: 'a.example' },
        { type: 'dns', value: 'b.example' },
        { type: 'email', value: 'ann@example.com' },
        { type: 'ip', value: '192.0.2.1' },
        { type: 'ip', value: '2001:db8::1' },
      ),
    ]);
    const { content } = clientCertificate(issued.der);
    expect(content).toMatchObject({
      dns: ['a.example', 'b.example'],
      uris: ['spiffe://example.com/ann'],
      emails: ['ann@example.com'],
      ips: ['192.0.2.1', '2001:db8::1'],
      issuer: 'CN=authority',
      thumbprint: createHash('sha256').update(issued.der).digest('base64url'),
      isAuthority: false,
    });
    expect(content?.subject.split(',').toSorted()).toEqual(['C=DE', 'CN=ann', 'O=Example']);
    expect(content?.notBefore).toBeLessThan(before);
    expect(content?.notAfter).toBeGreaterThan(before);
  });

  test('may be nothing but a subject', () => {
    const { content } = clientCertificate(stranger.der);
    expect(content).toMatchObject({ subject: 'CN=ann', dns: [], uris: [], emails: [] });
    expect(clientCertificate(authority.der).content?.isAuthority).toBe(true);
  });

  test.each(['a.example, DNS:evil.example', 'a"b', 'a\\b', "a'b", 'a,URI:spiffe://x/y'])(
    'cannot be forged by the DNS name %j',
    async (value) => {
      const issued = await authority.issue('mallory', [altNames({ type: 'dns', value })]);
      expect(clientCertificate(issued.der).content).toMatchObject({ dns: [value], uris: [] });
    },
  );

  test.each(['ann\\, CN=admin', 'ann\\+CN=admin'])(
    'does not match the subject CN=%s',
    async (name) => {
      const issued = await authority.issue(name);
      const { content } = clientCertificate(issued.der);
      expect(content?.subject).toMatch(/^CN=ann\\[,+] ?CN=admin$/);
    },
  );

  test('is nothing where the bytes are no certificate', () => {
    for (const raw of [new Uint8Array(), new Uint8Array(100), ann.der.slice(0, -10)]) {
      expect(clientCertificate(raw).content).toBeUndefined();
    }
  });

  test('is read once', () => {
    const certificate = clientCertificate(ann.der);
    expect(certificate.content).toBe(certificate.content);
  });
});
