import {
  type AuthenticatedFacts,
  allowAuthenticated,
  authenticateJwt,
  type CallFacts,
  coverage,
  filterOutput,
  guard,
  limitPage,
  type PageFacts,
  type Policy,
  requireTenant,
  resolveTenant,
  type TenantFacts,
  type TenantStore,
  type TrustedIssuer,
  tenantFrom,
  validateInput,
} from '@apisec/core';
import { z } from 'zod';

type Check<Adds extends object> = Policy<CallFacts & AuthenticatedFacts, Adds, 'check'>;

/** What keeps tenants apart, beside the wall in the database. */
export interface TenantPolicies {
  /** Which tenant the call acts in. */
  readonly tenant: Check<TenantFacts>;
  /** What part of a list it gets. */
  readonly page: Check<PageFacts>;
  /** What it may write. */
  readonly title: Check<object>;
  readonly newDocument: Check<object>;
  /** What goes out. */
  readonly output: Check<object>;
}

const title = z.strictObject({ title: z.string().min(1).max(200) });

export function tenantPolicies(): TenantPolicies {
  return {
    // The token says it. Path and header may say it too, but never another.
    tenant: resolveTenant({
      from: [tenantFrom.principal(), tenantFrom.path('tenant'), tenantFrom.header('x-tenant')],
    }),
    page: limitPage({
      size: { max: 100, default: 20 },
      sort: ['title'],
      filter: ['title'],
      cursors: {
        secrets: [crypto.getRandomValues(new Uint8Array(32))],
        caller: ({ principal }: AuthenticatedFacts) => principal.id,
      },
    }),
    title: validateInput({ body: title }),
    newDocument: validateInput({ body: title.extend({ id: z.string().min(1).max(64) }) }),
    // The last net: a handler that answers with an object of another tenant answers 500, and operators hear of it.
    output: filterOutput({
      shape: { document: DOCUMENT, documents: [DOCUMENT], next: 'value' },
      tenant: { tenantOf: ({ tenant }) => tenant },
    }),
  };
}

const DOCUMENT = { id: 'value', tenant: 'value', title: 'value' } as const;

/** Who may do what. The same for every protocol, up to the grant. */
export function notesPolicy(
  trusted: TrustedIssuer,
  tenants: TenantStore,
  { tenant, page, title, newDocument, output }: TenantPolicies,
) {
  const caller = guard()
    .use(authenticateJwt({ ...trusted, tenant: { claim: 'org' } }))
    .use(tenant)
    .use(requireTenant({ store: tenants, cacheFor: '5s' }));
  const member = caller.use(allowAuthenticated());
  const rest = caller.use(output);
  const read = rest.use(allowAuthenticated());
  const list = rest.use(page).use(allowAuthenticated());
  const rename = rest.use(title).use(allowAuthenticated());
  const create = rest.use(newDocument).use(allowAuthenticated());
  return {
    member,
    list,
    read,
    rename,
    create,
    rest: coverage({
      'GET /tenants/:tenant/documents': list,
      'GET /tenants/:tenant/documents/:id': read,
      'POST /tenants/:tenant/documents': create,
      'PATCH /tenants/:tenant/documents/:id': rename,
    }),
    graphql: coverage({
      'Query.document': member,
      'Query.documents': member,
      'Mutation.rename': member,
    }),
  };
}

export type NotesPolicy = ReturnType<typeof notesPolicy>;
