import { createHmac } from 'node:crypto';
import type { CounterStore, PasskeyStore, TicketStore, TotpStore } from '@apisec/core';
import { accountRecovery, login, singleUseTokens, totp } from '../src/index.ts';
import { passkeys } from '../src/passkeys/passkeys.ts';
import { softAuthenticator } from './soft-authenticator.ts';

/** Where accounts are kept. */
export interface AccountStores {
  readonly tickets: TicketStore;
  readonly totp: TotpStore;
  readonly passkeys: PasskeyStore;
  /** Default: the memory of one process. */
  readonly counters?: CounterStore | undefined;
}

/** What happens when an attacker does one thing many times at the same moment. */
export interface AccountRace {
  readonly name: string;
  /** How often it succeeded, and how often it may. */
  readonly run: (stores: AccountStores) => Promise<{ readonly won: number; readonly may: number }>;
}

const AT_ONCE = 12;
const STEP = 30_000;
/** The beginning of a step by the clock of this machine, since stores on servers have clocks of their own. */
const START = Math.floor(Date.now() / STEP) * STEP;
const ORIGIN = 'https://shop.example.com';

/** Every use has accounts of its own, in stores that others use as well. */
function bench(stores: AccountStores) {
  const clock = { time: START };
  const now = () => clock.time;
  const subject = crypto.randomUUID();
  const account = { subject, passwordHash: 'hash', codes: ['mail'] as const };
  const sent: string[] = [];
  const factors = totp({
    issuer: 'Acme',
    store: stores.totp,
    sealingKeys: { current: 'v1', keys: { v1: crypto.getRandomValues(new Uint8Array(32)) } },
    storeTimeout: '20s',
    now,
  });
  const keys = passkeys({
    rpId: 'shop.example.com',
    rpName: 'Shop',
    origins: [ORIGIN],
    store: stores.passkeys,
    tickets: stores.tickets,
    maxPerAccount: 3,
    storeTimeout: '20s',
    now,
  });
  const { counters: store } = stores;
  const verified: string[] = [];
  const signIn = login({
    accounts: { byIdentifier: () => account, bySubject: () => account },
    tickets: stores.tickets,
    passwords: {
      verify: async (password) => {
        verified.push(password);
        return password === 'right'
          ? { ok: true }
          : { ok: false, denial: { kind: 'unauthenticated', code: 'password.wrong' } };
      },
    },
    totp: factors,
    passkeys: keys,
    senders: { mail: ({ code }) => sent.push(code) },
    throttle: { ...(store && { store, name: subject }), perAccount: GENEROUS, timeout: '20s' },
    finish: () => 'a session',
    timeout: '20s',
    now,
  });
  const at = { client: 'the cookie of this browser', peer: subject };
  const begin = async (): Promise<string> => {
    const first = await signIn.password({ ...at, identifier: 'alice', password: 'right' });
    if (first.status !== 'requires_mfa') throw new Error(JSON.stringify(first));
    return first.ticket;
  };
  /** The second factor is an app, whose codes these are. */
  const enrol = async () => {
    const enrolled = await factors.enrol(subject);
    if (!enrolled.ok) throw new Error(enrolled.denial.code);
    const codeNow = () => codeOf(enrolled.secret, Math.floor(clock.time / STEP));
    const confirmed = await factors.confirm(subject, codeNow());
    if (!confirmed.ok) throw new Error(confirmed.denial.code);
    clock.time += STEP;
    return { codeNow, backupCodes: confirmed.backupCodes };
  };
  return { clock, subject, factors, keys, signIn, at, begin, enrol, sent, verified };
}

/** Races are not to be slowed down by what counts failures. */
const GENEROUS = { free: 100, lock: { after: 101 } };

const together = async <T>(task: (index: number) => Promise<T>): Promise<readonly T[]> =>
  Promise.all(Array.from({ length: AT_ONCE }, (_, index) => task(index)));
const done = (answers: readonly { readonly status: string }[]): number =>
  answers.filter(({ status }) => status === 'done').length;
const passed = (answers: readonly { readonly ok: boolean }[]): number =>
  answers.filter(({ ok }) => ok).length;

/** Cases for any test runner. */
export const accountRaces: readonly AccountRace[] = [
  {
    name: 'one ticket with the right code signs in once',
    run: async (stores) => {
      const { signIn, at, begin, enrol } = bench(stores);
      const { codeNow } = await enrol();
      const step = { ...at, ticket: await begin(), method: 'totp' as const, code: codeNow() };
      return { won: done(await together(() => signIn.next(step))), may: 1 };
    },
  },
  {
    name: 'one code of an app signs in once, whatever the tickets',
    run: async (stores) => {
      const { signIn, at, begin, enrol } = bench(stores);
      const { codeNow } = await enrol();
      const tickets = await together(begin);
      const answers = await together((index) =>
        signIn.next({ ...at, ticket: tickets[index] ?? '', method: 'totp', code: codeNow() }),
      );
      return { won: done(answers), may: 1 };
    },
  },
  {
    name: 'one backup code signs in once, whatever the tickets',
    run: async (stores) => {
      const { signIn, at, begin, enrol } = bench(stores);
      const [code = ''] = (await enrol()).backupCodes;
      const tickets = await together(begin);
      const answers = await together((index) =>
        signIn.next({ ...at, ticket: tickets[index] ?? '', method: 'backup_code', code }),
      );
      return { won: done(answers), may: 1 };
    },
  },
  {
    name: 'one code by mail signs in once',
    run: async (stores) => {
      const { signIn, at, begin, sent } = bench(stores);
      const asked = await signIn.sendCode({ ...at, ticket: await begin(), channel: 'mail' });
      if (asked.status !== 'sent') throw new Error(asked.denial.code);
      const { ticket } = asked;
      const step = { ...at, ticket, method: 'mail' as const, code: sent[0] ?? '' };
      return { won: done(await together(() => signIn.next(step))), may: 1 };
    },
  },
  {
    name: 'one ticket sends one code',
    run: async (stores) => {
      const { signIn, at, begin, sent } = bench(stores);
      const ticket = await begin();
      await together(() => signIn.sendCode({ ...at, ticket, channel: 'mail' }));
      return { won: sent.length, may: 1 };
    },
  },
  {
    name: 'one answer of a passkey signs in once',
    run: async (stores) => {
      const { signIn, at, keys, subject } = bench(stores);
      const device = await enrolPasskey(keys, subject);
      const asked = await signIn.passkeyOptions(at);
      if (asked.status !== 'passkey') throw new Error(asked.denial.code);
      const response = device.get(asked.options as { readonly challenge: string });
      const step = { ...at, ticket: asked.ticket, method: 'passkey' as const, response };
      return { won: done(await together(() => signIn.next(step))), may: 1 };
    },
  },
  {
    name: 'one registration of a passkey is taken once',
    run: async (stores) => {
      const { keys, subject } = bench(stores);
      const asked = await keys.registrationOptions({ subject, name: 'alice' });
      if (!asked.ok) throw new Error(asked.denial.code);
      const response = softAuthenticator(ORIGIN, 'shop.example.com').create(asked.options);
      const answers = await together(() =>
        keys.register({ subject, ticket: asked.ticket, response }),
      );
      return { won: passed(answers), may: 1 };
    },
  },
  {
    name: 'no account gets more passkeys than it may have',
    run: async (stores) => {
      const { keys, subject } = bench(stores);
      const asked = await together(() => keys.registrationOptions({ subject, name: 'alice' }));
      await together(async (index) => {
        const each = asked[index];
        if (each?.ok !== true) throw new Error('no options');
        const response = softAuthenticator(ORIGIN, 'shop.example.com').create(each.options);
        return keys.register({ subject, ticket: each.ticket, response });
      });
      const left = (await keys.list(subject)).length;
      // All of them may have been one too many for each other.
      return { won: Math.max(1, left - 2), may: 1 };
    },
  },
  {
    name: 'of single-use tokens that are issued one is good, and it is used once',
    run: async (stores) => {
      const { subject } = bench(stores);
      const resets = singleUseTokens({
        tickets: stores.tickets,
        purpose: 'password_reset',
        lifetime: '30m',
        storeTimeout: '20s',
      });
      const issued = await together(() => resets.issue(subject));
      const tokens = issued.map((each) => (each.ok ? each.token : ''));
      const used = await Promise.all([...tokens, ...tokens].map((token) => resets.use(token)));
      return { won: passed(used), may: 1 };
    },
  },
  {
    name: 'one recovery removes the second factor once',
    run: async (stores) => {
      const { clock, subject } = bench(stores);
      const removed: string[] = [];
      const recovery = accountRecovery({
        tickets: stores.tickets,
        proofs: { password: () => true, mail: () => true },
        removeFactors: (each) => removed.push(each),
        notify: () => undefined,
        throttle: { perAccount: GENEROUS, perPeer: 'none' },
        now: () => clock.time,
      });
      const peer = undefined;
      const begun = await recovery.begin({ subject, proof: 'password', evidence: '', peer });
      if (!begun.ok) throw new Error(begun.denial.code);
      clock.time += 86_400_000;
      const { token } = begun;
      await together(() => recovery.complete({ token, proof: 'mail', evidence: '', peer }));
      return { won: removed.length, may: 1 };
    },
  },
];

/** A device with a passkey of that account. */
async function enrolPasskey(keys: ReturnType<typeof bench>['keys'], subject: string) {
  const device = softAuthenticator(ORIGIN, 'shop.example.com');
  const asked = await keys.registrationOptions({ subject, name: 'alice' });
  if (!asked.ok) throw new Error(asked.denial.code);
  const response = device.create(asked.options);
  const added = await keys.register({ subject, ticket: asked.ticket, response });
  if (!added.ok) throw new Error(added.denial.code);
  return device;
}

/** What an app shows (RFC 6238). */
function codeOf(secret: string, step: number): string {
  const bits = secret
    .split('')
    .map((char) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(char).toString(2).padStart(5, '0'))
    .join('');
  const key = Buffer.from((bits.match(/[01]{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac('sha1', key).update(counter).digest();
  const number = mac.readUInt32BE((mac.at(-1) ?? 0) & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, '0');
}
