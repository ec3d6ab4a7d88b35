import { createHash, randomUUID } from 'node:crypto';
import { isObject } from '@apisec/core/host';
import { importJWK, type JWK, type JWTHeaderParameters, SignJWT } from 'jose';
import { UsageError } from '../command.ts';
import { readJson } from '../files.ts';
import type { Answer, Probe } from './probe.ts';

type Key = Parameters<SignJWT['sign']>[0];

/** What is wrong with a proof on purpose; what is left out is as it should be. */
export interface Flaws {
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
  readonly header?: Readonly<Record<string, unknown>> | undefined;
  readonly key?: Key | undefined;
}

/** Proofs of possession (RFC 9449) with the key that the token is bound to. */
export interface Dpop {
  /** The public key, as the header of a proof has it. */
  readonly jwk: JWK;
  readonly alg: string;
  /** A proof for a probe with this token; `htu`, `htm`, `ath`, `iat`, `jti` and the newest nonce, unless flawed. */
  readonly proof: (probe: Probe, token: string, flaws?: Flaws) => Promise<string>;
  /** Sends a probe as it is: without a proof where it has none. */
  readonly sendBare: (probe: Probe) => Promise<Answer>;
  /** Sends a probe; one that has a token of the scheme DPoP, and no proof, with a proof. */
  readonly send: (probe: Probe) => Promise<Answer>;
  /** The server has asked for nonces, which take the place of the client's clock. */
  readonly asksForNonces: () => boolean;
}

const ALGORITHMS: Readonly<Record<string, string>> = {
  'P-256': 'ES256',
  'P-384': 'ES384',
  'P-521': 'ES512',
  Ed25519: 'EdDSA',
};
const PUBLIC = ['kty', 'crv', 'x', 'y', 'n', 'e'] as const;

/**
 * Reads a private JWK, or the first key of a JWKS. `origin`: what clients call the target, where that is another one.
 *
 * @throws UsageError for what is not a private key.
 */
export async function readDpop(
  file: string,
  target: URL,
  origin: string,
  sendBare: (probe: Probe) => Promise<Answer>,
): Promise<Dpop> {
  const parsed = await readJson(file);
  const keys: unknown = isObject(parsed) ? parsed['keys'] : undefined;
  const [given]: readonly unknown[] = Array.isArray(keys) ? keys : [parsed];
  const alg = isObject(given) ? algorithmOf(given) : '';
  const key = await privateKey(given, alg);
  if (!isObject(given) || key === undefined) {
    throw new UsageError(`${file} is not a private key (JWK) that signs.`);
  }
  const jwk: JWK = Object.fromEntries(
    PUBLIC.flatMap((name) => (typeof given[name] === 'string' ? [[name, given[name]]] : [])),
  );
  let nonce: string | undefined;
  const sendAndLearn = async (probe: Probe): Promise<Answer> => {
    const answer = await sendBare(probe);
    const next = answer.headers['dpop-nonce'];
    if (typeof next === 'string') nonce = next;
    return answer;
  };
  const proof: Dpop['proof'] = ({ method = 'GET', path }, token, flaws = {}) => {
    const [pathname = ''] = (path ?? target.pathname).split('?');
    const claims = {
      htm: method,
      htu: origin + pathname,
      ath: createHash('sha256').update(token).digest('base64url'),
      iat: Math.floor(Date.now() / 1_000),
      jti: randomUUID(),
      nonce,
      ...flaws.claims,
    };
    const header = { typ: 'dpop+jwt', alg, jwk, ...flaws.header } as JWTHeaderParameters;
    return new SignJWT(claims).setProtectedHeader(header).sign(flaws.key ?? key);
  };
  return {
    jwk,
    alg,
    proof,
    sendBare: sendAndLearn,
    asksForNonces: () => nonce !== undefined,
    send: async (probe) => {
      const token = tokenOf(probe);
      if (token === undefined) return sendAndLearn(probe);
      const before = nonce;
      const proved = async (): Promise<Probe> => ({
        ...probe,
        headers: [...(probe.headers ?? []), ['dpop', await proof(probe, token)]],
      });
      const answer = await sendAndLearn(await proved());
      // RFC 9449 §8: a server may ask for its nonce first.
      return answer.status === 401 && nonce !== before ? sendAndLearn(await proved()) : answer;
    },
  };
}

function algorithmOf({ alg, crv }: Readonly<Record<string, unknown>>): string {
  if (typeof alg === 'string') return alg;
  return (typeof crv === 'string' ? ALGORITHMS[crv] : undefined) ?? 'PS256';
}

/** The token of a probe that still needs a proof. */
function tokenOf({ headers = [] }: Probe): string | undefined {
  if (headers.some(([name]) => name === 'dpop')) return undefined;
  const value = headers.find(([name]) => name === 'authorization')?.[1] ?? '';
  return value.startsWith('DPoP ') ? value.slice('DPoP '.length) : undefined;
}

async function privateKey(given: unknown, alg: string): Promise<Key | undefined> {
  if (!isObject(given) || typeof given['d'] !== 'string') return undefined;
  try {
    // jose reports what is missing in the JWK.
    return await importJWK(given as JWK, alg);
  } catch {
    return undefined;
  }
}
