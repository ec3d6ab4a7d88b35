import type { BuiltinAct } from '../contracts/record-act.ts';
import type { Denial, DenialKind } from '../engine/denial.ts';

/**
 * How urgent an event is, as the OWASP logging vocabulary grades it; but `session_use_after_expire` is a warning
 * here, since every browser that comes back the next morning causes it.
 */
export type AuditSeverity = 'info' | 'warn' | 'critical';

/**
 * Events by their names in the OWASP logging vocabulary, with their severity there. Three are not in it:
 * `authz_success` for calls that were let in, `sys_unavailable` for denials that are nobody's fault but the
 * server's, and `malicious_csrf` for calls that a browser made for another origin.
 */
const severities = {
  authn_login_fail: 'warn',
  authn_login_fail_max: 'warn',
  authn_login_lock: 'warn',
  authn_login_success: 'info',
  authn_password_change: 'info',
  authn_password_change_fail: 'critical',
  authn_token_created: 'info',
  authn_token_reuse: 'critical',
  authn_token_revoked: 'info',
  authz_admin: 'warn',
  authz_change: 'warn',
  authz_fail: 'critical',
  authz_success: 'info',
  excess_rate_limit_exceeded: 'warn',
  input_validation_fail: 'warn',
  malicious_attack_tool: 'critical',
  malicious_cors: 'critical',
  malicious_csrf: 'critical',
  malicious_direct_reference: 'critical',
  malicious_extraneous: 'critical',
  privilege_permissions_changed: 'warn',
  sensitive_create: 'warn',
  sensitive_delete: 'warn',
  sensitive_read: 'warn',
  sensitive_update: 'warn',
  sequence_fail: 'critical',
  session_created: 'info',
  session_expired: 'info',
  session_renewed: 'info',
  session_use_after_expire: 'warn',
  sys_monitor_disabled: 'warn',
  sys_shutdown: 'warn',
  sys_startup: 'warn',
  sys_unavailable: 'warn',
  user_archived: 'warn',
  user_created: 'warn',
  user_deleted: 'warn',
  user_updated: 'warn',
} as const;

/** A name of the OWASP logging vocabulary. */
export type AuditEventName = keyof typeof severities;

/** The severity of each event. */
export const auditSeverities: Readonly<Record<AuditEventName, AuditSeverity>> =
  Object.freeze(severities);

/** Denial codes that mean more than their area does. */
export const namesByCode: Readonly<Record<string, AuditEventName>> = {
  'token.revoked': 'authn_token_reuse',
  'api_key.revoked': 'authn_token_reuse',
  'api_key.rotated': 'authn_token_reuse',
  'refresh.reused': 'authn_token_reuse',
  'refresh.revoked': 'authn_token_reuse',
  'dpop.replayed': 'authn_token_reuse',
  'signature.replayed': 'authn_token_reuse',
  'api_key.quota_exceeded': 'excess_rate_limit_exceeded',
  'failures.throttled': 'authn_login_fail_max',
  'totp.locked': 'authn_login_lock',
  'session.unknown': 'session_use_after_expire',
  'session.refresh_denied': 'session_use_after_expire',
  'enumeration.detected': 'malicious_direct_reference',
  'human.denied': 'malicious_attack_tool',
  'human.replayed': 'malicious_attack_tool',
  'input.unknown_member': 'malicious_extraneous',
  // The server's own fault, and the gravest of an API with tenants.
  'tenant.leak': 'authz_fail',
  'load.shed': 'sys_unavailable',
};

/** Areas of codes (`area.problem`). */
export const namesByArea: Readonly<Record<string, AuditEventName>> = {
  credentials: 'authn_login_fail',
  token: 'authn_login_fail',
  dpop: 'authn_login_fail',
  api_key: 'authn_login_fail',
  signature: 'authn_login_fail',
  certificate: 'authn_login_fail',
  authentication: 'authn_login_fail',
  principal: 'authn_login_fail',
  session: 'authn_login_fail',
  refresh: 'authn_login_fail',
  totp: 'authn_login_fail',
  password: 'authn_login_fail',
  step: 'sequence_fail',
  cors: 'malicious_cors',
  csrf: 'malicious_csrf',
  object: 'malicious_direct_reference',
};

const byKind: Readonly<Record<string, AuditEventName>> = {
  malformed: 'input_validation_fail',
  unauthenticated: 'authn_login_fail',
  forbidden: 'authz_fail',
  not_found: 'authz_fail',
  method_not_allowed: 'input_validation_fail',
  gone: 'input_validation_fail',
  too_large: 'input_validation_fail',
  unsupported: 'input_validation_fail',
  timeout: 'input_validation_fail',
  rate_limited: 'excess_rate_limit_exceeded',
  unavailable: 'sys_unavailable',
  upstream: 'sys_unavailable',
  internal: 'sys_unavailable',
} satisfies Record<DenialKind, AuditEventName> & Record<string, AuditEventName>;

/** Kinds that are the fault of the server alone, whatever the area of their code. */
const OURS: ReadonlySet<string> = new Set(['unavailable', 'upstream', 'internal']);

/** What the OWASP logging vocabulary calls a denial. */
export function denialEventName({ kind, code }: Pick<Denial, 'kind' | 'code'>): AuditEventName {
  if (Object.hasOwn(namesByCode, code)) return namesByCode[code] as AuditEventName;
  if (OURS.has(kind)) return 'sys_unavailable';
  const area = code.slice(0, code.indexOf('.'));
  if (Object.hasOwn(namesByArea, area)) return namesByArea[area] as AuditEventName;
  return byKind[kind] ?? 'authz_fail';
}

/**
 * Administrative acts, `subject.past_participle`, with their names in the OWASP logging vocabulary. Acts of your
 * own are recorded as `authz_admin`.
 */
const acts = {
  'api_key.issued': 'authn_token_created',
  'api_key.imported': 'authn_token_created',
  'api_key.rotated': 'authn_token_created',
  'api_key.changed': 'authz_change',
  'api_key.disabled': 'authn_token_revoked',
  'api_key.enabled': 'authz_change',
  'api_key.revoked': 'authn_token_revoked',
  'token.issued': 'authn_token_created',
  'token.reused': 'authn_token_reuse',
  'token.family_ended': 'authn_token_revoked',
  'revocation.added': 'authn_token_revoked',
  'revocation.lifted': 'authz_change',
  'limit.reset': 'authz_admin',
  'quota.reset': 'authz_admin',
  'lock.lifted': 'authz_admin',
  'factor.enrolled': 'authz_change',
  'factor.copied': 'authn_token_reuse',
  'factor.removed': 'authz_change',
  'factor.reset': 'authz_admin',
  'password.changed': 'authn_password_change',
  'password.change_failed': 'authn_password_change_fail',
  'login.succeeded': 'authn_login_success',
  'login.failed': 'authn_login_fail',
  'login.throttled': 'authn_login_fail_max',
  'login.locked': 'authn_login_lock',
  'role.assigned': 'privilege_permissions_changed',
  'role.removed': 'privilege_permissions_changed',
  'session.created': 'session_created',
  'session.renewed': 'session_renewed',
  'session.ended': 'session_expired',
  'tenant.created': 'user_created',
  'tenant.changed': 'user_updated',
  'tenant.suspended': 'user_archived',
  'tenant.resumed': 'user_updated',
  'tenant.closed': 'user_deleted',
  'user.created': 'user_created',
  'user.updated': 'user_updated',
  'user.archived': 'user_archived',
  'user.deleted': 'user_deleted',
  'policy.changed': 'authz_change',
  'service.started': 'sys_startup',
  'service.stopped': 'sys_shutdown',
  'audit.chain_broken': 'sys_monitor_disabled',
  'audit.events_lost': 'sys_monitor_disabled',
} as const satisfies Readonly<Record<BuiltinAct, AuditEventName>>;

/** Acts that nothing in apisec does: your own code records them. */
export const ownActs: readonly BuiltinAct[] = Object.freeze([
  'user.created',
  'user.updated',
  'user.archived',
  'user.deleted',
  'policy.changed',
  'audit.chain_broken',
]);

/** Each built-in act with its name in the OWASP logging vocabulary. */
export const auditActs: Readonly<Record<BuiltinAct, AuditEventName>> = Object.freeze(acts);

/** What the OWASP logging vocabulary calls an act. */
export function actEventName(act: string): AuditEventName {
  return Object.hasOwn(acts, act) ? acts[act as BuiltinAct] : 'authz_admin';
}
