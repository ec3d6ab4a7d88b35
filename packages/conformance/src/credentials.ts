import {
  type ApiKeys,
  apiKeys,
  memoryApiKeyStore,
  type StepTokens,
  stepTokens,
} from '@apisec/core';
import {
  base64url,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  type JWK,
  SignJWT,
} from 'jose';
import { NOON, QUOTA, type Step } from './limit-policies.ts';

/** Who issues tokens in the suite, and for whom. */
export const ISSUER = 'https://issuer.example.test';
export const AUDIENCE = 'https://api.example.test';
/** Where clients reach the API, whatever address a subject listens on. */
export const PUBLIC_ORIGIN = 'https://api.example.test';
/** Stands in the cause of every injected fault; the caller must never see it. */
export const INTERNAL = 'internal-detail-7f3a';
/** Where the subjects' pages of problem types are. */
export const PROBLEM_TYPES = 'https://api.example.test/problems/';

/** What may be wrong with a token; everything not named is right. */
export interface TokenSpec {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly without?: readonly string[];
  /** Signed with a key that the API does not know, under the id of one that it does. */
  readonly forged?: boolean;
}

/** What a call is in its protocol, as a DPoP proof names it (RFC 9449 §4.2). */
export interface CallTarget {
  readonly method: string;
  readonly path: string;
}

/** What may be wrong with a proof; everything not named is right. */
export interface ProofSpec {
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Signed by another client, which shows its own key. */
  readonly foreign?: boolean;
}

/** Makes tokens with keys that exist for one run only. */
export interface Credentials {
  readonly jwks: { readonly keys: readonly JWK[] };
  readonly token: (spec?: TokenSpec) => Promise<string>;
  /** The thumbprint of the key that honest proofs are made with. */
  readonly jkt: string;
  readonly proof: (token: string, target: CallTarget, spec?: ProofSpec) => Promise<string>;
  readonly keys: ApiKeys;
  /** A new API key that has {@link QUOTA}. */
  readonly apiKey: () => Promise<string>;
  /** The tokens of the suite's one flow. */
  readonly steps: StepTokens<Step>;
  /** The public key as PEM-less JSON text, as an attacker would use it for an HMAC. */
  readonly publicText: string;
}

export async function createCredentials(): Promise<Credentials> {
  const known = await generateKeyPair('ES256', { extractable: true });
  const unknown = await generateKeyPair('ES256', { extractable: true });
  const jwk: JWK = {
    ...(await exportJWK(known.publicKey)),
    kid: 'known',
    alg: 'ES256',
    use: 'sig',
  };
  const holder = await generateKeyPair('ES256', { extractable: true });
  const thief = await generateKeyPair('ES256', { extractable: true });
  const keys = apiKeys({
    prefix: 'suite',
    environment: 'test',
    store: memoryApiKeyStore(),
    peppers: { current: 'one', keys: { one: randomBytes() } },
    now: () => NOON,
  });
  return {
    keys,
    apiKey: async () => {
      const issued = await keys.issue({
        name: 'suite',
        owner: { type: 'user', id: 'alice' },
        quotas: { [QUOTA]: { limit: 1, window: 86_400_000 } },
      });
      if (!issued.ok) throw new Error('The suite could not make a key.');
      return issued.key;
    },
    jkt: await calculateJwkThumbprint(await exportJWK(holder.publicKey)),
    proof: async (bound, { method, path }, { claims, foreign = false } = {}) => {
      const { publicKey, privateKey } = foreign ? thief : holder;
      const payload = {
        jti: crypto.randomUUID(),
        htm: method,
        htu: `${PUBLIC_ORIGIN}${path}`,
        iat: Math.floor(Date.now() / 1000),
        ath: base64url.encode(await sha256(bound)),
        ...claims,
      };
      return new SignJWT(payload)
        .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: await exportJWK(publicKey) })
        .sign(privateKey);
    },
    jwks: { keys: [jwk] },
    steps: stepTokens({ flow: 'checkout', steps: ['cart', 'payment'], secrets: [randomBytes()] }),
    publicText: JSON.stringify(jwk),
    token: async ({ claims, header, without = [], forged = false } = {}) => {
      const now = Math.floor(Date.now() / 1000);
      const payload: Record<string, unknown> = {
        iss: ISSUER,
        aud: AUDIENCE,
        sub: 'alice',
        client_id: 'shop',
        jti: crypto.randomUUID(),
        iat: now,
        exp: now + 300,
        scope: 'orders:read',
        ...claims,
      };
      for (const name of without) delete payload[name];
      return new SignJWT(payload)
        .setProtectedHeader({ alg: 'ES256', kid: 'known', typ: 'at+jwt', ...header })
        .sign(forged ? unknown.privateKey : known.privateKey);
    },
  };
}

/** A token that was never signed as it claims: header and payload as given, signature as given. */
export function assemble(header: object, payload: object, signature = ''): string {
  return `${segment(header)}.${segment(payload)}.${signature}`;
}

function segment(value: object): string {
  return base64url.encode(new TextEncoder().encode(JSON.stringify(value)));
}

function randomBytes(): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(32));
}

async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
}
