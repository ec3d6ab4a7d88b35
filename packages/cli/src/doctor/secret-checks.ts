import { stat } from 'node:fs/promises';
import { isObject, parseUrl, publishedSecretProblem } from '@apisec/core/host';
import { base64url } from 'jose';
import { isLoopback } from '../addresses.ts';
import { UsageError } from '../command.ts';
import { readAnswer, readJson, readText } from '../files.ts';
import { readToken } from '../read-token.ts';
import type { Check, Patient } from './check.ts';
import { SECRET_FILES_CHECK } from './secret-files-check.ts';

const SECRET_NAME =
  /(?:^|_)(?:SECRET|PEPPER|PASS|PASSWORD|PASSWD|PWD|PASSPHRASE|SIGNING|SEALING|PRIVATE|COOKIE|TOKEN|KEY)S?(?:_KEY)?S?(?:_|$)/i;
/** Names with `KEY` or `TOKEN` that hold no secret, only public facts about one. */
const PUBLIC_NAME =
  /PUBLIC|(?:^|_)(?:ID|URLS?|URI|FILE|PATH|NAME|TTL|AGE|LIFETIME|ISSUER|AUDIENCE)$/i;
const KNOWN =
  /change.?me|secret|password|passw0rd|example|default|development|test|dummy|123456789|abcdefgh|qwerty/i;
const LEAST_SECRET = 22;
/** A database server slows guessing down, so its passwords may be shorter. */
const LEAST_PASSWORD = 12;
/** A random text of this length has more different characters than that. */
const LEAST_CHARACTERS = 8;
/** Seconds. */
const LONGEST_TOKEN = 3_600;
const OLDEST_KEY_DAYS = 90;
const DAY = 86_400_000;
const LEAST_RSA_BITS = 2_048;
/** Members of a private or shared key; `priv` of post-quantum ones. */
const PRIVATE = ['d', 'p', 'q', 'k', 'priv'];

export const SECRET_CHECKS: readonly Check[] = [
  SECRET_FILES_CHECK,
  {
    id: 'secrets.values',
    title: 'No secret in the environment is short or publicly known',
    needs: needsEnv,
    run: async (patient) => {
      for (const [name, value] of await envOf(patient)) {
        const password = passwordIn(value);
        if (password !== undefined) {
          const problem = weakness(password, LEAST_PASSWORD);
          if (problem !== undefined) return `The password in ${name} ${problem}.`;
        } else if (value !== '' && SECRET_NAME.test(name) && !PUBLIC_NAME.test(name)) {
          const problem = weakness(value, LEAST_SECRET);
          if (problem !== undefined) return `${name} ${problem}.`;
        }
      }
      return undefined;
    },
  },
  {
    id: 'environment.production',
    title: 'NODE_ENV is production',
    needs: needsEnv,
    run: async (patient) => {
      const value = new Map(await envOf(patient)).get('NODE_ENV');
      return value === 'production' ? undefined : 'NODE_ENV is not production.';
    },
  },
  {
    id: 'tokens.lifetime',
    title: 'Access tokens name their issuer and audience, and live for an hour at most',
    needs: ({ token }) => (token === undefined ? '--token' : undefined),
    run: async ({ token = '', now }) => {
      const { kind, claims = {}, remarks } = readToken(token, now);
      if (kind !== 'jws') return 'It is not a signed token whose lifetime can be read.';
      if (remarks.some((remark) => UNSIGNED.has(remark))) return 'It is not signed.';
      const { exp, iat, iss, aud } = claims;
      if (typeof iss !== 'string' || iss === '') return 'It does not name its issuer (iss).';
      const audiences = [aud].flat();
      if (audiences.length === 0 || audiences.some((each) => typeof each !== 'string' || !each))
        return 'It does not name its audience (aud).';
      if (typeof exp !== 'number') return 'It never expires (exp).';
      // The token may be usable from now on, even if `iat` lies in the future.
      const from = Math.min(typeof iat === 'number' ? iat : Number.POSITIVE_INFINITY, now / 1_000);
      const minutes = Math.round((exp - from) / 60);
      return exp - from > LONGEST_TOKEN ? `It lives for ${minutes} minutes.` : undefined;
    },
  },
  {
    id: 'keys.rotation',
    title: 'The next signing key is published before it signs, and none is private, shared or old',
    needs: ({ jwks }) => (jwks === undefined ? '--jwks' : undefined),
    run: async ({ jwks = '', now }) => {
      const { protocol = '', hostname = '' } = (isAddress(jwks) && parseUrl(jwks)) || {};
      if (protocol === 'http:' && !isLoopback(hostname)) return 'They are fetched without TLS.';
      const keys = await keysOf(jwks);
      if (keys.filter(({ use }) => use !== 'enc').length < 2)
        return 'Only one key is published, so no other can replace it at once.';
      const kids = keys.map(({ kid }) => kid);
      if (kids.some((kid) => typeof kid !== 'string') || new Set(kids).size < kids.length) {
        return 'Not every key has a kid of its own.';
      }
      // `x`, `n` or `pub` identifies a key; its `kid` can be any name.
      const values = keys
        .map(({ x, n, pub }) => x ?? n ?? pub)
        .filter((each) => each !== undefined);
      if (new Set(values).size < values.length) return 'One key is published twice.';
      for (const key of keys) {
        if (PRIVATE.some((name) => name in key)) return 'A private or shared key is published.';
        if (key['kty'] === 'RSA' && bitsOf(key['n']) < LEAST_RSA_BITS) {
          return 'An RSA key has fewer than 2048 bits.';
        }
      }
      if (isAddress(jwks)) return undefined;
      const days = Math.floor((now - (await stat(jwks)).mtimeMs) / DAY);
      return days > OLDEST_KEY_DAYS ? `They have not been rotated for ${days} days.` : undefined;
    },
  },
];

/** The remarks of {@link readToken} about an unsigned token. */
const UNSIGNED: ReadonlySet<string> = new Set(['It is not signed.', 'Its signature is empty.']);

/** What is wrong with a value that should be random, without the value itself. */
function weakness(value: string, least: number): string | undefined {
  if (KNOWN.test(value) || publishedSecretProblem(new TextEncoder().encode(value)) !== undefined) {
    return 'is a publicly known value';
  }
  if (value.length < least) return 'is too short to be random';
  return new Set(value).size < LEAST_CHARACTERS ? 'is not random' : undefined;
}

/** The password in an address like `postgres://app:password@db/shop`. */
function passwordIn(value: string): string | undefined {
  const url = /^[a-z][\w+.-]*:\/\//i.test(value) ? parseUrl(value) : undefined;
  if (url === undefined || url.password === '') return undefined;
  try {
    return decodeURIComponent(url.password);
  } catch {
    return url.password;
  }
}

function bitsOf(modulus: unknown): number {
  try {
    const bytes = base64url.decode(String(modulus));
    const first = bytes.findIndex((byte) => byte !== 0);
    return first < 0 ? 0 : (bytes.length - first) * 8 - Math.clz32(bytes[first] ?? 0) + 24;
  } catch {
    return 0;
  }
}

function needsEnv({ envFile }: Patient): string | undefined {
  return envFile === undefined ? '--env-file' : undefined;
}

/** Lines of `NAME=value`; neither quotes around a value nor a comment behind it are part of it. */
async function envOf({ envFile = '' }: Patient): Promise<readonly (readonly [string, string])[]> {
  let content: string;
  try {
    content = await readText(envFile);
  } catch {
    throw new UsageError(`${envFile} cannot be read.`);
  }
  return content.split('\n').flatMap((line) => {
    const [, name, value = ''] =
      /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    return name === undefined ? [] : [[name, bare(value)] as const];
  });
}

/** Some readers include ` #` in an unquoted value, which is then longer than what is checked here. */
function bare(value: string): string {
  const quoted = /^(["'`])(.*?)\1\s*(?:#.*)?$/.exec(value);
  return quoted?.[2] ?? value.replace(/(?:^|\s)#.*$/, '').trimEnd();
}

function isAddress(text: string): boolean {
  return /^https?:\/\//.test(text);
}

async function keysOf(where: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const parsed = isAddress(where) ? await fetchJson(where) : await readJson(where);
  const keys: unknown = isObject(parsed) ? parsed['keys'] : undefined;
  if (!Array.isArray(keys) || !keys.every(isObject)) {
    throw new UsageError(`${where} is not a JWK Set.`);
  }
  return keys;
}

async function fetchJson(url: string): Promise<unknown> {
  try {
    const signal = AbortSignal.timeout(5_000);
    return await readAnswer(await fetch(url, { redirect: 'error', signal }));
  } catch {
    throw new UsageError(`${url} cannot be read as JSON.`);
  }
}
