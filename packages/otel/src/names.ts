// Every name that goes out, in one place: those of the semantic conventions 1.45 where there is one, and `apisec.*`.

/** `error.type`: the code of a denial. Stable. */
export const ERROR_TYPE = 'error.type';
/** The policy that denied, as a rule of a rule set. In development. */
export const SECURITY_RULE_NAME = 'security_rule.name';
export const SECURITY_RULESET_NAME = 'security_rule.ruleset.name';

export const DECISION = 'apisec.decision';
export const OPERATION = 'apisec.operation';
export const PROTOCOL = 'apisec.protocol';
export const DENIAL_KIND = 'apisec.denial.kind';
export const DENIAL_CODE = 'apisec.denial.code';
export const POLICY = 'apisec.policy';
export const DEGRADED = 'apisec.degraded';
export const WOULD_DENY = 'apisec.would_deny';
export const CAUSE = 'apisec.cause';
export const TENANT = 'apisec.tenant';
export const CLIENT = 'apisec.client';
export const OUTCOME = 'apisec.outcome';
export const LIMIT = 'apisec.limit';
export const KEY = 'apisec.key';

/** The event of a denial, on a span and in a log. */
export const DENIAL_EVENT = 'apisec.denial';

export const DECISIONS_METRIC = 'apisec.decisions';
export const DECISION_DURATION_METRIC = 'apisec.decision.duration';
export const POLICY_DURATION_METRIC = 'apisec.policy.duration';
export const LIMIT_USAGE_METRIC = 'apisec.limit.usage';
export const KEYS_AGE_METRIC = 'apisec.keys.age';
export const STORE_ERRORS_METRIC = 'apisec.store.errors';

/** What stands for every value beyond the bound; `rpc.method` and `http.request.method` have it so. */
export const OTHER = '_OTHER';
