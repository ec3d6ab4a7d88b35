import { coverageReport, type PolicyInfo } from '@apisec/core';
import { exceptionsOf } from '../coverage-command.ts';
import type { Check, Patient } from './check.ts';

const needs = ({ inventory }: Patient): string | undefined =>
  inventory === undefined ? 'the module of the application' : undefined;

const reportOf = ({ inventory = [], except }: Patient) =>
  coverageReport(inventory, { except: exceptionsOf(except) });

export const COVERAGE_CHECKS: readonly Check[] = [
  {
    id: 'coverage.complete',
    title: 'Every operation has authentication, a grant and a limit, or is excepted by name',
    needs,
    run: async (patient) => {
      const { problems } = reportOf(patient);
      const more = problems.length > 1 ? ` And ${problems.length - 1} more.` : '';
      return problems[0] === undefined ? undefined : `${problems[0]}${more}`;
    },
  },
  {
    id: 'coverage.enforced',
    title: 'No policy is still on trial in shadow mode',
    needs,
    run: async (patient) => {
      for (const { operation, policies } of reportOf(patient).operations) {
        const shadow = policies.map(onTrial).find((name) => name !== undefined);
        if (shadow !== undefined) return `${operation} has ${shadow} in shadow mode.`;
      }
      return undefined;
    },
  },
];

function onTrial({ name, mode, parts = [] }: PolicyInfo): string | undefined {
  if (mode === 'shadow') return name;
  return parts.map(onTrial).find((each) => each !== undefined);
}
