import type { CallFacts } from './facts.ts';

/**
 * Whether one call makes a guarded operation run more than once, as aliases do in GraphQL: what is counted or
 * proved by call would be counted or proved once for all of them. So it is where nobody supplies how often.
 */
export function executesSeveral(facts: object): boolean {
  const { call } = facts as Partial<CallFacts>;
  if (call?.protocol !== 'graphql') return false;
  return !Array.isArray(call.fields) || call.fields.length > 1;
}
