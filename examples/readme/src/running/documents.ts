import type { Documents, Row } from '../settings/documents.ts';
import { issuer } from './provider.ts';

/** The id of the user of tokens, among those of all providers. */
export const ALICE = JSON.stringify([issuer, 'alice']);

/** The one document that there is, of alice. */
export const row: Row = {
  id: 'd1',
  tenantId: 'acme',
  ownerId: ALICE,
  folderId: 'f1',
  department: 'sales',
  readers: [],
};
const columns = ['id', 'tenant_id', 'owner_id', 'folder_id', 'department']
  .map((name) => ({ name, type: 'text' }))
  .concat({ name: 'readers', type: 'text[]' });
/** What the database was asked. */
export const queries: { readonly text: string; readonly params: readonly unknown[] }[] = [];
export const db: Documents = {
  documents: {
    find: async (id) => (id === row.id ? row : undefined),
    findAll: async (ids) => ids.map((id) => (id === row.id ? row : undefined)),
  },
  query: async (text, params) => {
    // What `assertColumns` asks for.
    if (text.includes('server_encoding')) return { rows: [{ encoding: 'UTF8' }] as never };
    if (text.includes('pg_attribute')) return { rows: columns as never };
    queries.push({ text, params });
    return { rows: [row] };
  },
};
