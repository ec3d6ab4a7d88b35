import {
  accountRecovery,
  type IssuedTokens,
  memoryPasskeyStore,
  memoryRefreshTokenStore,
  memoryTicketStore,
  memoryTotpStore,
  passwordChanges,
  singleUseTokens,
  tokens,
  totp,
} from '@apisec/accounts';
import { passkeys } from '@apisec/accounts/passkeys';
import type { AuditAct, PrivateJwk, RecordOption } from '@apisec/core';
import { exportJWK, generateKeyPair } from 'jose';
import { describe, expect, test } from 'vitest';
import { brokenRecorders } from '../../core/test/recorders.ts';
import { oneTimeCodes } from '../src/totp/one-time-code.ts';
import { decodeBase32 } from '../src/totp/totp-secrets.ts';
import { plainPasswords } from './plain-passwords.ts';
import { softAuthenticator } from './soft-authenticator.ts';

type Recorder = NonNullable<RecordOption['record']>;

/** What somebody does, how it is answered where it could not be recorded, and what stands all the same. */
interface Part {
  readonly act: (how?: RecordOption) => Promise<unknown>;
  readonly stands: () => unknown;
}

const ORIGIN = 'https://shop.example.com';
const RP = 'shop.example.com';
const NOW = 1_700_000_000_000;
const sealingKeys = { current: 'v1', keys: { v1: crypto.getRandomValues(new Uint8Array(32)) } };
const { privateKey } = await generateKeyPair('ES256', { extractable: true });
// The members of a private key are what exportJWK gives for one.
const key = { ...(await exportJWK(privateKey)), alg: 'ES256', kid: 'k1' } as PrivateJwk;

async function ofTotp(record: Recorder | undefined, confirmed: boolean) {
  const store = memoryTotpStore();
  let time = NOW;
  const options = { issuer: 'Acme', store, sealingKeys, now: () => time };
  const enrolled = await totp(options).enrol('alice');
  if (!enrolled.ok) throw new Error(enrolled.denial.code);
  const secret = decodeBase32(enrolled.secret) ?? expect.unreachable();
  const codes = await oneTimeCodes(secret, { algorithm: 'SHA-1', digits: 6 });
  const code = () => codes(Math.floor(time / 30_000));
  if (confirmed) await totp(options).confirm('alice', await code());
  time += 30_000;
  const factors = totp({ ...options, record });
  return { factors, code, state: async () => (await factors.status('alice')).state };
}

async function ofPasskeys(record: Recorder | undefined, enrols: boolean) {
  const options = { rpId: RP, rpName: 'Shop', origins: [ORIGIN], store: memoryPasskeyStore() };
  const tickets = memoryTicketStore();
  const device = softAuthenticator(ORIGIN, RP);
  const keys = passkeys({ ...options, tickets, record });
  const register = async (by: typeof keys, how?: RecordOption) => {
    const asked = await by.registrationOptions({ subject: 'alice', name: 'alice@example.com' });
    if (!asked.ok) throw new Error(asked.denial.code);
    const response = device.create(asked.options);
    return by.register({ subject: 'alice', ticket: asked.ticket, response, ...how });
  };
  if (enrols) await register(passkeys({ ...options, tickets }));
  const count = async () => (await keys.list('alice')).length;
  return { keys, device, register: (how?: RecordOption) => register(keys, how), count };
}

async function ofTokens(record: Recorder | undefined) {
  const store = memoryRefreshTokenStore();
  const issued = tokens({
    issuer: 'https://id.example.com',
    audience: 'https://api.example.com',
    signing: { current: 'k1', keys: [key] },
    store,
    record,
  });
  const first = await issued.issue({ subject: 'alice', clientId: 'shop', record: () => true });
  const { refreshToken = '' } = first as IssuedTokens;
  const refreshed = async () => {
    const answer = await issued.refresh(refreshToken, { clientId: 'shop' });
    return answer.ok ? 'ok' : answer.code;
  };
  return { issued, refreshToken, refreshed };
}

function ofPasswords(record: Recorder): Part {
  const alice = { subject: 'alice', passwordHash: 'h:the old password' };
  const tickets = memoryTicketStore();
  const changes = passwordChanges({
    ...plainPasswords(alice),
    resets: singleUseTokens({ tickets, purpose: 'password_reset', lifetime: '30m' }),
    sendReset: () => undefined,
    endSessions: () => undefined,
    record,
  });
  const [current, next] = ['the old password', 'a brand new phrase'];
  return {
    act: () => changes.change({ subject: 'alice', current, next, peer: '192.0.2.1' }),
    stands: () => alice.passwordHash,
  };
}

async function ofRecovery(record: Recorder): Promise<Part> {
  let time = NOW;
  const removed: string[] = [];
  const now = () => time;
  const recovery = accountRecovery({
    tickets: memoryTicketStore({ now }),
    proofs: { password: () => true, mail: () => true },
    removeFactors: (subject) => removed.push(subject),
    notify: () => undefined,
    now,
    record,
  });
  const proof = { evidence: 'e', peer: '192.0.2.1' };
  const begun = await recovery.begin({ subject: 'alice', proof: 'password', ...proof });
  if (!begun.ok) throw new Error(begun.denial.code);
  time = begun.readyAt;
  return {
    act: () => recovery.complete({ token: begun.token, proof: 'mail', ...proof }),
    stands: () => removed,
  };
}

const parts: readonly (readonly [
  name: string,
  act: string,
  make: (record: Recorder) => Part | Promise<Part>,
  /** The code of the denial, or `rejects`. */
  unrecorded: string,
  stands: unknown,
])[] = [
  [
    'a second factor that is confirmed',
    'factor.enrolled',
    async (record) => {
      const { factors, code, state } = await ofTotp(record, false);
      return { act: async () => factors.confirm('alice', await code()), stands: state };
    },
    'totp.unavailable',
    'active',
  ],
  [
    'a second factor that is taken over',
    'factor.enrolled',
    async (record) => {
      const { factors, state } = await ofTotp(record, false);
      const secret = crypto.getRandomValues(new Uint8Array(20));
      return { act: () => factors.importSecret('alice', { secret }), stands: state };
    },
    'totp.unavailable',
    'active',
  ],
  [
    'backup codes that are renewed',
    'factor.enrolled',
    async (record) => {
      const { factors, state } = await ofTotp(record, true);
      return { act: () => factors.renewBackupCodes('alice'), stands: state };
    },
    'totp.unavailable',
    'active',
  ],
  [
    'a second factor that is removed',
    'factor.removed',
    async (record) => {
      const { factors, state } = await ofTotp(record, true);
      return { act: () => factors.remove('alice'), stands: state };
    },
    'rejects',
    'none',
  ],
  [
    'a passkey that is registered',
    'factor.enrolled',
    async (record) => {
      const { register, count } = await ofPasskeys(record, false);
      return { act: register, stands: count };
    },
    'passkey.unavailable',
    1,
  ],
  [
    'a passkey that is removed',
    'factor.removed',
    async (record) => {
      const { keys, device, count } = await ofPasskeys(record, true);
      return { act: () => keys.remove('alice', device.id), stands: count };
    },
    'rejects',
    0,
  ],
  [
    'all passkeys of an account that are removed',
    'factor.removed',
    async (record) => {
      const { keys, count } = await ofPasskeys(record, true);
      return { act: () => keys.removeAll('alice'), stands: count };
    },
    'rejects',
    0,
  ],
  [
    'a family of refresh tokens that is revoked',
    'token.family_ended',
    async (record) => {
      const { issued, refreshToken, refreshed } = await ofTokens(record);
      const act = () => issued.revoke(refreshToken, { clientId: 'shop' });
      return { act, stands: refreshed };
    },
    'refresh.unavailable',
    'refresh.revoked',
  ],
  [
    'all families of a subject that are revoked',
    'token.family_ended',
    async (record) => {
      const { issued, refreshed } = await ofTokens(record);
      return { act: () => issued.revokeSubject('alice'), stands: refreshed };
    },
    'refresh.unavailable',
    'refresh.revoked',
  ],
  [
    'a password that is changed',
    'password.changed',
    ofPasswords,
    'password.unavailable',
    'h:a brand new phrase',
  ],
  ['a recovery that is completed', 'factor.reset', ofRecovery, 'recovery.unavailable', ['alice']],
];

/** What an answer comes to: its denial code, or `ok`. */
async function told(answer: Promise<unknown>): Promise<string> {
  try {
    const value = await answer;
    if (typeof value !== 'object' || value === null) return 'ok';
    const { ok, code, denial } = value as { ok: boolean; code?: string; denial?: { code: string } };
    return ok ? 'ok' : (code ?? denial?.code ?? 'nothing');
  } catch (cause) {
    expect(String(cause)).toContain('could not be recorded');
    return 'rejects';
  }
}

describe.each(parts)('%s', (_name, act, make, unrecorded, stands) => {
  test('is recorded once, with the owner', async () => {
    const acts: AuditAct[] = [];
    const part = await make((each) => acts.push(each));
    expect(await told(part.act())).toBe('ok');
    expect(acts.map((each) => each.act)).toEqual([act]);
    expect(JSON.stringify(acts)).toContain('alice');
    expect(await part.stands()).toEqual(stands);
  });

  test.each(brokenRecorders)('is not done in silence where record %s', async (_how, broken) => {
    const part = await make(broken);
    expect(await told(part.act())).toBe(unrecorded);
    expect(await part.stands()).toEqual(stands);
  });
});

test('a call may name who records it, in the place of the factory', async () => {
  const told: string[] = [];
  const factory = () => expect.unreachable();
  const record = ({ act }: AuditAct) => told.push(act);
  const { factors, code } = await ofTotp(factory, false);
  await factors.confirm('alice', await code(), { record });
  await factors.remove('alice', { record });
  const { register, keys } = await ofPasskeys(factory, false);
  await register({ record });
  await keys.removeAll('alice', { record });
  const { issued, refreshToken } = await ofTokens(factory);
  await issued.revoke(refreshToken, { clientId: 'shop', record });
  await issued.revokeSubject('alice', { record });
  const [enrolled, removed, ended] = ['factor.enrolled', 'factor.removed', 'token.family_ended'];
  expect(told).toEqual([enrolled, removed, enrolled, removed, ended, ended]);
});

test('an act that changed nothing is not recorded', async () => {
  const record = () => expect.unreachable();
  const { factors } = await ofTotp(record, false);
  expect(await factors.remove('bob')).toBe(false);
  const { keys } = await ofPasskeys(record, true);
  expect(await keys.remove('mallory', 'x')).toBe(false);
  const { issued, refreshToken } = await ofTokens(record);
  const answer = await issued.revoke(refreshToken, { clientId: 'thief' });
  expect(answer).toMatchObject({ code: 'refresh.client_mismatch' });
});
