// The resource of the guide about attributes, which other guides go on with.
import { type AuthenticatedFacts, field, type Principal, resource, subject } from '@apisec/core';

export interface Row {
  readonly id: string;
  readonly tenantId: string;
  readonly ownerId: string;
  readonly folderId: string;
  readonly department: string | null;
  readonly readers: readonly string[];
}

export const document = resource({
  name: 'document',
  fields: {
    id: field.text(),
    tenantId: field.text(),
    ownerId: field.text(),
    folderId: field.text(),
    department: field.text({ nullable: true }),
    readers: field.list(field.text()),
  },
  id: 'id',
  tenant: { field: 'tenantId', of: ({ principal }: { principal: Principal }) => principal.tenant },
});

export const stored = {
  dialect: 'postgresql',
  table: 'documents',
  columns: {
    id: 'text',
    tenantId: { name: 'tenant_id', type: 'text' },
    ownerId: { name: 'owner_id', type: 'text' },
    folderId: { name: 'folder_id', type: 'text' },
    department: 'text',
    readers: 'text[]',
  },
} as const;

export const caller = subject({
  fields: { id: field.text() },
  of: ({ principal }: AuthenticatedFacts) => ({ id: principal.id }),
});

export interface Documents {
  readonly documents: {
    readonly find: (id: string) => Promise<Row | undefined>;
    readonly findAll: (ids: readonly string[]) => Promise<readonly (Row | undefined)[]>;
  };
  readonly query: (text: string, params: readonly unknown[]) => Promise<{ rows: Row[] }>;
}
