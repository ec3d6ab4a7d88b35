import { generateKeyPairSync } from 'node:crypto';
import {
  type IssuedTokens,
  type LoginAccount,
  memoryRefreshTokenStore,
  type PasswordAccounts,
  passwords,
  type TokensDenied,
  tokens,
} from '@apisec/accounts';
import { nodePasswordHasher } from '@apisec/accounts/node-password-hasher';
import { type Denial, memoryCounterStore, type PrivateJwk } from '@apisec/core';
import { memorySessionStore, sessions } from '@apisec/oauth';
import express from 'express';
import { identifier, password, peer, subject } from './common.ts';
import { sealingKeys } from './sealing-keys.ts';

export const issuer = 'https://shop.example.com';
export const app = express();
export const browser = sessions({ store: memorySessionStore(), keys: sealingKeys });

/** Counts in memory, whatever it is told of Redis. */
export const redis = undefined;
export const redisCounterStore = () => memoryCounterStore();

/** Guides run often. */
export const cheap = { cost: { ln: 14, r: 8, p: 1 } } as const;
const hashed = await passwords({ hasher: nodePasswordHasher(cheap) }).hash(password);
if (!hashed.ok) throw new Error(hashed.denial.code);
let alice: LoginAccount = { subject, passwordHash: hashed.hash };
const replaceHash = async (id: string, hash: string, expected: string | undefined) => {
  if (id !== subject || alice.passwordHash !== expected) return false;
  alice = { subject, passwordHash: hash };
  return true;
};
export const users = {
  findByMail: async (mail: string) => (mail === identifier ? alice : undefined),
  find: async (id: string) => (id === subject ? alice : undefined),
  replaceHash,
};
export const accounts: PasswordAccounts = {
  byIdentifier: users.findByMail,
  bySubject: users.find,
  setHash: replaceHash,
};

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
// The members of a private key are what Node exports for one.
const jwk = { ...privateKey.export({ format: 'jwk' }), kid: 'k1', alg: 'ES256' } as PrivateJwk;
export const issued = tokens({
  issuer,
  audience: 'https://api.example.com',
  signing: { current: 'k1', keys: [jwk] },
  store: memoryRefreshTokenStore(),
});

/** What logins were answered with. */
export const sent: (IssuedTokens | TokensDenied)[] = [];
export const send = (value: IssuedTokens | TokensDenied): number => sent.push(value);
/** Why logins were denied. */
export const denials: Denial[] = [];
export const deny = (denial: Denial): number => denials.push(denial);

export const current = password;
export const next = 'staple battery horse correct';
/** Of no link that was sent. */
export const token = 'x'.repeat(68);
export const session = 'the session of this browser';
/** The links that were sent. */
export const mails: string[] = [];
export const mail = async (_account: object, text: string): Promise<void> => {
  mails.push(text);
};
export { identifier, password, peer, subject };
