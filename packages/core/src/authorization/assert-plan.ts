import { assertConfiguration } from '../lib/configuration-error.ts';
import type { Plan } from './plan.ts';
import type { ResourceInfo } from './resource-info.ts';

/** @throws ConfigurationError for what `plan` did not make for this resource. */
export function assertPlan(where: string, plan: Plan<string>, { name }: ResourceInfo): void {
  assertConfiguration(
    plan?.kind === 'all' || plan?.kind === 'none' || plan?.kind === 'some',
    `${where}: hand over what plan(rule, resource)(facts) answers, and await it where the rule has relations.`,
  );
  assertConfiguration(
    plan.resource === name,
    `${where}: this is a plan of ${plan.resource}, and the renderer is of ${name}.`,
  );
}
