import { createHash } from 'node:crypto';
import {
  AUTHORITY,
  altNames,
  createAuthority,
  type Identity,
  SHOP_NAME,
} from '@apisec/conformance/certificates';
import {
  type Admission,
  allowAuthenticated,
  authenticateCertificate,
  authenticateJwt,
  type CertificateFacts,
  definePolicy,
  deny,
  guard,
  localJwks,
  pass,
  requireCertificateBinding,
} from '@apisec/core';
import { type GrpcSeed, secure } from '@apisec/grpc';
import { type ProxyTrust, trustProxies } from '@apisec/node';
import { credentials, ServerCredentials, status } from '@grpc/grpc-js';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { GET, openShop } from './shop.ts';

const authority = await createAuthority('authority');
const server = await authority.issue('server', [SHOP_NAME]);
const ann = await authority.issue('ann');
const stranger = await (await createAuthority('stranger')).issue('ann');

interface Setting {
  readonly checkClientCertificate?: boolean;
  readonly lenient?: boolean;
  readonly trust?: ProxyTrust;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** The certificates that a policy saw in one call. */
async function seenWith(
  client: Identity | undefined,
  { checkClientCertificate = true, lenient = false, trust, metadata = {} }: Setting = {},
) {
  const seen: CertificateFacts['certificate'][] = [];
  const admission = guard<GrpcSeed>().use(
    definePolicy<CertificateFacts, object, 'grant'>({
      name: 'certificate',
      role: 'grant',
      check: (_, { certificate }) => {
        seen.push(certificate);
        return certificate ? pass() : deny('unauthenticated', 'certificate.missing');
      },
    }),
  );
  const serverCredentials = ServerCredentials.createSsl(
    authority.cert,
    [{ private_key: server.key, cert_chain: server.cert }],
    checkClientCertificate,
  );
  if (lenient) takeAnyCertificate(serverCredentials);
  const shop = await openShop(
    [secure({ methods: { [GET]: admission }, trust })],
    {},
    {
      serverCredentials,
      clientCredentials: credentials.createSsl(authority.cert, client?.key, client?.cert),
    },
  );
  return { seen, answer: await shop.call(GET, { deadline: 2_000, metadata }) };
}

const OPTIONS = '_getConstructorOptions';

/** What grpc-js has no option for: the handshake goes on with a certificate that nobody vouches for. */
function takeAnyCertificate(credentials: ServerCredentials): void {
  const handle = credentials as unknown as { [OPTIONS]: () => object };
  const options = handle[OPTIONS]();
  handle[OPTIONS] = () => ({ ...options, rejectUnauthorized: false });
}

describe('the certificate of the caller', () => {
  test('is a fact when TLS has verified it', async () => {
    const { seen, answer } = await seenWith(ann);
    expect(answer.code).toBe(status.OK);
    expect(seen.map((certificate) => new Uint8Array(certificate?.raw ?? []))).toEqual([ann.der]);
  });

  test('comes with the chain that TLS has verified, the one that signed it first', async () => {
    const intermediate = await authority.issue('intermediate', [AUTHORITY]);
    const bob = await intermediate.issue('bob');
    const { seen, answer } = await seenWith({
      ...bob,
      cert: Buffer.concat([bob.cert, intermediate.cert]),
    });
    expect(answer.code).toBe(status.OK);
    expect(
      seen.map((certificate) => certificate?.chain?.map((each) => new Uint8Array(each))),
    ).toEqual([[intermediate.der, authority.der]]);
    // The intermediate alone vouches for nobody: who does not send it is not let in.
    expect((await seenWith(bob)).answer.code).toBe(status.UNAVAILABLE);
  });

  test('identifies the caller: subject, names, addresses, thumbprint', async () => {
    const names = altNames(
      { type: 'dns', value: 'orders.example' },
      { type: 'url', value: 'spiffe://prod.example/orders' },
      { type: 'ip', value: '2001:db8:0::1' },
    );
    const orders = await authority.issue('orders', [names]);
    const { seen } = await seenWith(orders);
    expect(seen[0]?.content).toMatchObject({
      subject: 'CN=orders',
      issuer: 'CN=authority',
      dns: ['orders.example'],
      uris: ['spiffe://prod.example/orders'],
      ips: ['2001:db8::1'],
      isAuthority: false,
      thumbprint: createHash('sha256').update(orders.der).digest('base64url'),
    });
  });

  test('is none when the server did not ask for it', async () => {
    const { seen, answer } = await seenWith(ann, { checkClientCertificate: false });
    expect(answer.code).toBe(status.UNAUTHENTICATED);
    expect(seen).toEqual([undefined]);
  });

  // Covers: V12.1.3
  test('is none when TLS took it without believing it', async () => {
    const { seen, answer } = await seenWith(stranger, { lenient: true });
    expect(answer.code).toBe(status.UNAUTHENTICATED);
    expect(seen).toEqual([undefined]);
  });

  test.each([
    ['of another authority', stranger],
    ['missing', undefined],
  ])('ends the handshake when it is %s', async (_, client) => {
    const { seen, answer } = await seenWith(client);
    expect(answer.code).toBe(status.UNAVAILABLE);
    expect(seen).toEqual([]);
  });
});

describe('behind a proxy that writes Client-Cert', async () => {
  const bob = await authority.issue('bob');
  const metadata = { 'client-cert': `:${Buffer.from(bob.der).toString('base64')}:` };
  const header = 'forwarded';
  const here = trustProxies({ proxies: ['127.0.0.0/8'], header, clientCert: true });
  const elsewhere = trustProxies({ proxies: ['10.0.0.0/8'], header, clientCert: true });
  const silent = trustProxies({ proxies: ['127.0.0.0/8'], header });
  const envoy = trustProxies({ proxies: ['127.0.0.0/8'], header, clientCert: 'envoy' });
  const ofEnvoy = {
    'x-forwarded-client-cert': `Cert="${encodeURIComponent(bob.cert.toString())}"`,
  };

  test.each<[string, Setting, Uint8Array | undefined]>([
    ['the caller has the one that it wrote', { trust: here, metadata }, bob.der],
    [
      'the caller has none where it wrote none, whatever it shows itself',
      { trust: here },
      undefined,
    ],
    ['a direct caller has the one of the connection', { trust: elsewhere, metadata }, ann.der],
    ['a proxy that is not said to write it is not believed', { trust: silent, metadata }, ann.der],
    ['nobody is believed without trust', { metadata }, ann.der],
    ['Envoy is read in the field that it writes', { trust: envoy, metadata: ofEnvoy }, bob.der],
  ])('%s', async (_name, setting, der) => {
    const { seen } = await seenWith(ann, setting);
    expect(seen.map((each) => each && new Uint8Array(each.raw))).toEqual([der]);
  });
});

describe('policies on the certificate', () => {
  const base = guard<GrpcSeed>();
  const workload = base
    .use(authenticateCertificate({ identity: 'spiffe', trustDomains: ['prod.example'] }))
    .use(allowAuthenticated());

  async function codeFor(admission: Admission<GrpcSeed, object>, client: Identity, token?: string) {
    const shop = await openShop(
      [secure({ methods: { [GET]: admission } })],
      {},
      {
        serverCredentials: ServerCredentials.createSsl(
          authority.cert,
          [{ private_key: server.key, cert_chain: server.cert }],
          true,
        ),
        clientCredentials: credentials.createSsl(authority.cert, client.key, client.cert),
      },
    );
    const metadata = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return (await shop.call(GET, { deadline: 2_000, metadata })).code;
  }

  test.each([
    ['spiffe://prod.example/shop', status.OK],
    ['spiffe://evil.example/shop', status.UNAUTHENTICATED],
  ])('a workload that is %s', async (value, code) => {
    const client = await authority.issue('shop', [altNames({ type: 'url', value })]);
    expect(await codeFor(workload, client)).toBe(code);
  });

  test('a token that is bound to a certificate is good with that one only', async () => {
    const issuer = 'https://id.example';
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const jwk = { ...(await exportJWK(publicKey)), alg: 'ES256' };
    const keys = localJwks({ keys: [jwk] });
    const thumbprint = createHash('sha256').update(ann.der).digest('base64url');
    const token = await new SignJWT({ client_id: 'c', cnf: { 'x5t#S256': thumbprint } })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt' })
      .setIssuer(issuer)
      .setAudience('shop')
      .setSubject('ann')
      .setJti('1')
      .setIssuedAt()
      .setExpirationTime('1 minute')
      .sign(privateKey);
    const bound = base
      .use(authenticateJwt({ issuer, audience: 'shop', keys }))
      .use(requireCertificateBinding())
      .use(allowAuthenticated());
    expect(await codeFor(bound, ann, token)).toBe(status.OK);
    expect(await codeFor(bound, await authority.issue('bob'), token)).toBe(status.UNAUTHENTICATED);
  });
});
