const REGISTRY = 'https://iana.org/assignments/http-problem-types';

/** A limit that the caller knows of is used up (draft-ietf-httpapi-ratelimit-headers-10, "Problem Types"). */
export const QUOTA_EXCEEDED: string = `${REGISTRY}#quota-exceeded`;

/** The server has less room than usual, whoever calls. */
export const TEMPORARY_REDUCED_CAPACITY: string = `${REGISTRY}#temporary-reduced-capacity`;

/** The calls form a pattern that nobody needs who means well. */
export const ABNORMAL_USAGE_DETECTED: string = `${REGISTRY}#abnormal-usage-detected`;
