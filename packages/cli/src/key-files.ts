import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isObject } from '@apisec/core/host';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import { UsageError } from './command.ts';
import { readText } from './files.ts';
import { create, replace, whileLocked } from './secret-files.ts';

/** What was written, by thumbprint. */
export interface WrittenKeys {
  readonly privateFile: string;
  readonly publicFile: string;
  readonly signing: string;
  /** Published already, so that every verifier knows it before it signs. */
  readonly next: string;
  /** Signed until now, and stays published for one rotation. */
  readonly retired?: string | undefined;
}

const ALGORITHMS = ['ES256', 'ES384', 'ES512', 'PS256', 'RS256', 'EdDSA'];

/**
 * Writes two key pairs: the first signs, the second is published for the next rotation.
 *
 * @throws UsageError when there are keys already, or for an algorithm that should not be begun with.
 */
export async function generateKeys(folder: string, alg = 'ES256'): Promise<WrittenKeys> {
  const [signing, next] = [await newKey(alg), await newKey(alg)];
  const files = filesIn(folder);
  await mkdir(folder, { recursive: true });
  // The private file first: a second process finds it, and leaves both alone.
  await create(files.privateFile, { keys: [signing, next] }, 0o600);
  await replace(files.publicFile, { keys: [signing, next].map(publicOf) }, 0o644);
  return { ...files, signing: kidOf(signing), next: kidOf(next) };
}

/**
 * Lets the next key sign, publishes a new next one, and keeps the one that signed until now published. A key that was
 * retired by the rotation before is published no more.
 *
 * @throws UsageError when the keys are not there, or not as {@link generateKeys} writes them.
 */
export async function rotateKeys(folder: string, alg?: string): Promise<WrittenKeys> {
  const files = filesIn(folder);
  return whileLocked(files.privateFile, async () => {
    const [old, signing] = await keysOf(files.privateFile);
    const next = await newKey(alg ?? String(signing.alg));
    // Published first: a crash in between leaves a key that nobody signs with yet.
    await replace(files.publicFile, { keys: [signing, next, old].map(publicOf) }, 0o644);
    await replace(files.privateFile, { keys: [signing, next] }, 0o600);
    return { ...files, signing: kidOf(signing), next: kidOf(next), retired: kidOf(old) };
  });
}

function filesIn(folder: string): { readonly privateFile: string; readonly publicFile: string } {
  return { privateFile: join(folder, 'private.jwks.json'), publicFile: join(folder, 'jwks.json') };
}

async function newKey(alg: string): Promise<JWK> {
  if (!ALGORITHMS.includes(alg)) {
    throw new UsageError(`--alg must be one of ${ALGORITHMS.join(', ')}.`);
  }
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = await exportJWK(privateKey);
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), alg, use: 'sig' };
}

/** The members of RFC 7518 §6 that are public; any other stays out, whatever it is. */
function publicOf(key: JWK): JWK {
  return Object.fromEntries(
    ['kty', 'crv', 'x', 'y', 'n', 'e', 'kid', 'alg', 'use'].flatMap((name) =>
      Object.hasOwn(key, name) ? [[name, Reflect.get(key, name)]] : [],
    ),
  );
}

function kidOf({ kid }: JWK): string {
  return kid ?? '';
}

async function keysOf(file: string): Promise<readonly [JWK, JWK]> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(await readText(file));
  } catch {
    throw new UsageError(`${file} cannot be read. Make keys with: apisec keys generate`);
  }
  const keys: unknown = isObject(parsed) ? parsed['keys'] : undefined;
  if (!Array.isArray(keys) || keys.length !== 2 || !keys.every(isOwnKey)) {
    throw new UsageError(`${file} does not hold two keys, as apisec keys generate writes them.`);
  }
  // It holds two, and both were looked at.
  return keys as unknown as readonly [JWK, JWK];
}

function isOwnKey(value: unknown): value is JWK {
  return isObject(value) && typeof value['kid'] === 'string' && typeof value['alg'] === 'string';
}
