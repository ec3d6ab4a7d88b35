import { describe, expect, test } from 'vitest';
import { textMember } from './clients/observe.ts';
import { CASE_HEADER } from './limit-policies.ts';
import { LARGEST_PAGE, USUAL_PAGE } from './page-policies.ts';
import type { Observed } from './subject.ts';
import type { Running } from './suite.ts';

/** Pages that the query asks for, which only REST has. */
export function describePages(get: () => Running): void {
  const ask = async (query: string, sub = 'reader'): Promise<Observed & { handled: boolean }> => {
    const { api, client, credentials } = get();
    const id = crypto.randomUUID();
    const observed = await client.call({
      operation: `queried${query}`,
      headers: [
        [CASE_HEADER, id],
        ['authorization', `Bearer ${await credentials.token({ claims: { sub } })}`],
      ],
    });
    return { ...observed, handled: api.ended(id).handled };
  };

  describe('pages', () => {
    test.each([
      ['', USUAL_PAGE],
      [`?limit=${LARGEST_PAGE}&sort=-name`, LARGEST_PAGE],
    ])('the query "%s" gets a page of %i', async (query, size) => {
      expect(pageOf(await ask(query))).toContain(`page of ${size} after undefined`);
    });

    test.each([
      [`?limit=${LARGEST_PAGE + 1}`, 'page.invalid'],
      ['?limit=5&limit=1000', 'page.invalid'],
      ['?limit=1e9', 'page.invalid'],
      ['?offset=1', 'page.too_deep'],
      ['?sort=passwordHash', 'page.field_unknown'],
      ['?__proto__=1', 'page.field_unknown'],
      ['?limit%5B%5D=1000', 'page.field_unknown'],
      ['?cursor=AAAA', 'page.cursor_invalid'],
    ])('the query "%s" is denied with %s, and nobody handles it', async (query, code) => {
      const { allowed, code: found, kinds, handled } = await ask(query);
      expect({ allowed, found, handled }).toEqual({ allowed: false, found: code, handled: false });
      expect(kinds).toContain('malformed');
    });

    test('a cursor opens for its caller alone', async () => {
      const [, cursor = ''] = pageOf(await ask('?limit=5')).split(' next ');
      expect(pageOf(await ask(`?limit=5&cursor=${cursor}`))).toContain('after 7');
      expect(await ask(`?limit=5&cursor=${cursor}`, 'mallory')).toMatchObject({
        allowed: false,
        code: 'page.cursor_invalid',
        handled: false,
      });
    });
  });
}

function pageOf({ reply, text }: Observed): string {
  return textMember(reply, 'id') ?? text;
}
