import type { Problem } from '../engine/denial.ts';

const REGISTRY = 'https://iana.org/assignments/http-problem-types';

/** A limit that the caller knows of is used up (draft-ietf-httpapi-ratelimit-headers-10, "Problem Types"). */
const QUOTA_EXCEEDED: string = `${REGISTRY}#quota-exceeded`;

/** That problem, with the names of what is used up. */
export function quotaExceeded(names: readonly string[]): Problem {
  return Object.freeze({
    type: QUOTA_EXCEEDED,
    extensions: Object.freeze({ 'violated-policies': Object.freeze(names) }),
  });
}

/** The server has less room than usual, for every caller. */
export const TEMPORARY_REDUCED_CAPACITY: string = `${REGISTRY}#temporary-reduced-capacity`;

export const REDUCED: Problem = Object.freeze({ type: TEMPORARY_REDUCED_CAPACITY });

/** The calls form a pattern that no honest caller needs. */
export const ABNORMAL_USAGE_DETECTED: string = `${REGISTRY}#abnormal-usage-detected`;
