import { buildSchema, parse } from 'graphql';
import { expect, test } from 'vitest';
import { MOST_ERRORS } from '../safe-errors.ts';
import { validateFew } from './deny-errors.ts';

const schema = buildSchema('type Query { name: String }');
const CUT = 'Cannot query field "nmae" on type "Query".';

test('a validator is asked to leave out hints, if it can, and to stop after a few errors', () => {
  const bounds: object[] = [];
  validateFew(schema, parse('{ nmae }'), true, (each) => {
    bounds.push(each);
    return [];
  });
  expect(bounds).toEqual([{ maxErrors: MOST_ERRORS, hideSuggestions: true }]);
});

test('GraphQL.js looks for no names to suggest, and does where errors are shown', () => {
  const messageOf = (hides: boolean) => validateFew(schema, parse('{ nmae }'), hides)[0]?.message;
  expect(messageOf(true)).toBe(CUT);
  expect(messageOf(false)).toBe(`${CUT} Did you mean "name"?`);
});

test('an error that a rule throws is an error of the document', () => {
  const thrown = new Error('a rule of the server');
  const errors = validateFew(schema, parse('{ name }'), true, () => {
    throw thrown;
  });
  expect(errors.map(({ message }) => message)).toEqual(['The document cannot be validated.']);
});
