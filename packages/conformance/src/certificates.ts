// oxlint-disable-next-line import/no-unassigned-import -- the next import needs what this one installs
import 'reflect-metadata';
import {
  BasicConstraintsExtension,
  type Extension,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** A key with its certificate, as TLS libraries read them and as bytes. */
export interface Identity {
  readonly key: Buffer;
  readonly cert: Buffer;
  readonly der: Uint8Array;
  readonly issue: (name: string, extensions?: Extension[]) => Promise<Identity>;
}

/** A certificate authority that nobody knows yet. */
export async function createAuthority(name: string): Promise<Identity> {
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    ...validity(),
    extensions: [AUTHORITY],
  });
  return identity(keys, certificate);
}

/** Names of the extension `subjectAltName`. */
export function altNames(
  ...names: readonly { readonly type: 'dns' | 'url' | 'email' | 'ip'; readonly value: string }[]
): Extension {
  return new SubjectAlternativeNameExtension([...names]);
}

/** Makes a certificate one that signs others. */
export const AUTHORITY: Extension = new BasicConstraintsExtension(true);

/** The name that clients of the shop expect. */
export const SHOP_NAME: Extension = altNames({ type: 'dns', value: 'shop.example' });

async function identity(keys: CryptoKeyPair, certificate: X509Certificate): Promise<Identity> {
  const pkcs8 = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
  const lines = Buffer.from(pkcs8).toString('base64');
  return {
    key: Buffer.from(`-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\n`),
    cert: Buffer.from(`${certificate.toString('pem')}\n`),
    der: new Uint8Array(certificate.rawData),
    issue: async (name, extensions = []) => {
      const own = await generateKeys();
      const issued = await X509CertificateGenerator.create({
        subject: `CN=${name}`,
        issuer: certificate.subject,
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        ...validity(),
        extensions,
      });
      return identity(own, issued);
    },
  };
}

function generateKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

function validity(): { readonly notBefore: Date; readonly notAfter: Date } {
  const hour = 3_600_000;
  return { notBefore: new Date(Date.now() - hour), notAfter: new Date(Date.now() + hour) };
}
