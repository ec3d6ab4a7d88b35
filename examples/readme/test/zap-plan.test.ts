import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';

// ZAP itself is not run: its plan is held to what the automation framework and its add-ons document.

const demo = join(import.meta.dirname, '../../demo');

interface Job {
  readonly type: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly rules?: readonly Readonly<Record<string, unknown>>[];
}
interface Plan {
  readonly env: {
    readonly contexts: readonly { readonly name: string; readonly urls: readonly string[] }[];
    readonly parameters: Readonly<Record<string, unknown>>;
  };
  readonly jobs: readonly Job[];
}
// The file is ours, and what it holds is looked at below.
const plan = parse(readFileSync(join(demo, 'zap-baseline.yaml'), 'utf8')) as Plan;

/** What a job takes, as its own template lists it. */
const PARAMETERS: Readonly<Record<string, readonly string[]>> = {
  replacer: ['deleteAllRules'],
  'passiveScan-config': [
    'maxAlertsPerRule',
    'scanOnlyInScope',
    'maxBodySizeInBytesToScan',
    'enableTags',
  ],
  openapi: ['apiFile', 'apiUrl', 'context', 'user', 'targetUrl', 'maxMessages'],
  'passiveScan-wait': ['maxDuration'],
  report: [
    'template',
    'reportDir',
    'reportFile',
    'reportTitle',
    'reportDescription',
    'displayReport',
  ],
  exitStatus: ['errorLevel', 'warnLevel', 'okExitValue', 'errorExitValue', 'warnExitValue'],
};
const REPLACER_RULE = [
  'description',
  'url',
  'matchType',
  'matchString',
  'matchRegex',
  'replacementString',
  'tokenProcessing',
  'initiators',
];
const ENV = [
  'failOnError',
  'failOnWarning',
  'continueOnFailure',
  'progressToStdout',
  'maxDuration',
];
const LEVELS = ['Informational', 'Low', 'Medium', 'High'];

const unknown = (given: object, known: readonly string[]): readonly string[] =>
  Object.keys(given).filter((key) => !known.includes(key));
const jobOf = (type: string): Job => {
  const found = plan.jobs.find((job) => job.type === type);
  if (found === undefined) throw new Error(`The plan has no job ${type}.`);
  return found;
};

test('the plan for ZAP has what every plan has, and nothing else', () => {
  expect(unknown(plan, ['env', 'jobs'])).toEqual([]);
  expect(unknown(plan.env, ['contexts', 'parameters', 'vars', 'configs', 'proxy'])).toEqual([]);
  expect(unknown(plan.env.parameters, ENV)).toEqual([]);
  expect(plan.env.contexts.map((context) => Object.keys(context))).toEqual([['name', 'urls']]);
});

test.each(plan.jobs)('its job $type takes the parameters that it is given', (job) => {
  expect(unknown(job, ['type', 'name', 'enabled', 'parameters', 'rules', 'tests'])).toEqual([]);
  expect(unknown(job.parameters, PARAMETERS[job.type] ?? [])).toEqual([]);
});

test('it sends the token with every call, and waits for the scan before it reports', () => {
  const { rules = [] } = jobOf('replacer');
  expect(rules).toMatchObject([
    { matchType: 'req_header', matchString: 'Authorization', replacementString: 'Bearer ${TOKEN}' },
  ]);
  expect(rules.flatMap((rule) => unknown(rule, REPLACER_RULE))).toEqual([]);
  expect(plan.jobs.map(({ type }) => type)).toEqual(Object.keys(PARAMETERS));
});

test('it names a context, a document and levels that there are', () => {
  const { parameters } = jobOf('openapi');
  expect(parameters['context']).toBe(plan.env.contexts[0]?.name);
  expect(readFileSync(join(demo, String(parameters['apiFile'])), 'utf8')).toContain('"openapi"');
  const { errorLevel, warnLevel } = jobOf('exitStatus').parameters;
  expect(LEVELS).toEqual(expect.arrayContaining([errorLevel, warnLevel]));
});
