import {
  type CoveredOperation,
  coverageReport,
  openapiOperations,
  type PolicyInfo,
} from '@apisec/core';
import { ASPECTS, isObject, PRESENCE_RANK } from '@apisec/core/host';
import { UsageError } from '../command.ts';
import { readText } from '../files.ts';
import { findInventory } from '../find-inventory.ts';
import type { ComparedOperation } from './compare-coverage.ts';
import type { NamedPolicy } from './compare-settings.ts';

/**
 * What is served, by one of three sources: a module with an application, a report that `apisec coverage --json` wrote,
 * or an OpenAPI document.
 *
 * @throws UsageError for what is none of them.
 */
export async function readCoverage(
  file: string,
  base: string | undefined,
): Promise<readonly ComparedOperation[]> {
  if (!file.endsWith('.json')) {
    const inventory = await findInventory(file);
    return coverageReport(inventory).operations.map(compared);
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(await readText(file));
  } catch (error) {
    const why = error instanceof Error ? error.message : '';
    throw new UsageError(`${file} cannot be read as JSON: ${why}`);
  }
  if (isObject(parsed) && 'openapi' in parsed) {
    return openapiOperations(parsed, { base }).map(({ operation, authenticated }) => ({
      operation,
      denied: false,
      nested: false,
      policies: undefined,
      aspects: authenticated === undefined ? {} : { authentication: authenticated ? 'yes' : 'no' },
    }));
  }
  const operations: unknown = isObject(parsed) ? parsed['operations'] : undefined;
  if (!Array.isArray(operations) || !operations.every(isCovered)) {
    throw new UsageError(
      `${file} is neither what apisec coverage --json wrote, nor an OpenAPI document.`,
    );
  }
  return operations.map(compared);
}

function compared({
  operation,
  unlisted,
  nested,
  aspects,
  policies,
}: CoveredOperation): ComparedOperation {
  return {
    operation,
    denied: unlisted,
    nested,
    // A nested field is judged by its policies alone.
    aspects: nested ? {} : aspects,
    policies: namedPolicies(policies, ''),
  };
}

/** With those inside, but for those that the name of a combination lists: `anyOf(one, other)`. */
function namedPolicies(policies: readonly PolicyInfo[], above: string): readonly NamedPolicy[] {
  return policies
    .filter(({ mode, name }) => mode !== 'shadow' && name !== ADMITS_ALL)
    .flatMap(({ name, parts = [], settings }) => {
      const isListed = above.endsWith(')') && above.includes(name);
      const full = above === '' ? name : `${above}: ${name}`;
      return [{ name: full, isListed, settings }, ...namedPolicies(parts, name)];
    });
}

/** It denies nobody, so removing it loses nothing. */
const ADMITS_ALL = 'allowAnonymous';

function isCovered(value: unknown): value is CoveredOperation {
  if (!isObject(value)) return false;
  const { operation, aspects, policies, unlisted, nested } = value;
  return (
    typeof operation === 'string' &&
    typeof unlisted === 'boolean' &&
    typeof nested === 'boolean' &&
    isObject(aspects) &&
    ASPECTS.every((aspect) => isPresence(aspects[aspect])) &&
    Array.isArray(policies) &&
    policies.every(isPolicy)
  );
}

function isPresence(value: unknown): boolean {
  return typeof value === 'string' && Object.hasOwn(PRESENCE_RANK, value);
}

function isPolicy(value: unknown): boolean {
  if (!isObject(value) || typeof value['name'] !== 'string') return false;
  const { parts = [], settings = {} } = value;
  return Array.isArray(parts) && parts.every(isPolicy) && isObject(settings);
}
