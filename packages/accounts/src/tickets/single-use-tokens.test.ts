import { ConfigurationError, type TicketStore } from '@apisec/core';
import { describe, expect, test } from 'vitest';
import { memoryTicketStore } from './memory-ticket-store.ts';
import { type SingleUseTokensOptions, singleUseTokens } from './single-use-tokens.ts';

const MINUTE = 60_000;

function bench(options: Partial<SingleUseTokensOptions> = {}) {
  const clock = { time: 1_700_000_000_000 };
  const now = () => clock.time;
  const store = options.tickets ?? memoryTicketStore({ now });
  const make = (purpose: string) =>
    singleUseTokens({ tickets: store, purpose, lifetime: '30m', now, ...options });
  const pass = (milliseconds: number) => {
    clock.time += milliseconds;
  };
  return { store, make, tokens: make('password_reset'), pass };
}

async function issued(tokens: ReturnType<typeof bench>['tokens'], subject = 'alice') {
  const answer = await tokens.issue(subject, { mail: 'alice@example.com' });
  if (!answer.ok) throw new Error(answer.denial.code);
  return answer.token;
}

const codeOf = (answer: { readonly ok: boolean }): string =>
  'denial' in answer ? (answer as { denial: { code: string } }).denial.code : 'ok';

describe('tokens that are used once', () => {
  test('of those that are issued at the same moment exactly one is good, and it can be used once', async () => {
    for (let round = 0; round < 5; round++) {
      const { tokens } = bench();
      await issued(tokens);
      const all = await Promise.all(Array.from({ length: 20 }, () => issued(tokens)));
      const used = await Promise.all([...all, ...all].map((token) => tokens.use(token)));
      expect(used.filter(({ ok }) => ok)).toHaveLength(1);
    }
  });

  test('a token is good once, and says whose it is', async () => {
    const { tokens } = bench();
    const token = await issued(tokens);
    const whose = { ok: true, subject: 'alice', data: { mail: 'alice@example.com' } };
    expect(await tokens.check(token)).toEqual(whose);
    expect(await tokens.use(token)).toEqual(whose);
    expect(codeOf(await tokens.use(token))).toBe('single_use.unknown');
    expect(codeOf(await tokens.check(token))).toBe('single_use.unknown');
  });

  test('of many uses at the same moment exactly one succeeds', async () => {
    const { tokens } = bench();
    const token = await issued(tokens);
    const answers = await Promise.all(Array.from({ length: 40 }, () => tokens.use(token)));
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
  });

  test('a token for one purpose is good for no other, and stays', async () => {
    const { tokens, make } = bench();
    const token = await issued(tokens);
    for (const purpose of ['invitation', 'mail_verification', 'password']) {
      expect(codeOf(await make(purpose).use(token))).toBe('single_use.unknown');
    }
    expect(codeOf(await tokens.use(token))).toBe('ok');
  });

  test('another token for the same subject ends the one before', async () => {
    const { tokens } = bench();
    const [first, ofBob] = [await issued(tokens), await issued(tokens, 'bob')];
    const second = await issued(tokens);
    expect(codeOf(await tokens.use(first))).toBe('single_use.unknown');
    expect(codeOf(await tokens.use(second))).toBe('ok');
    expect(codeOf(await tokens.use(ofBob))).toBe('ok');
  });

  test('a token expires, and can be revoked', async () => {
    const { tokens, pass } = bench();
    const token = await issued(tokens);
    pass(30 * MINUTE - 1);
    expect(codeOf(await tokens.check(token))).toBe('ok');
    pass(1);
    expect(codeOf(await tokens.use(token))).toBe('single_use.unknown');
    const other = await issued(tokens);
    expect(await tokens.revoke('alice')).toBe(1);
    expect(codeOf(await tokens.use(other))).toBe('single_use.unknown');
  });

  test('what is stored is not what can be used', async () => {
    const stored: unknown[] = [];
    const kept = memoryTicketStore();
    const spy: TicketStore = {
      ...kept,
      insert: (ticket) => {
        stored.push(ticket);
        return kept.insert(ticket);
      },
    };
    const { tokens } = bench({ tickets: spy, now: Date.now });
    const token = await issued(tokens);
    expect(JSON.stringify(stored)).not.toContain(token.slice(0, 12));
    const { id } = stored[0] as { id: string };
    expect(codeOf(await tokens.use(id))).toBe('single_use.malformed');
  });

  test.each([
    [''],
    ['a'.repeat(67)],
    ['a'.repeat(1_000_000)],
    [`${'a'.repeat(67)}\n`],
    [['a'.repeat(68)]],
    [undefined],
  ])('%o is malformed', async (token) => {
    expect(codeOf(await bench().tokens.use(token as never))).toBe('single_use.malformed');
  });

  test.each([
    ['no subject', '', {}],
    ['a long subject', 'a'.repeat(2_000), {}],
    ['much data', 'alice', { text: 'a'.repeat(5_000) }],
    ['data that is no JSON', 'alice', { amount: 1n }],
  ])('%s cannot be kept', async (_, subject, data) => {
    expect(codeOf(await bench().tokens.issue(subject, data))).toBe('single_use.malformed');
  });

  test('a store that fails is never taken for an unknown token', async () => {
    const down = () => Promise.reject(new Error('down'));
    const tickets = { insert: down, read: down, take: down, removeBySubject: down };
    const { tokens } = bench({ tickets });
    expect(codeOf(await tokens.issue('alice'))).toBe('single_use.unavailable');
    expect(codeOf(await tokens.use('a'.repeat(68)))).toBe('single_use.unavailable');
  });

  test.each([
    [{ purpose: '' }],
    [{ purpose: 'Password reset' }],
    [{ lifetime: 3600 }],
    [{ lifetime: '1s' }],
    [{ tickets: {} }],
    [{ pepper: 'x' }],
  ])('%o cannot be constructed', (options) => {
    const { store } = bench();
    const all = { tickets: store, purpose: 'invitation', lifetime: '1h', ...options };
    expect(() => singleUseTokens(all as never)).toThrow(ConfigurationError);
  });
});
