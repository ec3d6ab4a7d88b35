import { describe, expect, test } from 'vitest';
import type { AuthenticatedFacts, CallFacts, Principal } from '../engine/facts.ts';
import type { MessageFacts } from '../engine/guard-messages.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { limitPage, type Page } from './limit-page.ts';

const secret = crypto.getRandomValues(new Uint8Array(32));
const other = crypto.getRandomValues(new Uint8Array(32));
let time = 1_000_000;
const POSITION = ['2026-01-01', 7];

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
  { principal = caller('ann'), operation = 'GET /orders', path = '/orders', policy = pager() } = {},
): Promise<Page | string> {
  const facts: CallFacts & Facts = {
    call: { protocol: 'http', operation },
    peer: { address: '192.0.2.1', id: '192.0.2.1' },
    principal,
  };
  const outcome = await policy.check(new Request(`https://api.example.com${path}${query}`), facts);
  if (!outcome.ok) return outcome.denial.code;
  return outcome.facts?.page ?? 'no page';
}

async function cursorFor(query = '', options: Parameters<typeof ask>[1] = {}): Promise<string> {
  const page = await ask(query, options);
  if (typeof page === 'string') throw new Error(page);
  return page.next(POSITION);
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
    ['a filter with NUL, which databases do not take', '?status=a%00', 'page.invalid'],
    ['a filter that is too long', `?status=${'x'.repeat(300)}`, 'page.invalid'],
    ['too many parameters', `?${'q=1&'.repeat(300)}`, 'page.invalid'],
  ])('denies a query with %s', async (_attack, query, code) => {
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

  test('is denied for another parameter of the path, where the operation is the same', async () => {
    const at = (id: string) => ({
      operation: 'GET /folders/:id/items',
      path: `/folders/${id}/items`,
    });
    const cursor = await cursorFor('?limit=5', at('1'));
    expect(await ask(`?limit=9&cursor=${cursor}`, at('1'))).toMatchObject({ after: POSITION });
    for (const id of ['2', '1/', '%31', '1%2f..%2f2', '']) {
      expect(await ask(`?cursor=${cursor}`, at(id))).toBe('page.cursor_invalid');
    }
  });

  test.each(['', '?q=', '?q=b', '?q=a&q=a', '?q=a&q=b', '?q=b&q=a'])(
    'for q=a is denied for %j: other parameters say what the list is about, too',
    async (query) => {
      const cursor = await cursorFor('?q=a');
      expect(await ask(`?q=a&cursor=${cursor}`)).toMatchObject({ after: POSITION });
      expect(await ask(`${query || '?limit=5'}&cursor=${cursor}`)).toBe('page.cursor_invalid');
    },
  );

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
    await expect(page.next(['\ud800'])).rejects.toThrow('A position is a list');
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

test.each(faults)('limitPage cannot be constructed with %s', (_fault, options) => {
  // Plain JavaScript can write all of these.
  expect(() => limitPage(options as Parameters<typeof limitPage>[0])).toThrow(ConfigurationError);
});

describe('limitPage of a message', () => {
  const policy = limitPage({
    size: { max: 100, default: 20 },
    sort: ['name'],
    filter: ['status'],
    from: ({ message }: MessageFacts) => message as Record<string, unknown>,
  });
  const read = async (message: unknown): Promise<Page | string> => {
    const facts: CallFacts & MessageFacts = {
      call: { protocol: 'grpc', operation: '/shop.v1.Shop/List' },
      peer: { address: undefined, id: undefined },
      message,
    };
    // What the query says does not count.
    const outcome = await policy.check(new Request('https://api.example.com/?limit=5000'), facts);
    return outcome.ok ? (outcome.facts?.page ?? 'no page') : outcome.denial.code;
  };

  test('reads numbers and texts, and takes undefined and null for nothing', async () => {
    expect(await read({})).toMatchObject({ size: 20, filters: {} });
    expect(await read({ limit: 100, sort: '-name', status: 'open', offset: null })).toMatchObject({
      size: 100,
      sort: [{ field: 'name', descending: true }],
      filters: { status: 'open' },
    });
    expect(await read({ limit: '7', cursor: undefined })).toMatchObject({ size: 7 });
  });

  test.each<[string, unknown, string]>([
    ['more than the largest page', { limit: 101 }, 'page.invalid'],
    ['an offset where nobody allowed one', { offset: 1 }, 'page.too_deep'],
    ['half a page', { limit: 2.5 }, 'page.invalid'],
    ['no number', { limit: Number.NaN }, 'page.invalid'],
    ['a number beyond all', { limit: 1e300 }, 'page.invalid'],
    ['less than nothing', { limit: -1 }, 'page.invalid'],
    ['a big integer', { limit: 5n }, 'page.invalid'],
    ['a list of sizes', { limit: [5, 1000] }, 'page.invalid'],
    ['an object as a filter', { status: { $ne: '' } }, 'page.invalid'],
    ['a flag as a filter', { status: true }, 'page.invalid'],
    ['a field that nobody named', { where: 'x' }, 'page.field_unknown'],
    ['the name of a prototype', JSON.parse('{"__proto__":{"limit":5}}'), 'page.field_unknown'],
    ['a list', [], 'page.invalid'],
    ['a text', 'limit=5', 'page.invalid'],
    ['nothing', undefined, 'page.invalid'],
    [
      'members without end',
      Object.fromEntries(Array.from({ length: 201 }, (_, at) => [`a${at}`, null])),
      'page.invalid',
    ],
  ])('denies a message with %s', async (_attack, message, code) => {
    expect(await read(message)).toBe(code);
  });

  test('seals cursors for what the others say the list is about, whatever type it has', async () => {
    const ofFolder = limitPage({
      size: { max: 100 },
      others: ['folder', 'view'],
      from: ({ message }: MessageFacts) => message as Record<string, unknown>,
      cursors: { secrets: [secret], caller: () => 'ann' },
    });
    const list = async (message: unknown): Promise<Page | string> => {
      const outcome = await ofFolder.check(new Request('https://api.example.com/'), {
        call: { protocol: 'grpc', operation: '/shop.v1.Shop/List' },
        peer: { address: '192.0.2.1', id: '192.0.2.1' },
        message,
      });
      return outcome.ok ? (outcome.facts?.page ?? 'no page') : outcome.denial.code;
    };
    const folders = [undefined, '1', '2', 1n, ['1'], ['1', '2'], { id: '1' }, { id: 1n }, true];
    for (const folder of folders) {
      const page = await list({ folder });
      if (typeof page === 'string') throw new Error(page);
      const cursor = await page.next(['x']);
      for (const other of folders) {
        const answer = await list({ folder: other, cursor });
        if (other === folder) expect(answer).toMatchObject({ after: ['x'] });
        else expect(answer).toBe('page.cursor_invalid');
      }
      expect(await list({ view: folder ?? 'v', cursor })).toBe('page.cursor_invalid');
    }
    const round: Record<string, unknown> = {};
    round['itself'] = round;
    expect(await list({ folder: round, cursor: 'AAAA' })).toBe('policy.threw');
  });

  test('cannot be constructed where it is not a function', () => {
    expect(() => limitPage({ size: { max: 5 }, from: 'message' as never })).toThrow(
      ConfigurationError,
    );
  });
});
