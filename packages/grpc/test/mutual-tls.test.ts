import { createAuthority, type Identity, SHOP_NAME } from '@apisec/conformance/certificates';
import { type CertificateFacts, definePolicy, deny, guard, pass } from '@apisec/core';
import { type GrpcSeed, secure } from '@apisec/grpc';
import { credentials, ServerCredentials, status } from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import { GET, openShop } from './shop.ts';

const authority = await createAuthority('authority');
const server = await authority.issue('server', [SHOP_NAME]);
const ann = await authority.issue('ann');
const stranger = await (await createAuthority('stranger')).issue('ann');

/** The certificates that a policy saw in one call. */
async function seenWith(
  client: Identity | undefined,
  {
    checkClientCertificate = true,
    lenient = false,
  }: { readonly checkClientCertificate?: boolean; readonly lenient?: boolean } = {},
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
    [secure({ methods: { [GET]: admission } })],
    {},
    {
      serverCredentials,
      clientCredentials: credentials.createSsl(authority.cert, client?.key, client?.cert),
    },
  );
  return { seen, answer: await shop.call(GET, { deadline: 2_000 }) };
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

  test('is none when the server did not ask for it', async () => {
    const { seen, answer } = await seenWith(ann, { checkClientCertificate: false });
    expect(answer.code).toBe(status.UNAUTHENTICATED);
    expect(seen).toEqual([undefined]);
  });

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
