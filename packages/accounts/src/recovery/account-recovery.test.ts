import { ConfigurationError } from '@apisec/core';
import { describe, expect, test } from 'vitest';
import { memoryTicketStore } from '../tickets/memory-ticket-store.ts';
import {
  type AccountRecoveryOptions,
  accountRecovery,
  type RecoveryEvent,
} from './account-recovery.ts';

const HOUR = 3_600_000;
const peer = '192.0.2.1';
const byPassword = { proof: 'password', evidence: 'secret', peer };
const byMail = { proof: 'mail', evidence: 'link', peer };

function bench(options: Partial<AccountRecoveryOptions> = {}) {
  const clock = { time: 1_700_000_000_000 };
  const now = () => clock.time;
  const events: RecoveryEvent[] = [];
  const removed: string[] = [];
  const recovery = accountRecovery({
    tickets: memoryTicketStore({ now }),
    proofs: {
      password: (_, evidence) => evidence === 'secret',
      mail: (_, evidence) => evidence === 'link',
    },
    removeFactors: (subject) => removed.push(subject),
    notify: (event) => events.push(event),
    now,
    ...options,
  });
  const begin = async () => {
    const answer = await recovery.begin({ subject: 'alice', ...byPassword });
    if (!answer.ok) throw new Error(answer.denial.code);
    return answer;
  };
  const pass = (milliseconds: number) => {
    clock.time += milliseconds;
  };
  return { recovery, events, removed, begin, pass };
}

/** A promise for others to wait at. */
function turnstile() {
  let open = (): void => {};
  const promise = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { promise, resolve: () => open() };
}

const codeOf = (answer: { readonly ok: boolean }): string =>
  'denial' in answer ? (answer as { denial: { code: string } }).denial.code : 'ok';

describe('a second factor that is lost', () => {
  // Covers: V6.4.4
  test('is removed after another proof and a delay, and its user hears of it', async () => {
    const { recovery, begin, pass, removed, events } = bench();
    const { token, readyAt } = await begin();
    pass(24 * HOUR);
    expect(await recovery.complete({ token, ...byMail })).toEqual({ ok: true, subject: 'alice' });
    expect(removed).toEqual(['alice']);
    expect(events).toEqual([
      { kind: 'begun', subject: 'alice', readyAt },
      { kind: 'done', subject: 'alice' },
    ]);
    expect(codeOf(await recovery.complete({ token, ...byMail }))).toBe('recovery.unknown');
  });

  test('is not removed where its user cancels before every message is sent', async () => {
    const [pushed, mailed] = [turnstile(), turnstile()];
    const { recovery } = bench({
      notify: ({ kind }) => {
        if (kind !== 'begun') return undefined;
        pushed.resolve();
        return mailed.promise;
      },
    });
    const begun = recovery.begin({ subject: 'alice', ...byPassword });
    await pushed.promise;
    expect(await recovery.cancel('alice')).toBe(1);
    mailed.resolve();
    expect(codeOf(await begun)).toBe('recovery.unknown');
  });

  test.each([
    ['before the delay is over', 24 * HOUR - 1, byMail, 'recovery.too_early'],
    ['by the same proof again', 24 * HOUR, byPassword, 'recovery.proof_repeated'],
    ['by a wrong proof', 24 * HOUR, { ...byMail, evidence: 'guess' }, 'recovery.proof_wrong'],
    [
      'by a proof of a made-up name',
      24 * HOUR,
      { ...byMail, proof: 'toString' },
      'recovery.malformed',
    ],
    ['when it has expired', 24 * HOUR + 72 * HOUR, byMail, 'recovery.unknown'],
  ])('is not removed %s', async (_, wait, proof, code) => {
    const { recovery, begin, pass, removed } = bench();
    const { token } = await begin();
    pass(wait);
    expect(codeOf(await recovery.complete({ token, ...proof }))).toBe(code);
    expect(removed).toEqual([]);
  });

  test('is removed once, however many complete it at the same moment', async () => {
    const { recovery, begin, pass, removed } = bench();
    const { token } = await begin();
    pass(24 * HOUR);
    await Promise.all(Array.from({ length: 3 }, () => recovery.complete({ token, ...byMail })));
    expect(removed).toEqual(['alice']);
  });

  test('is kept where its user cancels, and the user is notified', async () => {
    const { recovery, begin, pass, removed, events } = bench();
    const { token } = await begin();
    expect(await recovery.cancel('alice')).toBe(1);
    pass(24 * HOUR);
    expect(codeOf(await recovery.complete({ token, ...byMail }))).toBe('recovery.unknown');
    expect(removed).toEqual([]);
    expect(events.at(-1)).toEqual({ kind: 'cancelled', subject: 'alice' });
    expect(await recovery.cancel('alice')).toBe(0);
  });

  test('does not begin a recovery whose user could not be notified', async () => {
    const notify = () => Promise.reject(new Error('no mail'));
    const { recovery } = bench({ notify });
    const answer = await recovery.begin({ subject: 'alice', ...byPassword });
    expect(codeOf(answer)).toBe('recovery.unavailable');
  });

  test('proofs that are guessed are slowed down', async () => {
    const { recovery } = bench();
    const codes: string[] = [];
    for (let tried = 0; tried < 5; tried++) {
      const guess = { subject: 'alice', ...byPassword, evidence: `guess ${tried}` };
      codes.push(codeOf(await recovery.begin(guess)));
    }
    expect(codes[0]).toBe('recovery.proof_wrong');
    expect(codes.at(-1)).toBe('failures.throttled');
  });

  test('recoveries of one account are begun ever more slowly, and those of others are not', async () => {
    const { recovery, events, pass } = bench({
      proofs: { password: () => true, mail: () => true },
    });
    const codes: string[] = [];
    for (let n = 0; n < 20; n++) {
      codes.push(codeOf(await recovery.begin({ subject: 'alice', ...byPassword })));
    }
    expect(codes.at(-1)).toBe('failures.throttled');
    expect(events.length).toBeLessThan(6);
    expect(codeOf(await recovery.begin({ subject: 'bob', ...byPassword }))).toBe('ok');
    pass(24 * HOUR);
    expect(codeOf(await recovery.begin({ subject: 'alice', ...byPassword }))).toBe('ok');
  });

  test('is recorded as removed even if its user cannot be notified', async () => {
    const acts: string[] = [];
    const told: string[] = [];
    const { recovery, begin, pass, removed } = bench({
      notify: ({ kind }) => {
        told.push(kind);
        if (kind === 'done') throw new Error('no mail');
      },
      record: ({ act }) => void acts.push(act),
    });
    const { token } = await begin();
    pass(24 * HOUR);
    expect(codeOf(await recovery.complete({ token, ...byMail }))).toBe('recovery.unavailable');
    expect([removed, told, acts]).toEqual([['alice'], ['begun', 'done'], ['factor.reset']]);
  });

  test('is not proved by a proof that returns anything but true', async () => {
    const proofs = { password: () => 'yes' as never, mail: () => true };
    const answer = await bench({ proofs }).recovery.begin({ subject: 'alice', ...byPassword });
    expect(codeOf(answer)).toBe('recovery.proof_wrong');
  });

  test.each([
    [{ proofs: { mail: () => true } }],
    [{ delay: '5m' }],
    [{ delay: 86_400 }],
    [{ notify: undefined }],
    [{ force: true }],
  ])('%o cannot be constructed', (options) => {
    expect(() => bench(options as never)).toThrow(ConfigurationError);
  });
});

describe('a recovery where several tenants have accounts', () => {
  function tenants() {
    const judged: unknown[] = [];
    const removed: unknown[] = [];
    const acts: unknown[] = [];
    const { recovery, events, pass } = bench({
      proofs: {
        password: (_, evidence, tenant) => evidence === `secret of ${tenant}`,
        mail: (subject, evidence, tenant) => {
          judged.push([subject, tenant]);
          return evidence === 'link';
        },
      },
      removeFactors: (subject, tenant) => removed.push([subject, tenant]),
      record: ({ act, tenant }) => acts.push([act, tenant]),
    });
    const begin = (tenant: string | undefined, evidence = `secret of ${tenant}`) =>
      recovery.begin({ subject: 'alice', proof: 'password', evidence, peer, tenant });
    return { recovery, events, pass, judged, removed, acts, begin };
  }

  test('begins with a proof of its tenant, and is completed in no other one', async () => {
    const { recovery, events, pass, judged, removed, acts, begin } = tenants();
    expect(codeOf(await begin('other', 'secret of acme'))).toBe('recovery.proof_wrong');
    const begun = await begin('acme');
    if (!begun.ok) throw new Error(begun.denial.code);
    pass(24 * HOUR);
    const { token } = begun;
    for (const tenant of ['other', undefined]) {
      expect(codeOf(await recovery.complete({ token, ...byMail, tenant }))).toBe(
        'recovery.unknown',
      );
    }
    expect([judged, removed]).toEqual([[], []]);
    expect(codeOf(await recovery.complete({ token, ...byMail, tenant: 'acme' }))).toBe('ok');
    expect([judged, removed]).toEqual([[['alice', 'acme']], [['alice', 'acme']]]);
    expect(acts).toEqual([['factor.reset', 'acme']]);
    expect(events.map(({ kind, tenant }) => [kind, tenant])).toEqual([
      ['begun', 'acme'],
      ['done', 'acme'],
    ]);
  });

  test('without a tenant is completed in none', async () => {
    const { recovery, pass, begin } = tenants();
    const begun = await begin(undefined);
    if (!begun.ok) throw new Error(begun.denial.code);
    pass(24 * HOUR);
    const answer = await recovery.complete({ token: begun.token, ...byMail, tenant: 'acme' });
    expect(codeOf(answer)).toBe('recovery.unknown');
  });

  test('is slowed down for each tenant by itself', async () => {
    const { begin } = tenants();
    for (let tried = 0; tried < 5; tried++) await begin('acme', 'guess');
    expect(codeOf(await begin('acme', 'guess'))).toBe('failures.throttled');
    expect(codeOf(await begin('other'))).toBe('ok');
  });

  test.each([[''], [7], ['a'.repeat(2_000)]])('does not begin in %o', async (tenant) => {
    expect(codeOf(await tenants().begin(tenant as string))).toBe('recovery.malformed');
  });
});
