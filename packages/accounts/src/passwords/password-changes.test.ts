import { ConfigurationError, memoryCounterStore } from '@apisec/core';
import { describe, expect, test } from 'vitest';
import { accountRecovery } from '../recovery/account-recovery.ts';
import { memoryTicketStore } from '../tickets/memory-ticket-store.ts';
import { singleUseTokens } from '../tickets/single-use-tokens.ts';
import {
  type PasswordAccount,
  type PasswordChangesOptions,
  passwordChanges,
} from './password-changes.ts';
import { passwords } from './passwords.ts';

const OLD = 'the old password';
const NEW = 'a brand new phrase';
const peer = '192.0.2.1';

function bench(options: Partial<PasswordChangesOptions> = {}) {
  const rows = new Map<string, PasswordAccount>([
    ['alice@example.com', { subject: 'alice', passwordHash: `v2:${OLD}` }],
  ]);
  const tickets = memoryTicketStore();
  const resets = singleUseTokens({ tickets, purpose: 'password_reset', lifetime: '30m' });
  const ended: unknown[] = [];
  const sent: string[] = [];
  const faults: unknown[] = [];
  const background: Promise<unknown>[] = [];
  const changes = passwordChanges({
    passwords: passwords({
      hasher: {
        hash: (password) => Promise.resolve(`v2:${password}`),
        verify: (password, hash) => Promise.resolve(hash === `v2:${password}`),
        needsRehash: () => false,
      },
    }),
    accounts: {
      byIdentifier: (identifier) => rows.get(identifier),
      bySubject: (subject) => [...rows.values()].find((each) => each.subject === subject),
      setHash: (subject, passwordHash, expected) => {
        for (const [name, row] of rows) {
          if (row.subject !== subject || row.passwordHash !== expected) continue;
          rows.set(name, { subject, passwordHash });
          return true;
        }
        return false;
      },
    },
    resets,
    sendReset: ({ token }) => sent.push(token),
    endSessions: (subject, except) => ended.push({ subject, except }),
    login: { forget: (subject) => Promise.resolve(void ended.push({ forgotten: subject })) },
    waitUntil: (work) => background.push(work),
    onFault: (cause) => faults.push(cause),
    ...options,
  });
  const link = async () => {
    await changes.requestReset({ identifier: 'alice@example.com', peer });
    await Promise.all(background);
    return sent.at(-1) ?? '';
  };
  const hashOf = () => rows.get('alice@example.com')?.passwordHash;
  return { changes, resets, ended, sent, faults, background, link, hashOf };
}

const codeOf = (answer: { readonly ok: boolean }): string =>
  'denial' in answer ? (answer as { denial: { code: string } }).denial.code : 'ok';

describe('a password that is changed', () => {
  const request = { subject: 'alice', current: OLD, next: NEW, session: 's1', peer };

  // Covers: V7.4.3
  test('ends the other sessions, links that were sent, and devices', async () => {
    const { changes, ended, hashOf, link, resets } = bench();
    const token = await link();
    expect(codeOf(await changes.change(request))).toBe('ok');
    expect(hashOf()).toBe(`v2:${NEW}`);
    expect(ended).toEqual([{ forgotten: 'alice' }, { subject: 'alice', except: 's1' }]);
    expect(codeOf(await resets.use(token))).toBe('single_use.unknown');
  });

  test('ends recoveries that were begun with the old one, before they remove a second factor', async () => {
    const clock = { time: 1_700_000_000_000 };
    const now = () => clock.time;
    const removed: string[] = [];
    const told: string[] = [];
    const begin = async () => {
      const recovery = accountRecovery({
        tickets: memoryTicketStore({ now }),
        proofs: { password: (_subject, word) => word === OLD, mail: () => true },
        removeFactors: (subject) => removed.push(subject),
        notify: ({ kind }) => told.push(kind),
        now,
      });
      const begun = await recovery.begin({
        subject: 'alice',
        proof: 'password',
        evidence: OLD,
        peer,
      });
      if (!begun.ok) throw new Error(begun.denial.code);
      const complete = async (): Promise<string> => {
        clock.time = begun.readyAt;
        const { token } = begun;
        return codeOf(await recovery.complete({ token, proof: 'mail', evidence: 'link', peer }));
      };
      return { recovery, complete };
    };
    const thief = await begin();
    const { changes } = bench({ recovery: thief.recovery });
    expect(codeOf(await changes.change(request))).toBe('ok');
    expect(await thief.complete()).toBe('recovery.unknown');

    const another = await begin();
    const { changes: byLink, link } = bench({ recovery: another.recovery });
    expect(codeOf(await byLink.reset({ token: await link(), next: NEW }))).toBe('ok');
    expect(await another.complete()).toBe('recovery.unknown');
    expect(told).toEqual(['begun', 'cancelled', 'begun', 'cancelled']);
    expect(removed).toEqual([]);

    const honest = await begin();
    expect(await honest.complete()).toBe('ok');
    expect(removed).toEqual(['alice']);
  });

  test('says so where recoveries could not be ended', async () => {
    const cancel = () => Promise.reject(new Error('down'));
    const { changes, ended } = bench({ recovery: { cancel } });
    expect(codeOf(await changes.change(request))).toBe('password.sessions_remain');
    // The rest has ended all the same.
    expect(ended).toEqual([{ forgotten: 'alice' }, { subject: 'alice', except: 's1' }]);
  });

  // Covers: V6.2.3
  test('is not changed by who does not know it, and guesses are slowed down', async () => {
    const { changes, ended, hashOf } = bench();
    const codes: string[] = [];
    for (let tried = 0; tried < 5; tried++) {
      codes.push(codeOf(await changes.change({ ...request, current: 'wrong!' })));
    }
    expect(codes[0]).toBe('password.wrong');
    expect(codes[4]).toBe('failures.throttled');
    expect(hashOf()).toBe(`v2:${OLD}`);
    expect(ended).toEqual([]);
  });

  test('takes no failure back, so that who knows it cannot guess codes any faster', async () => {
    const throttle = { store: memoryCounterStore(), name: 'logins' };
    const { changes } = bench({ throttle });
    const guess = { ...request, current: 'wrong' };
    for (let n = 0; n < 3; n++) await changes.change(guess);
    expect(codeOf(await changes.change({ ...request, next: 'short' }))).toBe('password.too_short');
    expect(codeOf(await changes.change(request))).toBe('ok');
    await changes.change({ ...guess });
    expect(codeOf(await changes.change(guess))).toBe('failures.throttled');
  });

  test('is no failed attempt while accounts cannot be reached', async () => {
    const { changes } = bench({
      accounts: {
        byIdentifier: () => undefined,
        bySubject: () => Promise.reject(new Error('down')),
        setHash: () => false,
      },
    });
    for (let n = 0; n < 12; n++) {
      expect(codeOf(await changes.change(request))).toBe('password.unavailable');
    }
  });

  test('is changed once by many at the same moment', async () => {
    const { changes } = bench();
    const answers = await Promise.all(
      [1, 2, 3].map((each) => changes.change({ ...request, next: `${NEW} ${each}` })),
    );
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
  });

  test('must be one that the policy takes', async () => {
    const { changes, hashOf } = bench();
    expect(codeOf(await changes.change({ ...request, next: 'short' }))).toBe('password.too_short');
    expect(hashOf()).toBe(`v2:${OLD}`);
  });

  test('a failure to end sessions is reported, and the change is recorded', async () => {
    const acts: string[] = [];
    const { changes, hashOf } = bench({
      endSessions: () => Promise.reject(new Error('down')),
      record: ({ act }) => void acts.push(act),
    });
    expect(codeOf(await changes.change(request))).toBe('password.sessions_remain');
    expect([hashOf(), acts]).toEqual([`v2:${NEW}`, ['password.changed']]);
  });
});

describe('a password that is reset', () => {
  // Covers: V6.4.3
  test('takes a link once, ends all sessions, and signs nobody in', async () => {
    const { changes, ended, hashOf, link } = bench();
    const token = await link();
    const answer = await changes.reset({ token, next: NEW });
    expect(answer).toEqual({ ok: true, subject: 'alice' });
    expect(hashOf()).toBe(`v2:${NEW}`);
    expect(ended.at(-1)).toEqual({ subject: 'alice', except: undefined });
    expect(codeOf(await changes.reset({ token, next: OLD }))).toBe('single_use.unknown');
    expect(hashOf()).toBe(`v2:${NEW}`);
  });

  test('by many with one link at the same moment exactly one succeeds', async () => {
    const { changes, link } = bench();
    const token = await link();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, each) => changes.reset({ token, next: `${NEW} ${each}` })),
    );
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
  });

  test('a password that the policy denies does not use the link up', async () => {
    const { changes, link } = bench();
    const token = await link();
    expect(codeOf(await changes.reset({ token, next: 'short' }))).toBe('password.too_short');
    expect(codeOf(await changes.reset({ token, next: NEW }))).toBe('ok');
  });

  test('the answer to a request is the same for an account that does not exist', async () => {
    const { changes, sent, background } = bench();
    const known = await changes.requestReset({ identifier: 'alice@example.com', peer });
    // The mail goes out after the answer.
    expect(sent).toEqual([]);
    expect(await changes.requestReset({ identifier: 'nobody@example.com', peer })).toEqual(known);
    await Promise.all(background);
    expect(sent).toHaveLength(1);
  });

  test('requests for one account are bounded, whether or not it exists', async () => {
    const codes = async (identifier: string) => {
      const { changes } = bench();
      const all: string[] = [];
      for (let tried = 0; tried < 6; tried++) {
        all.push(codeOf(await changes.requestReset({ identifier, peer })));
      }
      return all;
    };
    const known = await codes('alice@example.com');
    expect(known.at(-1)).toBe('failures.throttled');
    expect(await codes('nobody@example.com')).toEqual(known);
  });

  test('links for one account are bounded whatever is typed for it, and nobody can tell', async () => {
    const codes = async (row: PasswordAccount | undefined) => {
      const { changes, background, sent } = bench({
        accounts: { byIdentifier: () => row, bySubject: () => row, setHash: () => true },
        throttle: { perPeer: 'none' },
      });
      const all: string[] = [];
      for (let tried = 0; tried < 20; tried++) {
        const identifier = `alice+${tried}@example.com`;
        all.push(codeOf(await changes.requestReset({ identifier, peer })));
        await Promise.all(background);
      }
      return { all, mails: sent.length };
    };
    const known = await codes({ subject: 'alice' });
    const unknown = await codes(undefined);
    expect(known.all).toEqual(unknown.all);
    expect(new Set(known.all)).toEqual(new Set(['ok']));
    expect([known.mails, unknown.mails]).toEqual([4, 0]);
  });

  test('a link that cannot be sent is a fault that the operator hears of', async () => {
    const sendReset = () => Promise.reject(new Error('no mail'));
    const { changes, background, faults } = bench({ sendReset });
    const request = { identifier: 'alice@example.com', peer };
    expect(codeOf(await changes.requestReset(request))).toBe('ok');
    await Promise.all(background);
    expect(faults).toHaveLength(1);
  });

  test.each([[{ accounts: {} }], [{ endSessions: undefined }], [{ resets: {} }], [{ mail: 1 }]])(
    '%o cannot be constructed',
    (options) => {
      expect(() => bench(options as never)).toThrow(ConfigurationError);
    },
  );
});

describe('where several tenants have accounts', () => {
  /** Alice is one person in both, with a password for each. */
  function tenants(options: Partial<PasswordChangesOptions> = {}) {
    const hashes = new Map([
      ['acme', `v2:${OLD}`],
      ['other', `v2:${OLD}`],
    ]);
    const sent: { readonly token: string; readonly tenant: string | undefined }[] = [];
    const ended: unknown[] = [];
    const of = (tenant = ''): PasswordAccount | undefined =>
      hashes.has(tenant) ? { subject: 'alice', passwordHash: hashes.get(tenant) } : undefined;
    const { changes, background } = bench({
      accounts: {
        byIdentifier: (_, tenant) => of(tenant),
        bySubject: (_, tenant) => of(tenant),
        setHash: (_, hash, expected, tenant = '') => {
          const isRight = hashes.get(tenant) === expected;
          if (isRight) hashes.set(tenant, hash);
          return isRight;
        },
      },
      sendReset: ({ token, tenant }) => sent.push({ token, tenant }),
      endSessions: (subject, except, tenant) => ended.push({ subject, except, tenant }),
      ...options,
    });
    const link = async (tenant: string | undefined) => {
      await changes.requestReset({ identifier: 'alice@example.com', peer, tenant });
      await Promise.all(background);
      return sent.at(-1)?.token ?? '';
    };
    return { changes, hashes, sent, ended, link };
  }

  test('a link of one tenant cannot reset a password in another tenant or without one, and stays valid', async () => {
    const { changes, hashes, sent, ended, link } = tenants();
    const token = await link('acme');
    expect(sent).toEqual([{ token, tenant: 'acme' }]);
    for (const tenant of ['other', undefined]) {
      const stolen = await changes.reset({ token, next: NEW, tenant });
      expect(codeOf(stolen)).toBe('single_use.unknown');
    }
    expect(codeOf(await changes.reset({ token, next: NEW, tenant: 'acme' }))).toBe('ok');
    expect(Object.fromEntries(hashes)).toEqual({ acme: `v2:${NEW}`, other: `v2:${OLD}` });
    expect(ended.at(-1)).toEqual({ subject: 'alice', except: undefined, tenant: 'acme' });
  });

  test('a link without a tenant is worth nothing in one', async () => {
    const { changes, hashes, sent, link } = tenants();
    hashes.set('', `v2:${OLD}`);
    const token = await link(undefined);
    expect(sent).toHaveLength(1);
    const stolen = await changes.reset({ token, next: NEW, tenant: 'acme' });
    expect(codeOf(stolen)).toBe('single_use.unknown');
  });

  test('the password of one changes none in another, and is recorded with its tenant', async () => {
    const acts: unknown[] = [];
    const { changes, hashes } = tenants({ record: ({ act, tenant }) => acts.push([act, tenant]) });
    hashes.set('acme', 'v2:of acme alone');
    const request = { subject: 'alice', current: 'of acme alone', next: NEW, peer };
    expect(codeOf(await changes.change({ ...request, tenant: 'other' }))).toBe('password.wrong');
    expect(codeOf(await changes.change({ ...request, tenant: 'acme' }))).toBe('ok');
    expect(hashes.get('other')).toBe(`v2:${OLD}`);
    expect(acts).toEqual([
      ['password.change_failed', 'other'],
      ['password.changed', 'acme'],
    ]);
  });

  test('guesses and requests in one slow nobody down in another', async () => {
    const { changes } = tenants();
    const guess = (tenant: string) =>
      changes.change({ subject: 'alice', current: 'wrong!', next: NEW, peer, tenant });
    const ask = (tenant: string) =>
      changes.requestReset({ identifier: 'alice@example.com', peer, tenant });
    for (let tried = 0; tried < 6; tried++) await Promise.all([guess('acme'), ask('acme')]);
    expect(codeOf(await guess('acme'))).toBe('failures.throttled');
    expect(codeOf(await ask('acme'))).toBe('failures.throttled');
    expect(codeOf(await guess('other'))).toBe('password.wrong');
    expect(codeOf(await ask('other'))).toBe('ok');
  });

  test.each([[''], [7], ['a'.repeat(2_000)]])('%o is not a tenant', async (named) => {
    const { changes, link } = tenants();
    const token = await link('acme');
    const tenant = named as string;
    const answers = [
      changes.reset({ token, next: NEW, tenant }),
      changes.change({ subject: 'alice', current: OLD, next: NEW, peer, tenant }),
      changes.requestReset({ identifier: 'alice@example.com', peer, tenant }),
    ];
    for (const answer of answers) expect(codeOf(await answer)).toBe('password.malformed');
  });
});
