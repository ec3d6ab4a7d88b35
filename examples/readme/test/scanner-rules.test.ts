import { readFileSync } from 'node:fs';
import { join, matchesGlob } from 'node:path';
import { Lang, type NapiConfig, parse } from '@ast-grep/napi';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';

const root = join(import.meta.dirname, '../../..');
const text = readFileSync(join(root, 'docs/public/rules/apisec.yml'), 'utf8');

interface Rule extends NapiConfig {
  readonly id: string;
  readonly ignores?: readonly string[];
}
// The file is ours, and each rule is run below.
const rules = parseAllDocuments(text).map((document) => document.toJS() as Rule);

/** Ids of the rules that find something, with what they find. */
const found = (code: string) =>
  rules.flatMap(({ id, rule, constraints }) => {
    const config: NapiConfig = { rule, ...(constraints && { constraints }) };
    return parse(Lang.TypeScript, code)
      .root()
      .findAll(config)
      .map((node) => `${id}: ${node.text().split('\n')[0]}`);
  });

const EXPRESS = `import { secure } from '@apisec/express';
import express from 'express';
const app = express();
`;
const ROUTE = "app.get('/orders', (req, res) => res.json({}));";

const cases: readonly (readonly [name: string, code: string, ...found: string[]])[] = [
  [
    'an insecure option',
    'authenticateJwt({ issuer, audience, insecureMissingTokenType: true });',
    'apisec-insecure-option: insecureMissingTokenType: true',
  ],
  ['one that is off', 'authenticateJwt({ issuer, audience, insecureMissingTokenType: false });'],
  ['secure options', 'authenticateJwt({ issuer, audience });'],
  ['an open route', `${EXPRESS}${ROUTE}`, `apisec-route-without-secure: ${ROUTE.slice(0, -1)}`],
  ['a guarded route', `${EXPRESS}app.get('/orders', secure(orders), (req, res) => res.json({}));`],
  ['a guarded application', `${EXPRESS}app.use(secure(orders));\n${ROUTE}`],
  [
    'a guard below the route',
    `${EXPRESS}${ROUTE}\napp.use(secure(orders));`,
    `apisec-route-without-secure: ${ROUTE.slice(0, -1)}`,
  ],
  [
    'the guard of another application',
    `${EXPRESS}other.use(secure(orders));\n${ROUTE}`,
    `apisec-route-without-secure: ${ROUTE.slice(0, -1)}`,
  ],
  ['a setting', `${EXPRESS}app.get(name);`],
  ['a Map elsewhere', "cache.get('/orders', 1);"],
  [
    'an open route of Hono',
    "import { Hono } from 'hono';\nconst app = new Hono();\napp.post('/orders', (c) => c.json({}));",
    "apisec-route-without-secure: app.post('/orders', (c) => c.json({}))",
  ],
  [
    'a guarded application of Hono',
    "import { Hono } from 'hono';\nconst app = new Hono();\napp.use('*', secure(orders));\napp.post('/orders', (c) => c.json({}));",
  ],
  [
    'Fastify without a guard',
    "import Fastify from 'fastify';\nconst app = Fastify();",
    'apisec-fastify-without-secure: Fastify()',
  ],
  [
    'Fastify with one',
    "import Fastify from 'fastify';\nconst app = Fastify();\nawait app.register(secure(orders));",
  ],
  [
    'a policy that is thrown away',
    'export const orders = guard()\n  .use(token)\n  .use(scope);\norders.use(limit);',
    'apisec-use-thrown-away: orders.use(limit)',
  ],
  [
    'one that is kept',
    'const orders = guard().use(token).use(scope);\nconst strict = orders.use(limit);\nserve(orders.use(limit));',
  ],
  ['use of something else', 'const app = express();\napp.use(limit);'],
  ['shadow mode', "guard().use(limit, { mode: 'shadow' });", "apisec-shadow-mode: mode: 'shadow'"],
  ['another mode', "open({ mode: 'shadow' });"],
  [
    'a test issuer',
    "import { testIssuer } from '@apisec/core/testing';",
    "apisec-test-issuer: import { testIssuer } from '@apisec/core/testing';",
  ],
  ['a clock for tests', "import { testClock } from '@apisec/core/testing';"],
];

describe('the rules for scanners', () => {
  test.each(cases)('%s', (_name, code, ...expected) => {
    expect(found(code)).toEqual(expected);
  });

  test.each([
    ['src/app.ts', false],
    ['src/testing.ts', false],
    ['src/app.test.ts', true],
    ['packages/shop/test/kit.ts', true],
    ['src/__tests__/app.ts', true],
  ])('a test issuer in %s is left alone: %s', (file, isIgnored) => {
    const rule = rules.find(({ id }) => id === 'apisec-test-issuer');
    expect(rule?.ignores?.some((glob) => matchesGlob(file, glob))).toBe(isIgnored);
  });

  test('each finds something here', () => {
    const ids = new Set(cases.flatMap(([, , ...each]) => each.map((line) => line.split(':')[0])));
    expect(ids).toEqual(new Set(rules.map(({ id }) => id)));
  });
});
