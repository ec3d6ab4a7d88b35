import { describe, expect, test } from 'vitest';
import type { AuthenticatedFacts, CallFacts, Principal } from '../engine/facts.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { limitPage, type Page } from './limit-page.ts';

const secret = crypto.getRandomValues(new Uint8Array(32));
const other = crypto.getRandomValues(new Uint8Array(32));
let time = 1_000_000;

type Facts = Pick<AuthenticatedFacts, 'principal'>;

function pager(secrets: readonly Uint8Array[] = [secret]) {
  return limitPage({
    size: { max: 100, default: 20 },
    maxOffset: 1000,
    sort: ['createdAt', 'name'],
    filter: ['status', 'constructor'],
    others: ['q'],
    cursors: {
      secrets,
      lifetime: '1h',
      caller: ({ principal }: Facts) => JSON.stringify([principal.tenant, principal.id]),
    },
    now: () => time,
  });
}

function caller(id: string, tenant = 'a'): Principal {
  return { id, subject: id, issuer: 'i', tenant, roles: new Set(), scopes: new Set() };
}

async function ask(
  query: string,
  { principal = caller('ann'), operation = 'GET /orders', policy = pager() } = {},
): Promise<Page | string> {
  const facts: CallFacts & Facts = {
    call: { protocol: 'http', operation },
    peer: { address: '192.0.2.1', id: '192.0.2.1' },
    principal,
  };
  const outcome = await policy.check(new Request(`https://api.example.com/orders${query}`), facts);
  if (!outcome.ok) return outcome.denial.code;
  return outcome.facts?.page ?? 'no page';
}

async function cursorFor(query = '', options: Parameters<typeof ask>[1] = {}): Promise<string> {
  const page = await ask(query, options);
  if (typeof page === 'string') throw new Error(page);
  return page.next(['2026-01-01', 7]);
}

describe('limitPage', () => {
  test('has a size where the caller asks for none', async () => {
    expect(await ask('')).toMatchObject({
      size: 20,
      offset: 0,
      sort: [],
      filters: {},
      after: undefined,
    });
  });

  test('reads what is asked for within the limits', async () => {
    expect(
      await ask('?limit=100&offset=1000&sort=-createdAt,name&status=open&q=x&q=y'),
    ).toMatchObject({
      size: 100,
      offset: 1000,
      sort: [
        { field: 'createdAt', descending: true },
        { field: 'name', descending: false },
      ],
      filters: { status: 'open' },
    });
  });

  test.each([
    ['101', 'page.invalid'],
    ['0', 'page.invalid'],
    ['-1', 'page.invalid'],
    ['NaN', 'page.invalid'],
    ['Infinity', 'page.invalid'],
    ['1e2', 'page.invalid'],
    ['0x10', 'page.invalid'],
    ['1.5', 'page.invalid'],
    ['', 'page.invalid'],
    ['%2010', 'page.invalid'],
    ['10%0A', 'page.invalid'],
    ['010', 'page.invalid'],
    ['99999999999999999999', 'page.invalid'],
    ['%D9%A1', 'page.invalid'],
    ['10&limit=1000', 'page.invalid'],
  ])('denies a page of size %j', async (size, code) => {
    expect(await ask(`?limit=${size}`)).toBe(code);
  });

  test.each([
    ['an offset too deep', '?offset=1001', 'page.too_deep'],
    ['an offset that is not a number', '?offset=NaN', 'page.invalid'],
    ['a field to sort by that is not on the list', '?sort=passwordHash', 'page.field_unknown'],
    ['SQL in the order', '?sort=name;drop%20table', 'page.field_unknown'],
    ['a prototype name as a field', '?sort=__proto__', 'page.field_unknown'],
    ['a field that is there twice', '?sort=name,-name', 'page.field_unknown'],
    ['an order without end', `?sort=${'name,'.repeat(500)}`, 'page.field_unknown'],
    ['a filter that is not on the list', '?passwordHash=a', 'page.field_unknown'],
    ['a filter with an operator', '?status[$ne]=x', 'page.field_unknown'],
    ['__proto__ as a filter', '?__proto__=x', 'page.field_unknown'],
    ['a filter that is there twice', '?status=a&status=b', 'page.invalid'],
    ['a filter that is too long', `?status=${'x'.repeat(300)}`, 'page.invalid'],
    ['too many parameters', `?${'q=1&'.repeat(300)}`, 'page.invalid'],
  ])('denies %s', async (_attack, query, code) => {
    expect(await ask(query)).toBe(code);
  });
});

describe('a cursor', () => {
  test('brings its caller to where the page before ended, and says nothing itself', async () => {
    const cursor = await cursorFor();
    expect(await ask(`?cursor=${cursor}`)).toMatchObject({ after: ['2026-01-01', 7] });
    expect(atob(cursor.replaceAll('-', '+').replaceAll('_', '/'))).not.toContain('2026');
    expect(await cursorFor()).not.toBe(cursor);
  });

  test('is denied for another caller, tenant, operation, order or filter', async () => {
    const cursor = await cursorFor('?sort=name&status=open');
    const query = `?sort=name&status=open&cursor=${cursor}`;
    expect(await ask(query)).toMatchObject({ after: ['2026-01-01', 7] });
    for (const denied of [
      ask(query, { principal: caller('eve') }),
      ask(query, { principal: caller('ann', 'b') }),
      ask(query, { operation: 'GET /invoices' }),
      ask(`?sort=-name&status=open&cursor=${cursor}`),
      ask(`?sort=name&status=closed&cursor=${cursor}`),
      ask(`?sort=name&cursor=${cursor}`),
    ]) {
      expect(await denied).toBe('page.cursor_invalid');
    }
  });

  test('is denied when it was changed anywhere, cut, made up or too long', async () => {
    const cursor = await cursorFor();
    for (let at = 0; at < cursor.length; at += 5) {
      const changed = `${cursor.slice(0, at)}${cursor[at] === 'A' ? 'B' : 'A'}${cursor.slice(at + 1)}`;
      expect(await ask(`?cursor=${changed}`)).toBe('page.cursor_invalid');
    }
    for (const bad of [
      '',
      'x',
      cursor.slice(0, -4),
      `${cursor}AAAA`,
      'A'.repeat(9000),
      btoa('{"at":[1]}'),
    ]) {
      expect(await ask(`?cursor=${bad}`)).toBe('page.cursor_invalid');
    }
    expect(await ask(`?offset=5&cursor=${cursor}`)).toBe('page.cursor_invalid');
    expect(await ask(`?cursor=${cursor}&cursor=${cursor}`)).toBe('page.invalid');
  });

  test('is denied when it is too old', async () => {
    const cursor = await cursorFor();
    time += 3_599_999;
    expect(await ask(`?cursor=${cursor}`)).toMatchObject({ after: ['2026-01-01', 7] });
    time += 1;
    expect(await ask(`?cursor=${cursor}`)).toBe('page.cursor_invalid');
  });

  test('outlives a change of the secret, but not its removal', async () => {
    const cursor = await cursorFor();
    expect(await ask(`?cursor=${cursor}`, { policy: pager([other, secret]) })).toMatchObject({
      size: 20,
    });
    expect(await ask(`?cursor=${cursor}`, { policy: pager([other]) })).toBe('page.cursor_invalid');
  });

  test('is not sealed for positions that are not plain', async () => {
    const page = await ask('');
    if (typeof page === 'string') throw new Error(page);
    await expect(page.next([Number.NaN])).rejects.toThrow('A position is a list');
    await expect(page.next(['x'.repeat(3000)])).rejects.toThrow('2048 bytes');
  });

  test('is denied with a fault where the caller is not known', async () => {
    const cursor = await cursorFor();
    const policy = limitPage({
      size: { max: 10 },
      cursors: { secrets: [secret], caller: () => '' },
    });
    expect(await ask(`?cursor=${cursor}`, { policy })).toBe('policy.threw');
  });

  test('is denied where the list has none', async () => {
    expect(await ask('?cursor=AAAA', { policy: limitPage({ size: { max: 10 } }) })).toBe(
      'page.cursor_invalid',
    );
  });
});

const faults: readonly (readonly [string, unknown])[] = [
  ['a NaN size', { size: { max: Number.NaN } }],
  ['a default above the largest size', { size: { max: 10, default: 20 } }],
  ['an endless offset', { size: { max: 10 }, maxOffset: Number.POSITIVE_INFINITY }],
  [
    'a short secret',
    { size: { max: 10 }, cursors: { secrets: [new Uint8Array(16)], caller: () => 'eve' } },
  ],
  ['cursors of nobody', { size: { max: 10 }, cursors: { secrets: [secret] } }],
  [
    'a lifetime without a unit',
    { size: { max: 10 }, cursors: { secrets: [secret], caller: () => 'eve', lifetime: 5 } },
  ],
  ['a filter that is a parameter of its own', { size: { max: 10 }, filter: ['limit'] }],
  ['__proto__ to sort by', { size: { max: 10 }, sort: ['__proto__'] }],
  ['an unknown option', { size: { max: 10 }, sorts: ['name'] }],
];

test.each(faults)('limitPage does not construct with %s', (_fault, options) => {
  // Plain JavaScript can write all of these.
  expect(() => limitPage(options as Parameters<typeof limitPage>[0])).toThrow(ConfigurationError);
});
