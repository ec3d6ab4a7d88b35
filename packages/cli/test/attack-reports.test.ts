import { expect, test } from 'vitest';
import { toJunit } from '../src/attack/junit.ts';
import type { Result } from '../src/attack/result.ts';
import { toSarif } from '../src/attack/sarif.ts';

const HOSTILE = `"><script>&'\u0000\u001b[2J\u202e\ud800\ufffe]]>\n${'x'.repeat(5_000)}`;
const RESULTS: readonly Result[] = [
  { id: 'a.one', owasp: 'API2:2023', title: 'First', outcome: 'withstood' },
  { id: 'a.two', owasp: 'API4:2023', title: HOSTILE, outcome: 'succeeded', evidence: HOSTILE },
  { id: 'a.three', owasp: 'API8:2023', title: 'Third', outcome: 'skipped', evidence: 'needs --x' },
];

/** Elements of XML that is well-formed, with their attributes; throws for what is not. */
function elementsOf(xml: string): (readonly [string, Readonly<Record<string, string>>])[] {
  const [, body = ''] = /^<\?xml version="1\.0" encoding="UTF-8"\?>\n(.*)$/s.exec(xml) ?? [];
  const found: (readonly [string, Readonly<Record<string, string>>])[] = [];
  const open: string[] = [];
  const rest = body.replaceAll(
    /<(\/?)([a-z]+)((?: [a-z]+="(?:[^<>&"]|&(?:lt|gt|amp|quot);)*")*)(\/?)>/g,
    (_all, end: string, name: string, attributes: string, empty: string) => {
      if (end !== '') expect(open.pop()).toBe(name);
      else {
        const pairs = [...attributes.matchAll(/([a-z]+)="([^"]*)"/g)];
        found.push([
          name,
          Object.fromEntries(pairs.map(([, key = '', value = '']) => [key, value])),
        ]);
        if (empty === '') open.push(name);
      }
      return '';
    },
  );
  expect([open, rest.trim()]).toEqual([[], '']);
  // XML 1.0 §2.2: what no document may hold.
  expect(xml).not.toMatch(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u);
  return found;
}

test('the JUnit report is well-formed whatever it contains, and has as many cases as it says', () => {
  const [suite, ...rest] = elementsOf(toJunit(RESULTS));
  expect(suite).toEqual([
    'testsuite',
    { name: 'apisec attack', tests: '3', failures: '1', skipped: '1' },
  ]);
  expect(rest.map(([name]) => name)).toEqual([
    'testcase',
    'testcase',
    'failure',
    'testcase',
    'skipped',
  ]);
  expect(rest[0]).toEqual(['testcase', { classname: 'API2:2023.a.one', name: 'First' }]);
  expect(rest[4]).toEqual(['skipped', { message: 'needs --x' }]);
  for (const [, attributes] of rest) {
    for (const value of Object.values(attributes)) expect(value.length).toBeLessThan(2_000);
  }
});

test('SARIF has what version 2.1.0 requires, and a rule with its OWASP risk for each result', () => {
  const uri = 'http://127.0.0.1:3000/orders';
  const log = JSON.parse(JSON.stringify(toSarif(RESULTS, uri)));
  expect(Object.keys(log).toSorted()).toEqual(['$schema', 'runs', 'version']);
  expect(log.version).toBe('2.1.0');
  expect(URL.canParse(log.$schema)).toBe(true);
  const [run, ...more] = log.runs;
  expect(more).toEqual([]);
  const { driver } = run.tool;
  expect(driver.name).toBe('apisec');
  expect(URL.canParse(driver.informationUri)).toBe(true);
  expect(driver.rules).toHaveLength(RESULTS.length);
  for (const [index, rule] of driver.rules.entries()) {
    expect(rule.id).toBe(RESULTS[index]?.id);
    expect(rule.shortDescription.text).not.toMatch(/\p{Cc}|\p{Cs}/u);
    expect(rule.properties.tags).toEqual(['security', RESULTS[index]?.owasp]);
  }
  expect(run.results).toHaveLength(1);
  for (const { ruleId, level, message, locations } of run.results) {
    expect([ruleId, level]).toEqual(['a.two', 'error']);
    expect(message.text).not.toMatch(/\p{Cc}|\p{Cs}/u);
    expect(message.text.length).toBeLessThan(8_192);
    expect(locations).toEqual([{ physicalLocation: { artifactLocation: { uri } } }]);
  }
});
