import { buildSchema, parse, validate } from 'graphql';
import { expect, test } from 'vitest';
import { dropLocations } from './drop-locations.ts';

const schema = buildSchema('type Query { echo: String }');
const placesOf = (text: string) => {
  const document = parse(text);
  dropLocations(document);
  return validate(schema, document).map(({ message, locations }) => [message, locations]);
};
const MESSAGE = 'Cannot query field "nope" on type "Query".';

test.each([
  ['with very many lines', `${'\n'.repeat(1_001)}{ nope }`],
  ['whose lines end as on old machines', `${'\r'.repeat(1_001)}{ nope }`],
  ['of very many characters', `{ nope }${' '.repeat(20_000)}`],
])('errors of a document %s name no places', (_, text) => {
  expect(placesOf(text)).toEqual([[MESSAGE, undefined]]);
});

test('errors of any other document name their places', () => {
  expect(placesOf(`${'\n'.repeat(1_000)}{ nope }`)).toEqual([
    [MESSAGE, [{ line: 1_001, column: 3 }]],
  ]);
  expect(placesOf(`{ nope }${' '.repeat(19_000)}`)).toEqual([[MESSAGE, [{ line: 1, column: 3 }]]]);
});

test('only the locations of the document are removed', () => {
  const text = `query A($a: [Int!] = [1]) @skip(if: true) { ...F } fragment F on Query { a: echo } ${' '.repeat(20_000)}`;
  const document = parse(text);
  dropLocations(document);
  // JSON leaves out what is undefined.
  expect(JSON.parse(JSON.stringify(document))).toEqual(
    JSON.parse(JSON.stringify(parse(text, { noLocation: true }))),
  );
});
