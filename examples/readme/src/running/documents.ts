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
/** What the database was asked. */
export const queries: { readonly text: string; readonly params: readonly unknown[] }[] = [];
export const db: Documents = {
  documents: {
    find: async (id) => (id === row.id ? row : undefined),
    findAll: async (ids) => ids.map((id) => (id === row.id ? row : undefined)),
  },
  query: async (text, params) => {
    queries.push({ text, params });
    return { rows: [row] };
  },
};
