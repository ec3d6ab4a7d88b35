import type { AuditEvent } from './event.ts';
import type { AuditEventName } from './vocabulary.ts';

/** The version of the Open Cybersecurity Schema Framework that {@link toOcsf} speaks. */
export const OCSF_VERSION = '1.6.0';

/** Class and activity of an event in OCSF. */
export interface OcsfClass {
  /** 3002 Authentication, 3003 Authorize Session, 6003 API Activity. */
  readonly class: 3002 | 3003 | 6003;
  /** 99 is "other", and named after the event; 0 is chosen by the method of the call. */
  readonly activity: number;
}

const LOGON: OcsfClass = Object.freeze({ class: 3002, activity: 1 });
const LOGOFF: OcsfClass = Object.freeze({ class: 3002, activity: 2 });
const OTHER_AUTHENTICATION: OcsfClass = Object.freeze({ class: 3002, activity: 99 });
const PRIVILEGES: OcsfClass = Object.freeze({ class: 3003, activity: 1 });
const API: OcsfClass = Object.freeze({ class: 6003, activity: 0 });

/** Where each event belongs in OCSF. */
export const ocsfClasses: Readonly<Record<AuditEventName, OcsfClass>> = Object.freeze({
  authn_login_fail: LOGON,
  authn_login_fail_max: LOGON,
  authn_login_lock: LOGON,
  authn_login_success: LOGON,
  authn_password_change: OTHER_AUTHENTICATION,
  authn_password_change_fail: OTHER_AUTHENTICATION,
  authn_token_created: OTHER_AUTHENTICATION,
  authn_token_reuse: LOGON,
  authn_token_revoked: LOGOFF,
  authz_admin: PRIVILEGES,
  authz_change: PRIVILEGES,
  authz_fail: API,
  authz_success: API,
  excess_rate_limit_exceeded: API,
  input_validation_fail: API,
  malicious_attack_tool: API,
  malicious_cors: API,
  malicious_csrf: API,
  malicious_direct_reference: API,
  malicious_extraneous: API,
  privilege_permissions_changed: PRIVILEGES,
  sensitive_create: { class: 6003, activity: 1 },
  sensitive_delete: { class: 6003, activity: 4 },
  sensitive_read: { class: 6003, activity: 2 },
  sensitive_update: { class: 6003, activity: 3 },
  sequence_fail: API,
  session_created: LOGON,
  session_expired: LOGOFF,
  session_renewed: OTHER_AUTHENTICATION,
  session_use_after_expire: LOGON,
  sys_monitor_disabled: API,
  sys_shutdown: API,
  sys_startup: API,
  sys_unavailable: API,
  user_archived: API,
  user_created: API,
  user_deleted: API,
  user_updated: API,
});

/** Activities of API Activity, by the method that an HTTP operation begins with. */
const byMethod: Readonly<Record<string, number>> = {
  POST: 1,
  GET: 2,
  HEAD: 2,
  QUERY: 2,
  PUT: 3,
  PATCH: 3,
  DELETE: 4,
};
const SEVERITIES: Readonly<Record<AuditEvent['severity'], number>> = {
  info: 1,
  warn: 3,
  critical: 5,
};
const SUCCESS = 1;
const FAILURE = 2;

/**
 * An event in the Open Cybersecurity Schema Framework ({@link OCSF_VERSION}): for collectors that speak it. What the
 * schema has no place for stands under `unmapped`.
 *
 * @example
 * const log = audit({ sinks: [(event) => collector.send(toOcsf(event))] });
 */
export function toOcsf(event: AuditEvent): Readonly<Record<string, unknown>> {
  const { class: classUid, activity } = ocsfClasses[event.event];
  const activityId = activity === 0 ? activityOf(event) : activity;
  const user = {
    ...(event.principal === undefined ? { name: 'unknown' } : { uid: event.principal }),
    ...(event.subject !== undefined && { name: event.subject }),
    ...(event.issuer !== undefined && { domain: event.issuer }),
  };
  const service = event.service ?? 'apisec';
  return {
    metadata: {
      version: OCSF_VERSION,
      product: { name: 'apisec', vendor_name: 'apisec' },
      uid: event.id,
      ...(event.tenant !== undefined && { tenant_uid: event.tenant }),
      ...(event.requestId !== undefined && { correlation_uid: event.requestId }),
    },
    time: event.time,
    category_uid: Math.floor(classUid / 1_000),
    class_uid: classUid,
    activity_id: activityId,
    ...(activityId === 99 && { activity_name: event.act ?? event.event }),
    type_uid: classUid * 100 + activityId,
    severity_id: SEVERITIES[event.severity],
    status_id: event.outcome === 'succeeded' ? SUCCESS : FAILURE,
    ...(event.status !== undefined && { status_code: String(event.status) }),
    ...(event.code !== undefined && { status_detail: event.code }),
    ...(event.latencyMs !== undefined && { duration: Math.round(event.latencyMs) }),
    message: event.act ?? `${event.outcome} ${event.operation ?? ''}`.trim(),
    ...(classUid === 6003
      ? { actor: { user } }
      : { user, ...(event.kind === 'act' && { actor: { user } }) }),
    ...(classUid === 3003 && { privileges: [event.act ?? event.event] }),
    ...(classUid === 3002 && { service: { name: service } }),
    ...(classUid === 6003 && {
      api: {
        operation: event.operation ?? event.act ?? 'unknown',
        service: { name: service },
        ...(event.apiVersion !== undefined && { version: event.apiVersion }),
      },
      ...(event.target && { resources: [{ type: event.target.type, uid: event.target.id }] }),
    }),
    src_endpoint: event.peer === undefined ? { name: 'unknown' } : { ip: event.peer },
    unmapped: unmapped(event),
  };
}

function activityOf({ operation = '', kind }: AuditEvent): number {
  const method = operation.slice(0, operation.indexOf(' '));
  const known = Object.hasOwn(byMethod, method) ? byMethod[method] : undefined;
  return kind === 'decision' && known !== undefined ? known : 99;
}

function unmapped(event: AuditEvent): Readonly<Record<string, unknown>> {
  const {
    kind,
    outcome,
    client,
    policy,
    cause,
    trace,
    degraded,
    filtered,
    wouldDeny,
    data,
    reason,
  } = event;
  const { event: owasp, apiKey, authentication, traceId, spanId } = event;
  const all = { event: owasp, kind, outcome, client, apiKey, authentication, policy, cause };
  const rest = { trace, degraded, filtered, wouldDeny, data, reason, traceId, spanId };
  return Object.fromEntries(
    Object.entries({ ...all, ...rest }).filter(([, value]) => value !== undefined),
  );
}
