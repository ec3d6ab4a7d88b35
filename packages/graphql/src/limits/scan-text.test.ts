import { Lexer, parse, Source, TokenKind } from 'graphql';
import { describe, expect, test } from 'vitest';
import { newWork } from './document-work.ts';
import { scanText } from './scan-text.ts';

const tokensOf = (text: string): number => {
  const lexer = new Lexer(new Source(text));
  let count = 0;
  while (lexer.advance().kind !== TokenKind.EOF) count++;
  return count;
};
const scan = (text: string, maxTokens: number, maxCharacters = 1_000, maxNesting = 10) =>
  scanText(text, { maxCharacters, maxTokens, maxNesting }, newWork());

describe('tokens are counted as the lexer of GraphQL.js does', () => {
  test.each([
    ['names and brackets', '{ a { b(c: [1, 2]) } }'],
    ['no blanks', '{a{...F...G}...on Q{b}}'],
    ['a directive', 'query($a:Int=1@b)@c{d@e(f:$a)}'],
    ['numbers', '{ a(b: [-1, 0, 1.5, 1e5, -1.5E+5, 2e-3]) }'],
    ['strings', '{ a(b: "", c: "x y {", d: "\\"", e: "\\\\", f: "\\u{1F600}") }'],
    ['block strings', '{ a(b: """""", c: """ " "" \\""" { """, d: """x""") }'],
    ['comments, and what is ignored', '\uFEFF# { " \n{ a, b,,, # """\r\n c\t}'],
    ['types', 'type A implements B & C { d(e: [F!]!): G } union H = | A | B'],
  ])('%s', (_, text) => {
    const count = tokensOf(text);
    expect(scan(text, count)).toBeUndefined();
    expect(scan(text, count - 1)).toBe('large');
    // The parser's own bound, which is the second line.
    expect(() => parse(text, { maxTokens: count - 1 })).toThrow(`${count - 1} tokens`);
  });
});

test.each([
  ['characters', '{ a }', 5, 100, undefined],
  ['characters, one too many', '{ a }', 4, 100, 'large'],
  ['comments count as characters', '{ a } # b', 8, 100, 'large'],
  ['brackets within brackets', '{{{', 100, 3, undefined],
  ['brackets within brackets, one too many', '{([{', 100, 3, 'deep'],
  ['a string without an end', '{ a(b: "{{{{{{', 100, 3, undefined],
  ['a block string without an end', '{ a(b: """{{{{{{', 100, 3, undefined],
  ['brackets in strings', '{ a(b: "((((((") }', 100, 2, undefined],
  ['more closed than opened', '}}}}{{{', 100, 3, undefined],
  ['more closed than opened, and then too deep', '}}}}{{{{{{{{', 100, 3, 'deep'],
])('bounds of a text hold: %s', (_, text, maxCharacters, maxNesting, problem) => {
  expect(scan(text, 100, maxCharacters, maxNesting)).toBe(problem);
});
