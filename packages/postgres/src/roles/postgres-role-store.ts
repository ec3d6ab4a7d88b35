import type { RoleScope, RoleStore } from '@apisec/core';
import { isStorableText } from '@apisec/core/host';
import { type PostgresClient, type SchemaOptions, schemaName } from '../client/postgres-client.ts';
import { rowKey } from '../client/row-key.ts';

const NAME = 'postgresRoleStore';
/** One more than `loadRoles` accepts, so that it notices when there are too many. */
const MOST_READ = 1_001;
const LONGEST_ROLE = 256;

/**
 * Keeps in PostgreSQL who has which role in which tenant, for all processes. Each read is one statement and sees every
 * `assign` and `unassign` that has resolved, where the client reads from the primary. Run `migrate` first; needs
 * SELECT, INSERT and DELETE. Give the pool a `query_timeout`: the store rejects when the database does.
 *
 * Rejects with a `RangeError` for a role that is empty, longer than 256 characters or not a text that PostgreSQL holds.
 *
 * @throws ConfigurationError for a schema name that is not one.
 * @example
 * const roles = postgresRoleStore(pool);
 * await roles.assign({ principal: principal.id, tenant: 'acme', role: 'editor' });
 */
export function postgresRoleStore(client: PostgresClient, options: SchemaOptions = {}): RoleStore {
  const table = `${schemaName(NAME, options)}.roles`;
  const read = `SELECT role FROM ${table} WHERE key = $1 LIMIT ${MOST_READ}`;
  const assign = `INSERT INTO ${table} (key, role, principal, tenant) VALUES ($1, $2, $3, $4)
    ON CONFLICT (key, role) DO NOTHING`;
  const unassign = `DELETE FROM ${table} WHERE key = $1 AND role = $2`;
  return Object.freeze<RoleStore>({
    rolesOf: async (scope) => {
      const { rows } = await client.query(read, [await keyOf(scope)]);
      // What the statement selects.
      return rows.map((row) => (row as { readonly role: string }).role);
    },
    assign: async ({ role, ...scope }) => {
      assertRole(role);
      const { principal, tenant } = scope;
      await client.query(assign, [
        await keyOf(scope),
        role,
        JSON.stringify(principal),
        tenant === undefined ? null : JSON.stringify(tenant),
      ]);
    },
    unassign: async ({ role, ...scope }) => {
      assertRole(role);
      await client.query(unassign, [await keyOf(scope), role]);
    },
  });
}

/** JSON, so that no two scopes share a key; no tenant is not the tenant of an empty name. */
function keyOf({ principal, tenant }: RoleScope): Promise<string> {
  return rowKey(JSON.stringify([principal, tenant ?? null]));
}

function assertRole(role: string): void {
  // Drivers write half a character as another one, which may be that of another role.
  if (
    typeof role !== 'string' ||
    role === '' ||
    role.length > LONGEST_ROLE ||
    !isStorableText(role)
  )
    throw new RangeError(`${NAME}: a role must be a text of 1 to ${LONGEST_ROLE} characters.`);
}
