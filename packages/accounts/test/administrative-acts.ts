import type {
  ApiKeyStore,
  AuditAct,
  CounterStore,
  LimitStore,
  PasskeyStore,
  PrivateJwk,
  RecordOption,
  RefreshTokenStore,
  RevocationStore,
  RoleStore,
  SessionStore,
  TenantStore,
  TicketStore,
  TotpStore,
} from '@apisec/core';
import {
  apiKeys,
  memoryCounterStore,
  recordedRoleStore,
  recordedTenantStore,
  resetFailures,
  resetLimits,
  revocations,
  tokenBucket,
} from '@apisec/core';
import { exportJWK, generateKeyPair } from 'jose';
import { expect, vi } from 'vitest';
import { sessions } from '../../oauth/src/index.ts';
import {
  accountRecovery,
  type LoginOptions,
  login,
  memoryTicketStore,
  passwordChanges,
  resetSecondFactor,
  singleUseTokens,
  tokens,
  totp,
} from '../src/index.ts';
import { passkeys } from '../src/passkeys/passkeys.ts';
import { oneTimeCodes } from '../src/totp/one-time-code.ts';
import { decodeBase32 } from '../src/totp/totp-secrets.ts';
import { plainPasswords } from './plain-passwords.ts';
import { softAuthenticator } from './soft-authenticator.ts';

/** What administrative acts are done on; a store that a server does not have is left out. */
export interface ActStores {
  readonly apiKeys?: ApiKeyStore;
  readonly limits?: LimitStore;
  readonly counters?: CounterStore;
  readonly revocations?: RevocationStore;
  readonly refreshTokens?: RefreshTokenStore;
  readonly totp?: TotpStore;
  readonly passkeys?: PasskeyStore;
  readonly sessions?: SessionStore;
  readonly tickets?: TicketStore;
  readonly tenants?: TenantStore;
  readonly roles?: RoleStore;
}

type Recorder = NonNullable<RecordOption['record']>;

/** One administrative act on one store. */
export interface AdministrativeAct {
  readonly name: string;
  readonly store: keyof ActStores;
  /** What it is told as, once, however many try it at the same moment. */
  readonly act: AuditAct['act'];
  /** Does it; answers every secret that was in play. */
  readonly run: (stores: ActStores, record: Recorder) => Promise<readonly string[]>;
}

const AT_ONCE = 6;
/** The same by many at the same moment: at most one of them does it. */
const race = (work: () => unknown): Promise<readonly unknown[]> =>
  Promise.all(Array.from({ length: AT_ONCE }, async () => work()));

const ORIGIN = 'https://shop.example.com';
const PEPPER = crypto.getRandomValues(new Uint8Array(32));
const sealingKeys = { current: 'v1', keys: { v1: crypto.getRandomValues(new Uint8Array(32)) } };
const bucket = tokenBucket({ capacity: 3, refillPerSecond: 0.001 });
const owner = { type: 'user', id: 'alice' } as const;

/** The store that an act names; who runs the act has seen that it is there. */
function needed<Name extends keyof ActStores>(stores: ActStores, name: Name) {
  return stores[name] ?? expect.unreachable(`there is no store for ${name}`);
}

/** A key that is there, and keys that record what is done to it. */
async function keyOf(stores: ActStores, record: Recorder) {
  const options = {
    prefix: 'acme',
    environment: 'live',
    store: needed(stores, 'apiKeys'),
    peppers: { current: 'v1', keys: { v1: PEPPER } },
  };
  const issued = await apiKeys(options).issue({
    name: 'Billing',
    owner,
    tenant: 't1',
    quotas: { calls: { limit: 5, window: 86_400_000 } },
  });
  if (!issued.ok) throw new Error(JSON.stringify(issued));
  const { key, info } = issued;
  return { keys: apiKeys({ ...options, record }), id: info.id, key };
}

type Keys = Awaited<ReturnType<typeof keyOf>>;

const ofKey = (act: AuditAct['act'], work: (key: Keys) => Promise<unknown>): AdministrativeAct => ({
  name: act,
  store: 'apiKeys',
  act,
  run: async (stores, record) => {
    const key = await keyOf(stores, record);
    const answer = (await work(key)) as { readonly key?: string } | undefined;
    return [key.key, answer?.key ?? key.key];
  },
});

const ofTenant = (
  act: AuditAct['act'],
  from: 'active' | 'suspended',
  to: 'active' | 'suspended' | 'closed',
): AdministrativeAct => ({
  name: act,
  store: 'tenants',
  act,
  run: async (stores, record) => {
    const store = needed(stores, 'tenants');
    const id = `t-${crypto.randomUUID()}`;
    await store.create({ id, status: from, attributes: {} });
    const tenants = recordedTenantStore({ store, record });
    await tenants.update({ id, status: to, attributes: { plan: 'pro' } });
    return [];
  },
});

async function factorOf(stores: ActStores, record: Recorder, confirmed: boolean) {
  const account = `user-${crypto.randomUUID()}`;
  let time = Date.now();
  const options = {
    issuer: 'Acme',
    store: needed(stores, 'totp'),
    sealingKeys,
    now: () => time,
  };
  const enrolled = await totp(options).enrol(account);
  if (!enrolled.ok) throw new Error(enrolled.denial.code);
  const bytes = decodeBase32(enrolled.secret) ?? expect.unreachable();
  const codes = await oneTimeCodes(bytes, { algorithm: 'SHA-1', digits: 6 });
  const code = () => codes(Math.floor(time / 30_000));
  const secrets = [enrolled.secret, await code()];
  if (confirmed) {
    const answer = await totp(options).confirm(account, await code());
    if (answer.ok) secrets.push(...answer.backupCodes);
  }
  time += 30_000;
  secrets.push(await code());
  return { account, factors: totp({ ...options, record }), code: await code(), secrets };
}

async function passkeyOf(stores: ActStores, record: Recorder) {
  const subject = `user-${crypto.randomUUID()}`;
  const device = softAuthenticator(ORIGIN, 'shop.example.com');
  const keys = passkeys({
    rpId: 'shop.example.com',
    rpName: 'Shop',
    origins: [ORIGIN],
    store: needed(stores, 'passkeys'),
    tickets: needed(stores, 'tickets'),
    record,
  });
  const asked = await keys.registrationOptions({ subject, name: 'alice@example.com' });
  if (!asked.ok) throw new Error(asked.denial.code);
  const response = device.create(asked.options);
  const register = (how?: RecordOption) =>
    keys.register({ subject, ticket: asked.ticket, response, ...how });
  const secrets = [asked.ticket, asked.options.challenge];
  return { subject, device, keys, register, secrets };
}

async function grantOf(stores: ActStores, record: Recorder) {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  // The members of a private key are what exportJWK gives for one.
  const key = { ...(await exportJWK(privateKey)), alg: 'ES256', kid: 'k1' } as PrivateJwk;
  const issued = tokens({
    issuer: 'https://id.example.com',
    audience: 'https://api.example.com',
    signing: { current: 'k1', keys: [key] },
    store: needed(stores, 'refreshTokens'),
    reuseGrace: '0ms',
    record,
  });
  const subject = `user-${crypto.randomUUID()}`;
  const first = await issued.issue({ subject, clientId: 'shop', record: () => true });
  if (!first.ok) throw new Error(first.code);
  const { refreshToken = '', accessToken } = first;
  return { issued, subject, refreshToken, secrets: [refreshToken, accessToken, key.d] };
}

async function sessionOf(stores: ActStores, record: Recorder) {
  const user = { issuer: 'https://id.example.com', subject: `user-${crypto.randomUUID()}` };
  const browser = sessions({ store: needed(stores, 'sessions'), keys: sealingKeys, record });
  const begun = await browser.start(
    new Request(ORIGIN),
    { ...user, clientId: 'shop', sid: 's1', claims: {} },
    { record: () => true },
  );
  if (!begun.ok) throw new Error(begun.denial.code);
  const [cookie = ''] = begun.setCookie.split(';');
  const [session] = await browser.list(user);
  return {
    browser,
    user,
    cookie,
    handle: session?.handle ?? '',
    secrets: [cookie.split('=')[1] ?? ''],
  };
}

async function passwordOf(stores: ActStores, record: Recorder) {
  const alice = { subject: 'alice', passwordHash: 'h:the old password' };
  const sent: string[] = [];
  const changes = passwordChanges({
    ...plainPasswords(alice),
    resets: singleUseTokens({
      tickets: needed(stores, 'tickets'),
      purpose: 'password_reset',
      lifetime: '30m',
    }),
    sendReset: ({ token }) => void sent.push(token),
    endSessions: () => undefined,
    record,
  });
  return { changes, sent };
}

/** The first step of a login to the one account that there is. */
function loginOf(stores: ActStores, record: Recorder, more: Partial<LoginOptions<string>> = {}) {
  const { passwords, accounts } = plainPasswords({
    subject: 'alice',
    passwordHash: `h:${OLD_PASSWORD}`,
  });
  const counters = stores.counters ?? memoryCounterStore();
  const signIn = login<string>({
    accounts,
    passwords,
    tickets: stores.tickets ?? memoryTicketStore(),
    throttle: { store: counters, name: `login-${crypto.randomUUID()}` },
    finish: () => 'a session',
    record,
    ...more,
  });
  const caller = { client: 'a client that is known', peer: PEER };
  const password = (typed: string, how?: RecordOption) =>
    signIn.password({ ...caller, ...how, identifier: 'alice@example.com', password: typed });
  return { signIn, caller, password };
}

const PEER = '192.0.2.1';
const [OLD_PASSWORD, NEW_PASSWORD] = ['the old password', 'a brand new phrase'];

/** Every administrative act that is recorded by itself. */
export const administrativeActs: readonly AdministrativeAct[] = [
  ofKey('api_key.issued', ({ keys }) => keys.issue({ name: 'Second', owner })),
  ofKey('api_key.rotated', ({ keys, id }) => keys.rotate(id, { overlapMs: 1_000, generation: 0 })),
  ofKey('api_key.changed', ({ keys, id }) => keys.update(id, { name: 'New' })),
  ofKey('api_key.disabled', ({ keys, id }) => keys.disable(id, { reason: 'holiday' })),
  ofKey('api_key.enabled', ({ keys, id }) => keys.enable(id)),
  ofKey('api_key.revoked', ({ keys, id }) => race(() => keys.revoke(id, { reason: 'leaked' }))),
  {
    name: 'api_key.imported',
    store: 'apiKeys',
    act: 'api_key.imported',
    run: async (stores, record) => {
      const keys = apiKeys({
        prefix: 'acme',
        environment: 'live',
        store: needed(stores, 'apiKeys'),
        peppers: { current: 'v1', keys: { v1: PEPPER } },
        imported: { lookup: (presented) => presented.slice(0, 8), verify: () => true },
        record,
      });
      const lookup = `key-${crypto.randomUUID()}`;
      const hash = 'the hash that was taken over';
      const taken = await keys.import({ name: 'Old', owner, lookup, hash });
      if (!taken.ok) throw new Error(JSON.stringify(taken));
      return [hash, lookup];
    },
  },
  ofKey('quota.reset', ({ keys, id }) => keys.resetQuotas(id)),
  {
    name: 'revocation.added',
    store: 'revocations',
    act: 'revocation.added',
    run: async (stores, record) => {
      const store = needed(stores, 'revocations');
      const target = { kind: 'subject', issuer: 'https://id.example.com', id: 'alice' } as const;
      await revocations({ store, maxTokenLifetime: '1h', record }).revoke(target);
      return [];
    },
  },
  {
    name: 'revocation.lifted',
    store: 'revocations',
    act: 'revocation.lifted',
    run: async (stores, record) => {
      const store = needed(stores, 'revocations');
      const target = { kind: 'token', issuer: 'https://id.example.com', id: 'jti-1' } as const;
      const options = { store, maxTokenLifetime: '1h' } as const;
      await revocations(options).revoke(target);
      await revocations({ ...options, record }).lift(target);
      return [];
    },
  },
  {
    name: 'limit.reset',
    store: 'limits',
    act: 'limit.reset',
    run: async (stores, record) => {
      const store = needed(stores, 'limits');
      const limits = [bucket, tokenBucket({ capacity: 9, refillPerSecond: 1 })];
      await resetLimits({ store, name: 'api', key: 'alice', limits, record });
      return [];
    },
  },
  {
    name: 'lock.lifted',
    store: 'counters',
    act: 'lock.lifted',
    run: async (stores, record) => {
      const store = needed(stores, 'counters');
      await resetFailures({ store, name: 'login', account: 'alice', record });
      return [];
    },
  },
  {
    name: 'lock.lifted of a second factor',
    store: 'totp',
    act: 'lock.lifted',
    run: async (stores, record) => {
      const { account, secrets } = await factorOf(stores, record, true);
      await resetSecondFactor({ store: needed(stores, 'totp'), account, what: 'lock', record });
      return secrets;
    },
  },
  {
    name: 'factor.reset by support',
    store: 'totp',
    act: 'factor.reset',
    run: async (stores, record) => {
      const { account, secrets } = await factorOf(stores, record, true);
      const store = needed(stores, 'totp');
      await race(() => resetSecondFactor({ store, account, what: 'factor', record }));
      return secrets;
    },
  },
  {
    name: 'factor.enrolled of TOTP',
    store: 'totp',
    act: 'factor.enrolled',
    run: async (stores, record) => {
      const { account, factors, code, secrets } = await factorOf(stores, record, false);
      const answers = await race(() => factors.confirm(account, code));
      const codes = answers.flatMap((answer) => {
        const { backupCodes = [] } = answer as { readonly backupCodes?: readonly string[] };
        return backupCodes;
      });
      expect(codes.length).toBeGreaterThan(0);
      return [...secrets, ...codes];
    },
  },
  {
    name: 'factor.enrolled of backup codes',
    store: 'totp',
    act: 'factor.enrolled',
    run: async (stores, record) => {
      const { account, factors, secrets } = await factorOf(stores, record, true);
      const renewed = await factors.renewBackupCodes(account);
      if (!renewed.ok) throw new Error(renewed.denial.code);
      return [...secrets, ...renewed.backupCodes];
    },
  },
  {
    name: 'factor.removed of TOTP',
    store: 'totp',
    act: 'factor.removed',
    run: async (stores, record) => {
      const { account, factors, secrets } = await factorOf(stores, record, true);
      await race(() => factors.remove(account));
      return secrets;
    },
  },
  {
    name: 'factor.enrolled of a passkey',
    store: 'passkeys',
    act: 'factor.enrolled',
    run: async (stores, record) => {
      const { register, secrets } = await passkeyOf(stores, record);
      await race(register);
      return secrets;
    },
  },
  {
    name: 'factor.removed of a passkey',
    store: 'passkeys',
    act: 'factor.removed',
    run: async (stores, record) => {
      const { subject, device, keys, register, secrets } = await passkeyOf(stores, record);
      await register({ record: () => true });
      await race(() => keys.remove(subject, device.id));
      return secrets;
    },
  },
  {
    name: 'token.family_ended by its token',
    store: 'refreshTokens',
    act: 'token.family_ended',
    run: async (stores, record) => {
      const { issued, refreshToken, secrets } = await grantOf(stores, record);
      await race(() => issued.revoke(refreshToken, { clientId: 'shop' }));
      return secrets;
    },
  },
  {
    name: 'token.family_ended by its subject',
    store: 'refreshTokens',
    act: 'token.family_ended',
    run: async (stores, record) => {
      const { issued, subject, secrets } = await grantOf(stores, record);
      await issued.revokeSubject(subject);
      return secrets;
    },
  },
  {
    name: 'token.reused',
    store: 'refreshTokens',
    act: 'token.reused',
    run: async (stores, record) => {
      const { issued, refreshToken, secrets } = await grantOf(stores, record);
      const next = await issued.refresh(refreshToken, { clientId: 'shop' });
      if (!next.ok) throw new Error(next.code);
      await race(() => issued.refresh(refreshToken, { clientId: 'shop' }));
      return [...secrets, next.accessToken, next.refreshToken ?? ''];
    },
  },
  {
    name: 'token.issued',
    store: 'refreshTokens',
    act: 'token.issued',
    run: async (stores, record) => {
      const { issued, secrets } = await grantOf(stores, record);
      const next = await issued.issue({ subject: 'alice', clientId: 'shop', scopes: ['read'] });
      if (!next.ok) throw new Error(next.code);
      return [...secrets, next.accessToken, next.refreshToken ?? ''];
    },
  },
  {
    name: 'login.succeeded',
    store: 'tickets',
    act: 'login.succeeded',
    run: async (stores, record) => {
      const { password } = loginOf(stores, record);
      expect(await password(OLD_PASSWORD)).toMatchObject({ status: 'done' });
      return [OLD_PASSWORD, 'alice@example.com'];
    },
  },
  {
    name: 'login.failed',
    store: 'counters',
    act: 'login.failed',
    run: async (stores, record) => {
      const { password } = loginOf(stores, record);
      expect(await password(NEW_PASSWORD)).toMatchObject({ status: 'denied' });
      return [NEW_PASSWORD, 'alice@example.com'];
    },
  },
  {
    name: 'login.throttled',
    store: 'counters',
    act: 'login.throttled',
    run: async (stores, record) => {
      const { password } = loginOf(stores, record);
      const unheard = { record: () => true };
      for (let wrong = 0; wrong < 4; wrong++) await password(NEW_PASSWORD, unheard);
      expect(await password(OLD_PASSWORD)).toMatchObject({
        denial: { code: 'failures.throttled' },
      });
      return [NEW_PASSWORD, OLD_PASSWORD];
    },
  },
  {
    name: 'login.locked',
    store: 'tickets',
    act: 'login.locked',
    run: async (stores, record) => {
      const locked = { kind: 'rate_limited', code: 'totp.locked' } as const;
      const { signIn, caller, password } = loginOf(stores, record, {
        totp: {
          status: async () => ({ state: 'active', backupCodesLeft: 0, lockedUntil: undefined }),
          verify: async () => ({ ok: false, denial: locked }),
          verifyBackupCode: async () => ({ ok: false, denial: locked }),
        },
      });
      const asked = await password(OLD_PASSWORD);
      if (asked.status !== 'requires_mfa') throw new Error(asked.status);
      const { ticket } = asked;
      await signIn.next({ ...caller, ticket, method: 'totp', code: '123456' });
      return [OLD_PASSWORD, ticket, '123456'];
    },
  },
  {
    name: 'password.change_failed',
    store: 'tickets',
    act: 'password.change_failed',
    run: async (stores, record) => {
      const { changes } = await passwordOf(stores, record);
      const change = { subject: 'alice', current: NEW_PASSWORD, next: OLD_PASSWORD, peer: PEER };
      expect(await changes.change(change)).toMatchObject({ ok: false });
      return [OLD_PASSWORD, NEW_PASSWORD];
    },
  },
  {
    name: 'session.created',
    store: 'sessions',
    act: 'session.created',
    run: async (stores, record) => {
      const { browser, user, secrets } = await sessionOf(stores, record);
      const whose = { ...user, clientId: 'shop', claims: {} };
      const begun = await browser.start(new Request(ORIGIN), whose);
      if (!begun.ok) throw new Error(begun.denial.code);
      return [...secrets, begun.setCookie.split(/[=;]/)[1] ?? ''];
    },
  },
  {
    name: 'session.renewed by a step-up',
    store: 'sessions',
    act: 'session.renewed',
    run: async (stores, record) => {
      const { browser, user, cookie, handle, secrets } = await sessionOf(stores, record);
      const request = new Request(ORIGIN, { headers: { cookie } });
      const whose = { ...user, clientId: 'shop', claims: {}, replaces: handle };
      const begun = await browser.start(request, whose);
      if (!begun.ok) throw new Error(begun.denial.code);
      return [...secrets, begun.setCookie.split(/[=;]/)[1] ?? ''];
    },
  },
  {
    name: 'session.ended by its handle',
    store: 'sessions',
    act: 'session.ended',
    run: async (stores, record) => {
      const { browser, user, handle, secrets } = await sessionOf(stores, record);
      await race(() => browser.endOne(user, handle));
      return secrets;
    },
  },
  {
    name: 'session.ended by its user',
    store: 'sessions',
    act: 'session.ended',
    run: async (stores, record) => {
      const { browser, cookie, secrets } = await sessionOf(stores, record);
      await race(() => browser.end(new Request(ORIGIN, { headers: { cookie } })));
      return secrets;
    },
  },
  {
    name: 'session.ended with all others',
    store: 'sessions',
    act: 'session.ended',
    run: async (stores, record) => {
      const { browser, user, secrets } = await sessionOf(stores, record);
      await race(() => browser.endAll(user));
      return secrets;
    },
  },
  {
    name: 'password.changed',
    store: 'tickets',
    act: 'password.changed',
    run: async (stores, record) => {
      const { changes } = await passwordOf(stores, record);
      const change = { subject: 'alice', current: OLD_PASSWORD, next: NEW_PASSWORD, peer: PEER };
      await changes.change(change);
      return [OLD_PASSWORD, NEW_PASSWORD];
    },
  },
  {
    name: 'password.changed by a reset token',
    store: 'tickets',
    act: 'password.changed',
    run: async (stores, record) => {
      const { changes, sent } = await passwordOf(stores, record);
      await changes.requestReset({ identifier: 'alice', peer: PEER });
      // It is sent behind the answer, so that nobody learns from its time who has an account.
      const token = await vi.waitFor(
        () => sent[0] ?? expect.unreachable('nothing was sent'),
        20_000,
      );
      await race(() => changes.reset({ token, next: NEW_PASSWORD }));
      return [token, NEW_PASSWORD];
    },
  },
  {
    name: 'factor.reset by recovery',
    store: 'tickets',
    act: 'factor.reset',
    run: async (stores, record) => {
      let ahead = 0;
      const recovery = accountRecovery({
        tickets: needed(stores, 'tickets'),
        proofs: { password: () => true, mail: () => true },
        removeFactors: () => undefined,
        notify: () => undefined,
        delay: '1h',
        now: () => Date.now() + ahead,
        record,
      });
      const proof = { evidence: 'the evidence of it', peer: PEER };
      const subject = `user-${crypto.randomUUID()}`;
      const begun = await recovery.begin({ subject, proof: 'password', ...proof });
      if (!begun.ok) throw new Error(begun.denial.code);
      ahead = 3_600_000;
      await race(() => recovery.complete({ token: begun.token, proof: 'mail', ...proof }));
      return [begun.token, proof.evidence];
    },
  },
  {
    name: 'tenant.created',
    store: 'tenants',
    act: 'tenant.created',
    run: async (stores, record) => {
      const tenants = recordedTenantStore({ store: needed(stores, 'tenants'), record });
      const tenant = { id: `t-${crypto.randomUUID()}`, status: 'active', attributes: {} } as const;
      await race(() => tenants.create(tenant));
      return [];
    },
  },
  {
    name: 'role.assigned',
    store: 'roles',
    act: 'role.assigned',
    run: async (stores, record) => {
      const roles = recordedRoleStore({ store: needed(stores, 'roles'), record });
      const principal = `user-${crypto.randomUUID()}`;
      await roles.assign({ principal, tenant: 'acme', role: 'editor' });
      await roles.assign({ principal, tenant: 'acme', role: 'editor' });
      return [];
    },
  },
  {
    name: 'role.removed',
    store: 'roles',
    act: 'role.removed',
    run: async (stores, record) => {
      const store = needed(stores, 'roles');
      const assignment = {
        principal: `user-${crypto.randomUUID()}`,
        tenant: 'acme',
        role: 'editor',
      };
      await store.assign(assignment);
      const roles = recordedRoleStore({ store, record });
      await roles.unassign(assignment);
      await roles.unassign(assignment);
      return [];
    },
  },
  ofTenant('tenant.suspended', 'active', 'suspended'),
  ofTenant('tenant.resumed', 'suspended', 'active'),
  ofTenant('tenant.closed', 'active', 'closed'),
  ofTenant('tenant.changed', 'active', 'active'),
];
