import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Lang, parse } from '@ast-grep/napi';
import { expect, test } from 'vitest';
import { parseAllDocuments, parse as parseYaml } from 'yaml';

// Semgrep itself is not run: the file is held to its syntax of rules, and to the rules that are run.

const folder = join(import.meta.dirname, '../../../docs/public/rules');
const read = (name: string) => readFileSync(join(folder, name), 'utf8');

interface Rule {
  readonly id: string;
  readonly message: string;
  readonly severity: string;
  readonly languages: readonly string[];
}
// The file is ours.
const { rules } = parseYaml(read('apisec.semgrep.yml')) as { readonly rules: readonly Rule[] };

const RULE_KEYS = ['id', 'languages', 'severity', 'message', 'paths', 'pattern', 'patterns'];
const PATTERNS = ['pattern', 'pattern-not', 'pattern-inside', 'pattern-not-inside'];

/** The members of a rule by name, however deep they are. */
function* members(value: unknown): Generator<readonly [key: string, value: unknown]> {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    yield [key, inner];
    yield* members(inner);
  }
}

test('there is a rule for Semgrep for each that is run by ast-grep, with the same message', () => {
  // Those rules are run in scanner-rules.test.ts.
  const run = parseAllDocuments(read('apisec.yml')).map((document) => document.toJS() as Rule);
  const told = (all: readonly Rule[]) => all.map(({ id, message }) => [id, message]);
  expect(told(rules)).toEqual(told(run));
});

test.each(rules)('$id has what a rule of Semgrep must have, and nothing else', (rule) => {
  expect(Object.keys(rule).filter((key) => !RULE_KEYS.includes(key))).toEqual([]);
  expect(['INFO', 'WARNING', 'ERROR']).toContain(rule.severity);
  expect(rule.languages).toEqual(['typescript', 'javascript']);
  expect('pattern' in rule !== 'patterns' in rule).toBe(true);
  for (const [key, value] of members('patterns' in rule ? rule.patterns : [])) {
    if (/^\d+$/.test(key)) continue;
    const operators = ['pattern-either', 'metavariable-regex', 'focus-metavariable'];
    expect([...PATTERNS, ...operators, 'metavariable', 'regex']).toContain(key);
    if (key === 'regex') expect(() => new RegExp(String(value))).not.toThrow();
  }
});

const patterns = rules.flatMap((rule) =>
  [...members(rule)].flatMap(([key, value]) =>
    PATTERNS.includes(key) ? [{ id: rule.id, pattern: String(value) }] : [],
  ),
);

test.each(patterns)(
  '$id: its pattern is TypeScript but for metavariables and dots: $pattern',
  ({ pattern }) => {
    const code = pattern
      .replace(/^\s*\.\.\.\s*$/gm, 'rest();')
      .replace(/\.\.\.(?=[,)}\s])/g, '...rest')
      .replace(/\$([A-Z]+)/g, 'meta_$1');
    const errors = parse(Lang.TypeScript, code)
      .root()
      .findAll({ rule: { kind: 'ERROR' } });
    expect(errors.map((node) => node.text())).toEqual([]);
  },
);

test('each metavariable that a condition names stands in a pattern of its rule', () => {
  for (const rule of rules) {
    const texts = [...members(rule)].flatMap(([key, value]) =>
      PATTERNS.includes(key) ? [String(value)] : [],
    );
    const named = [...members(rule)].flatMap(([key, value]) =>
      key === 'metavariable' || key === 'focus-metavariable' ? [String(value)] : [],
    );
    for (const name of named)
      expect(
        texts.some((text) => text.includes(name)),
        name,
      ).toBe(true);
  }
});
