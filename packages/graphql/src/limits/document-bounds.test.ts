import { parse } from 'graphql';
import { expect, test } from 'vitest';
import { documentBounds } from './document-bounds.ts';

/** What graphql 16 and 17 call the syntax; each ignores the name of the other. */
const FRAGMENT_ARGUMENTS = {
  allowLegacyFragmentVariables: true,
  experimentalFragmentArguments: true,
};

test('fragments that take arguments are denied: policies would see other values than resolvers', () => {
  const check = (text: string) => documentBounds().checkDocument(parse(text, FRAGMENT_ARGUMENTS));
  expect(check('{ ...F } fragment F($a: Int = 1) on Query { orders(first: $a) }')?.code).toBe(
    'document.fragment_arguments',
  );
  expect(check('{ ...F } fragment F on Query { orders(first: 1) }')).toBeUndefined();
});

test('a subscription whose fields depend on a variable is denied, and a query is not', () => {
  const check = (text: string) => documentBounds().checkDocument(parse(text))?.code;
  for (const fields of [
    'ticks @skip(if: $off)',
    '... @include(if: $on) { ticks }',
    '...F } fragment F on Subscription { ticks @include',
  ]) {
    expect(check(`subscription { ${fields} }`)).toBe('document.subscription_condition');
    expect(check(`query { ${fields} }`)).toBeUndefined();
  }
  expect(check('subscription { ticks @skip(if: false) }')).toBeUndefined();
});
