import { createHash } from 'node:crypto';
import { buildTrustedDocuments, trustedDocuments } from '@apisec/graphql';
import { describe, expect, test } from 'vitest';

const fragment = {
  path: 'a.graphql',
  text: 'fragment Name on User { name ...Id } fragment Id on User { id }',
};
const query = { path: 'b.gql', text: 'query Me { me { ...Name } } mutation Go { go }' };

describe('trusted documents are built', () => {
  test('of files, each operation with the fragments that it needs, by its hash', async () => {
    const manifest = await buildTrustedDocuments([query, fragment]);
    const texts = Object.values(manifest) as string[];
    expect(texts).toHaveLength(2);
    for (const [id, text] of Object.entries(manifest)) {
      expect(id).toBe(createHash('sha256').update(String(text)).digest('hex'));
    }
    expect(texts.find((text) => text.startsWith('query Me'))).toMatch(
      /fragment Id[^]*fragment Name/,
    );
    expect(texts.find((text) => text.startsWith('mutation'))).not.toContain('fragment');
    expect(trustedDocuments(manifest).isTrusted(texts[0] as string)).toBe(true);
  });

  test("in Apollo's format", async () => {
    const manifest = await buildTrustedDocuments([query, fragment], { format: 'apollo' });
    expect(manifest).toMatchObject({
      format: 'apollo-persisted-query-manifest',
      operations: [
        { name: 'Me', type: 'query' },
        { name: 'Go', type: 'mutation' },
      ],
    });
    expect(trustedDocuments(manifest).size).toBe(2);
  });

  test.each([
    ['gql', 'const A = gql`query A { a }`;'],
    ['graphql, called', 'const A = graphql(`query A { a }`);'],
    ['a comment', 'const A = /* GraphQL */ `query A { a }`;'],
    ['a comment in a call', 'graphql(/* GraphQL */ `query A { a }`)'],
    [
      'an interpolated fragment',
      'gql`query A { a ...F } ${pick({ F })}`; gql`fragment F on Query { b }`',
    ],
    ['an escaped backtick', 'gql`query A { a(x: "\\`") }`'],
  ])('of scripts: %s', async (_, text) => {
    const manifest = await buildTrustedDocuments([{ path: 'a.tsx', text }]);
    expect(Object.values(manifest)[0]).toMatch(/^query A/);
  });

  test('of nothing else in scripts', async () => {
    const text = 'const a = `query A { a }`; const b = mygql`query B { b }`;';
    expect(await buildTrustedDocuments([{ path: 'a.ts', text }])).toEqual({});
  });

  test.each([
    ['a line', '// const Old = gql`query Old { a }`;'],
    ['the end of a line', 'old(); // gql`query Old { a }`'],
    ['the end of a line, without a space', 'old();// gql`query Old { a }`'],
    ['an argument', 'use(/* gql`query Old { a }` */);'],
    ['an element of JSX', '<p>{/* use(gql`query Old { a }`) */}</p>;'],
    ['a block', '/* const Old = gql`query Old { a }`; */'],
    ['documentation', '/**\n * @example\n * gql`query Old { a }`\n */'],
  ])('not of what is commented out: %s', async (_, comment) => {
    const text = `const site = 'https://a.example/**'; ${comment}\nconst A = gql\`query A { a }\`;`;
    const manifest = await buildTrustedDocuments([{ path: 'a.ts', text }]);
    expect(Object.values(manifest)).toEqual(['query A {\n  a\n}']);
  });

  test('of scripts with much white space, in time that is linear', async () => {
    const text = `gql${' '.repeat(200_000)}x`;
    const begun = process.cpuUsage();
    expect(await buildTrustedDocuments([{ path: 'a.ts', text }])).toEqual({});
    expect(process.cpuUsage(begun).user).toBeLessThan(2_000_000);
  });

  test.each([
    ['what does not parse', 'query A {', /b\.graphql: Syntax Error/],
    ['an operation without a name', '{ me }', /has no name/],
    ['a fragment that is nowhere', 'query A { ...Nope }', /no source defines the fragment "Nope"/],
    ['two of one name', 'query A { a } query A { b }', /"A" in b\.graphql appears twice/],
  ])('not of %s', async (_, text, message) => {
    await expect(buildTrustedDocuments([{ path: 'b.graphql', text }])).rejects.toThrow(message);
  });
});
