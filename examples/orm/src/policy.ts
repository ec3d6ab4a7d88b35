import {
  type AuthenticatedFacts,
  field,
  type Principal,
  plan,
  resource,
  rule,
  subject,
} from '@apisec/core';

const caller = subject({
  fields: { id: field.text(), department: field.text({ optional: true }) },
  of: ({ principal, authentication }: AuthenticatedFacts) => ({
    id: principal.subject,
    department: authentication.claims['department'],
  }),
});

export const document = resource({
  name: 'document',
  fields: {
    id: field.text(),
    tenantId: field.text(),
    ownerId: field.text(),
    department: field.text({ nullable: true }),
    status: field.text<'draft' | 'published'>(),
    readers: field.list(field.text()),
  },
  id: 'id',
  tenant: { field: 'tenantId', of: ({ principal }: { principal: Principal }) => principal.tenant },
});

/** One's own, what one may read by name, and what the department has published. */
export const readable = rule.any(
  rule.eq(document.ownerId, caller.id, { code: 'document.not_owned' }),
  rule.in(caller.id, document.readers, { code: 'document.not_shared' }),
  rule.all(
    rule.eq(document.status, 'published', { code: 'document.draft' }),
    rule.eq(document.department, caller.department, { code: 'document.other_department' }),
  ),
);

/** The rule as a list. Nothing of it is written a second time. */
export const visible = plan(readable, document);
