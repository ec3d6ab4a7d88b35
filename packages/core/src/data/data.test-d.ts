import { guard, type HttpFacts, limitPage, validateInput } from '@apisec/core';
import { expectTypeOf, test } from 'vitest';
import { z } from 'zod';

test('parts of the request are typed by their schemas, and a body alone adds no fact', () => {
  const query = validateInput({ query: z.object({ q: z.string() }) });
  guard<HttpFacts>()
    .use(query)
    .use({
      name: 'reads',
      role: 'check',
      check: (_request, facts: { readonly input: { readonly query: { q: string } } }) => {
        expectTypeOf(facts.input.query.q).toEqualTypeOf<string>();
        return { ok: true };
      },
    });
  // @ts-expect-error a fact is added once
  guard<HttpFacts>().use(query).use(query);
  const body = validateInput({ body: z.object({ q: z.string() }) });
  guard<HttpFacts>().use(body).use(body);
});

test('a page names only the fields that the options allow', () => {
  const policy = limitPage({ size: { max: 10 }, sort: ['name', 'age'], filter: ['status'] });
  type Facts = NonNullable<
    Extract<Awaited<ReturnType<typeof policy.check>>, { ok: true }>['facts']
  >;
  expectTypeOf<Facts['page']['sort'][number]['field']>().toEqualTypeOf<'name' | 'age'>();
  expectTypeOf<Facts['page']['filters']>().toEqualTypeOf<
    Readonly<Partial<Record<'status', string>>>
  >();
});
