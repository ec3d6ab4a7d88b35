import type { PolicyInfo } from '../engine/policy.ts';
import { purposesOf } from '../engine/purposes.ts';

/** What an operation may have or lack, in the order in which reports show it. */
export const ASPECTS = ['authentication', 'grant', 'limit', 'input', 'output', 'tenant'] as const;

/** `grant`: somebody is admitted by a rule. The others are the purposes of policies. */
export type Aspect = (typeof ASPECTS)[number];

/**
 * `yes`: for every call; `sometimes`: for some, or for callers with credentials (`when`, `optional`, a part of
 * `anyOf`); `shadow`: observed and not enforced; `no`: never.
 */
export type Presence = 'yes' | 'sometimes' | 'shadow' | 'no';

/** Further up is more. */
export const PRESENCE_RANK: Readonly<Record<Presence, number>> = {
  yes: 3,
  sometimes: 2,
  shadow: 1,
  no: 0,
};

/** How far the policies of an operation, all of which must pass, have an aspect. */
export function presenceOf(aspect: Aspect, policies: readonly PolicyInfo[]): Presence {
  let most: Presence = 'no';
  for (const policy of policies) {
    const one = presenceIn(aspect, policy);
    if (PRESENCE_RANK[one] > PRESENCE_RANK[most]) most = one;
  }
  return most;
}

function presenceIn(aspect: Aspect, policy: PolicyInfo): Presence {
  const { parts = [], mode } = policy;
  const within = parts.some((part) => presenceIn(aspect, part) !== 'no');
  const has = hasItself(aspect, policy);
  if (mode === 'shadow') return has || within ? 'shadow' : 'no';
  if (has) return 'yes';
  return within ? 'sometimes' : 'no';
}

function hasItself(aspect: Aspect, policy: PolicyInfo): boolean {
  return aspect === 'grant' ? policy.role === 'grant' : purposesOf(policy).includes(aspect);
}
