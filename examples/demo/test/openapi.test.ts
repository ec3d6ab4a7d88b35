import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { audit, coverageReport, memoryLimitStore, openapiOperations } from '@apisec/core';
import { testIssuer } from '@apisec/core/testing';
import { expect, test } from 'vitest';
import { shopPolicy } from '../src/policy.ts';

const document = JSON.parse(readFileSync(join(import.meta.dirname, '../openapi.json'), 'utf8'));

const { rest } = shopPolicy({
  customers: testIssuer().trust,
  warehouse: testIssuer({ issuer: 'https://warehouse.test' }).trust,
  isFrozen: () => false,
  log: () => undefined,
  audit: audit({ sinks: [() => undefined] }),
  limitStore: memoryLimitStore(),
});
const served = rest.operations.map((operation) => ({
  operation,
  protocol: 'http' as const,
  admissions: [rest.admission(operation)],
}));

test('the OpenAPI document lists what the shop serves, with the credentials that its guards want', () => {
  const { differences } = coverageReport(served, { documented: openapiOperations(document) });
  expect(Object.values(differences ?? {}).flat()).toEqual([]);
  expect(Object.keys(document.paths)).toHaveLength(7);
});

test('an operation that is not documented shows', () => {
  const { '/stock': _, ...paths } = document.paths;
  const { differences } = coverageReport(served, {
    documented: openapiOperations({ ...document, paths }),
  });
  expect(JSON.stringify(differences)).toContain('GET /stock');
});

test('the plan for ZAP reads that document', () => {
  const plan = readFileSync(join(import.meta.dirname, '../zap-baseline.yaml'), 'utf8');
  expect(plan).toContain('apiFile: openapi.json');
});
