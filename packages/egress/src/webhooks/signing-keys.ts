import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  type KeyObject,
  randomBytes,
  randomUUID,
  sign,
} from 'node:crypto';
import type { SealingKeys, WebhookEndpoint, WebhookSecret } from '@apisec/core';
import { boundedCache, sealing } from '@apisec/core/host';

/** How messages are signed: with a secret that the receiver shares (`v1`), or so that it cannot sign itself (`v1a`). */
export type WebhookAlgorithm = 'hmac-sha256' | 'ed25519';

/** What the owner of an endpoint verifies with. */
export type IssuedWebhookKey<Algorithm extends WebhookAlgorithm> = Algorithm extends 'ed25519'
  ? {
      /** `whpk_` and base64. */
      readonly publicKey: string;
    }
  : {
      /** `whsec_` and base64; it cannot be shown again. */
      readonly secret: string;
    };

/** Makes keys of endpoints, and signs with them. */
export interface SigningKeys {
  readonly make: <Algorithm extends WebhookAlgorithm>(
    endpointId: string,
    algorithm: Algorithm,
  ) => Promise<{ readonly kept: WebhookSecret; readonly issued: IssuedWebhookKey<Algorithm> }>;
  /**
   * The value of `webhook-signature` for a message: a signature by each key that has not expired. Rejects where one of
   * them cannot be opened.
   */
  readonly sign: (
    endpoint: Pick<WebhookEndpoint, 'id' | 'secrets'>,
    message: string,
    nowMs: number,
  ) => Promise<string>;
}

const BYTES = 32;
/** What stands in front of the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410 §7). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');

/** The keys of endpoints under the operator's own: nothing that a store holds can sign. */
export function signingKeys(factory: string, sealingKeys: SealingKeys): SigningKeys {
  const box = sealing(factory, sealingKeys, 'apisec webhook secret');
  // Opening one takes longer than signing with it.
  const opened = boundedCache<KeyObject>({ maxEntries: 10_000, maxBytes: 8_000_000 });

  const keyOf = async (endpointId: string, kept: WebhookSecret): Promise<KeyObject> => {
    const context = contextOf(endpointId, kept);
    const { key: version, iv, text } = kept.secret;
    const name = JSON.stringify([context, version, iv, text]);
    const known = opened.get(name);
    if (known !== undefined) return known;
    const key = keyFrom(Buffer.from(await box.open(kept.secret, context)), kept.algorithm);
    opened.set(name, key, name.length + 200);
    return key;
  };

  return {
    make: async <Algorithm extends WebhookAlgorithm>(endpointId: string, algorithm: Algorithm) => {
      const bytes = randomBytes(BYTES);
      const id = randomUUID();
      const secret = await box.seal(bytes, contextOf(endpointId, { id, algorithm }));
      const issued =
        algorithm === 'ed25519'
          ? { publicKey: `whpk_${publicText(keyFrom(bytes, algorithm))}` }
          : { secret: `whsec_${bytes.toString('base64')}` };
      return {
        kept: { id, algorithm, secret },
        // TypeScript does not follow the algorithm into its type.
        issued: issued as IssuedWebhookKey<Algorithm>,
      };
    },
    sign: async ({ id, secrets }, message, nowMs) => {
      const current = secrets.filter((each) => isCurrent(each, nowMs));
      const signatures = current.map(async (each) => {
        const key = await keyOf(id, each);
        return each.algorithm === 'ed25519'
          ? `v1a,${sign(null, Buffer.from(message), key).toString('base64')}`
          : `v1,${createHmac('sha256', key).update(message).digest('base64')}`;
      });
      return (await Promise.all(signatures)).join(' ');
    },
  };
}

/** True until the overlap of a rotation is over. */
export function isCurrent({ expiresAtMs }: WebhookSecret, nowMs: number): boolean {
  return expiresAtMs === undefined || expiresAtMs > nowMs;
}

/** What is sealed for one endpoint, key and algorithm opens for no other. */
function contextOf(
  endpointId: string,
  { id, algorithm = 'hmac-sha256' }: Pick<WebhookSecret, 'id' | 'algorithm'>,
) {
  return JSON.stringify([endpointId, id, algorithm]);
}

function keyFrom(bytes: Buffer, algorithm: WebhookSecret['algorithm']): KeyObject {
  return algorithm === 'ed25519'
    ? createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, bytes]), format: 'der', type: 'pkcs8' })
    : createSecretKey(bytes);
}

function publicText(key: KeyObject): string {
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  return spki.subarray(-BYTES).toString('base64');
}
