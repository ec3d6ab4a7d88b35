import type { Page } from '@apisec/core';
import type { Comment, Document, InTenant, Queries } from './database.ts';

/**
 * Queries as they are written in a hurry: by id, with no word of tenants. Behind the wall they are right; without it,
 * they are the whole of OWASP API1.
 */
export function documents(inTenant: InTenant) {
  const all = async <Row>(db: Queries, text: string, params: unknown[] = []): Promise<Row[]> =>
    // The columns that the query selects.
    (await db.query(text, params)).rows as Row[];
  const one = async (db: Queries, text: string, params: unknown[]): Promise<Document | undefined> =>
    (await all<Document>(db, text, params))[0];

  return {
    find: (tenant: string, id: string) =>
      inTenant(tenant, (db) =>
        one(db, 'SELECT * FROM documents WHERE id = $1 ORDER BY tenant DESC', [id]),
      ),
    list: (tenant: string, page?: Pick<Page, 'sort' | 'filters' | 'after' | 'size'>) =>
      inTenant(tenant, (db) => {
        const params: unknown[] = [page?.after?.[0] ?? ''];
        const filters = Object.entries(page?.filters ?? {}).map(
          ([field, value]) => ` AND ${field} = $${params.push(value)}`,
        );
        const sort = (page?.sort ?? []).map(({ field }) => `${field}, `);
        return all<Document>(
          db,
          `SELECT * FROM documents WHERE id > $1${filters.join('')}
           ORDER BY ${sort.join('')}id LIMIT ${page?.size ?? 20}`,
          params,
        );
      }),
    comments: (tenant: string, document: string) =>
      inTenant(tenant, (db) =>
        all<Comment>(db, 'SELECT * FROM comments WHERE document = $1', [document]),
      ),
    rename: (tenant: string, id: string, title: string) =>
      inTenant(tenant, (db) =>
        one(db, 'UPDATE documents SET title = $2 WHERE id = $1 RETURNING *', [id, title]),
      ),
    create: (tenant: string, document: Document) =>
      inTenant(tenant, (db) =>
        one(db, 'INSERT INTO documents (id, tenant, title) VALUES ($1, $2, $3) RETURNING *', [
          document.id,
          document.tenant,
          document.title,
        ]),
      ),
  };
}

export type Documents = ReturnType<typeof documents>;
