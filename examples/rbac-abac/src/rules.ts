import {
  type AssignedRolesFacts,
  type AuthenticatedFacts,
  type CallFacts,
  environment,
  field,
  filterOutput,
  loadObject,
  type MessageFacts,
  type NoFacts,
  type Policy,
  type Principal,
  type RequestLike,
  require,
  requirePermission,
  requireScopes,
  resource,
  roleModel,
  rule,
  subject,
  validateInput,
  visibleTo,
} from '@apisec/core';
import { z } from 'zod';
import type { Report, Reports } from './reports.ts';

/** What there is to do, and who may do it. Who has which role in which company is in a store. */
export const model = roleModel({
  permissions: ['reports:create', 'reports:list'],
  roles: {
    employee: { grants: ['reports:create'] },
    manager: { includes: ['employee'] },
    importer: { includes: ['employee'] },
    auditor: { includes: ['employee'], grants: ['reports:list'] },
  },
});

/** What is known of every caller. */
export type CallerFacts = CallFacts & AuthenticatedFacts & AssignedRolesFacts;

const caller = subject({
  fields: {
    id: field.text(),
    department: field.text({ optional: true }),
    roles: field.list(field.text()),
  },
  of: ({ principal, authentication, assignedRoles }: CallerFacts) => ({
    id: principal.subject,
    department: authentication.claims['department'],
    roles: assignedRoles.roles,
  }),
});

const report = resource({
  name: 'report',
  fields: {
    id: field.text(),
    tenantId: field.text(),
    ownerId: field.text(),
    department: field.text(),
  },
  id: 'id',
  tenant: { field: 'tenantId', of: ({ principal }: { principal: Principal }) => principal.tenant },
});

const action = rule.action<'read' | 'approve'>();

/** Its owner sees a report; so do the managers of its department, and auditors. */
export const mayRead = rule.any(
  rule.eq(report.ownerId, caller.id),
  rule.in('auditor', caller.roles),
  rule.all(
    rule.in('manager', caller.roles),
    rule.eq(caller.department, report.department, { code: 'report.other_department' }),
  ),
);

/** subject.department == resource.department, role manager, action approve, within business hours. */
export const mayApprove = rule.all(
  rule.eq(caller.department, report.department, { code: 'report.other_department' }),
  rule.in('manager', caller.roles),
  rule.eq(action, 'approve'),
  rule.during({
    zone: 'Europe/Berlin',
    days: ['mon', 'tue', 'wed', 'thu', 'fri'],
    from: '09:00',
    to: '17:00',
  }),
);

const draft = environment({
  fields: { status: field.text({ optional: true }) },
  // Whatever was sent: what is not a text under this name is undecidable.
  of: ({ message }: MessageFacts) => (message ?? {}) as { readonly status?: unknown },
});

/** Everybody writes reports; only who imports old ones says that they are approved. */
export const mayWrite = rule.any(
  rule.isNull(draft.status),
  rule.in('importer', caller.roles, { code: 'report.status_not_allowed' }),
);

const NEW_REPORT = z.strictObject({
  title: z.string().min(1).max(200),
  department: z.string().max(50),
  status: z.enum(['submitted', 'approved']).optional(),
});
const REPORT = {
  id: 'value',
  title: 'value',
  department: 'value',
  status: 'value',
  auditNote: visibleTo({ scopes: ['reports:audit'] }, 'value'),
} as const;

type Grant<Needs extends object> = Policy<Needs, NoFacts, 'grant'>;
type Check<Needs extends object> = Policy<Needs, NoFacts, 'check'>;
type Loaded = { readonly report: Report };

/** Everything that says who may do what. Its opposite is in the test. */
export interface Rules {
  readonly load: <Needs extends object>(
    id: (request: RequestLike, facts: Readonly<Needs>) => unknown,
  ) => Policy<Needs & CallerFacts, Loaded, 'check'>;
  readonly read: Grant<CallerFacts & Loaded>;
  readonly approve: Grant<CallerFacts & Loaded>;
  readonly write: Grant<CallerFacts & MessageFacts>;
  readonly create: Grant<CallerFacts>;
  readonly list: Grant<CallerFacts>;
  /** Which members come in, where the transport has no schema of its own for them. */
  readonly input: Check<CallFacts>;
  /** Which members go out. */
  readonly output: Check<CallFacts>;
  readonly auditNote: Grant<AuthenticatedFacts>;
}

export function rules(data: Reports, now?: () => number): Rules {
  const roles = { roles: ({ assignedRoles }: AssignedRolesFacts) => assignedRoles.roles };
  return {
    load: (id) => loadObject(report, { id, loadMany: data.find }),
    read: require(mayRead),
    approve: require(mayApprove, { action: 'approve', now }),
    write: require(mayWrite),
    create: requirePermission(model, 'reports:create', roles),
    list: requirePermission(model, 'reports:list', roles),
    input: validateInput({ body: NEW_REPORT }),
    output: filterOutput({ shape: { report: REPORT, reports: [REPORT] } }),
    auditNote: requireScopes('reports:audit'),
  };
}
