import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/** What an authenticator is told to do wrong. */
export interface Misbehaviour {
  readonly origin?: string;
  readonly rpId?: string;
  readonly challenge?: string;
  readonly type?: string;
  readonly crossOrigin?: boolean;
  readonly topOrigin?: string;
  /** UP 1, UV 4, BE 8, BS 16, AT 64. */
  readonly flags?: number;
  readonly counter?: number;
  readonly userHandle?: string | null;
  readonly fmt?: string;
  readonly x5c?: boolean;
  readonly id?: string;
}

/** A passkey in software: makes keys and signs as an authenticator and a browser would together. */
export function softAuthenticator(origin: string, rpId: string, { counts = false } = {}) {
  const id = randomBytes(32);
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  let userHandle = '';
  let counter = counts ? 1 : 0;
  const clientData = (type: string, challenge: string, wrong: Misbehaviour): Buffer =>
    Buffer.from(
      JSON.stringify({
        type: wrong.type ?? type,
        challenge: wrong.challenge ?? challenge,
        origin: wrong.origin ?? origin,
        crossOrigin: wrong.crossOrigin ?? false,
        ...(wrong.topOrigin !== undefined && { topOrigin: wrong.topOrigin }),
      }),
    );
  const authData = (flags: number, count: number, wrong: Misbehaviour, rest: Buffer[] = []) => {
    const head = Buffer.alloc(5);
    head.writeUInt8(wrong.flags ?? flags, 0);
    head.writeUInt32BE(wrong.counter ?? count, 1);
    const rpIdHash = createHash('sha256')
      .update(wrong.rpId ?? rpId)
      .digest();
    return Buffer.concat([rpIdHash, head, ...rest]);
  };
  return {
    id: id.toString('base64url'),
    create: (
      options: { readonly challenge: string; readonly user: { readonly id: string } },
      wrong: Misbehaviour = {},
    ): Record<string, unknown> => {
      userHandle = options.user.id;
      const length = Buffer.alloc(2);
      length.writeUInt16BE(id.length);
      const attested = [Buffer.alloc(16), length, id, coseKey(publicKey)];
      const auth = authData(0x5d, counter, wrong, attested);
      const attestationObject = Buffer.concat([
        Buffer.from([0xa3]),
        text('fmt'),
        text(wrong.fmt ?? 'none'),
        text('attStmt'),
        wrong.x5c === true
          ? Buffer.concat([Buffer.from([0xa1]), text('x5c'), Buffer.from([0x81]), bytes(id)])
          : Buffer.from([0xa0]),
        text('authData'),
        bytes(auth),
      ]);
      const name = wrong.id ?? id.toString('base64url');
      return {
        id: name,
        rawId: name,
        type: 'public-key',
        clientExtensionResults: {},
        response: {
          clientDataJSON: clientData('webauthn.create', options.challenge, wrong).toString(
            'base64url',
          ),
          attestationObject: attestationObject.toString('base64url'),
          transports: ['internal', 'internal', 'made-up'],
        },
      };
    },
    get: (
      options: { readonly challenge: string },
      wrong: Misbehaviour = {},
    ): Record<string, unknown> => {
      if (counts) counter++;
      const client = clientData('webauthn.get', options.challenge, wrong);
      const auth = authData(0x1d, counter, wrong);
      const signed = Buffer.concat([auth, createHash('sha256').update(client).digest()]);
      return {
        id: id.toString('base64url'),
        rawId: id.toString('base64url'),
        type: 'public-key',
        clientExtensionResults: {},
        response: {
          clientDataJSON: client.toString('base64url'),
          authenticatorData: auth.toString('base64url'),
          signature: sign('sha256', signed, privateKey).toString('base64url'),
          userHandle: wrong.userHandle === undefined ? userHandle : wrong.userHandle,
        },
      };
    },
  };
}

/** CBOR, as much of it as that takes. */
function text(value: string): Buffer {
  return Buffer.concat([Buffer.from([0x60 + value.length]), Buffer.from(value)]);
}

function bytes(value: Buffer): Buffer {
  const head =
    value.length < 256 ? [0x58, value.length] : [0x59, value.length >> 8, value.length & 255];
  return Buffer.concat([Buffer.from(head), value]);
}

/** RFC 9053 §7.1.1: kty EC2, alg ES256, crv P-256. */
function coseKey(key: KeyObject): Buffer {
  const { x = '', y = '' } = key.export({ format: 'jwk' });
  return Buffer.concat([
    Buffer.from([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21]),
    bytes(Buffer.from(x, 'base64url')),
    Buffer.from([0x22]),
    bytes(Buffer.from(y, 'base64url')),
  ]);
}
