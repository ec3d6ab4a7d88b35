import {
  type AuthenticatedFacts,
  allowAuthenticated,
  type Guard,
  type HttpFacts,
  type TenantFacts,
} from '@apisec/core';
import { admit } from '@apisec/core/host';
import { migrate, postgresTenantStore } from '@apisec/postgres';
import { document, stored } from '../settings/documents.ts';
import { db } from './documents.ts';
import { Pool as PoolOfAll } from './pool.ts';
import { audience, issuer, provider } from './provider.ts';

export const pool = new PoolOfAll();
await migrate(pool);
await postgresTenantStore(pool).create({ id: 'acme', status: 'active', attributes: {} });
// From here on it is used by a role that owns nothing.
await pool.exec(`
  CREATE ROLE shop;
  CREATE TABLE orders (id text, tenant_id text NOT NULL, item text);
  INSERT INTO orders VALUES ('1', 'acme', 'tea'), ('2', 'globex', 'gold');
  GRANT ALL ON orders TO shop;
  GRANT USAGE ON SCHEMA apisec TO shop;
  GRANT SELECT ON ALL TABLES IN SCHEMA apisec TO shop;
  SET ROLE shop`);
export const admin = {
  query: (text: string) => pool.exec(`RESET ROLE; ${text}; SET ROLE shop`),
};
export const members = { has: async (tenant: string) => tenant === 'acme' };

/** What adapters know of a call. */
export const host = {
  call: { protocol: 'http', operation: 'GET /:tenant/orders' },
  peer: { id: '192.0.2.1', address: '192.0.2.1' },
} as const;
export const request = new Request(`${audience}/acme/orders`, {
  headers: { authorization: `Bearer ${await provider.token({ org_id: 'acme' })}` },
});

/** What an adapter does before its handler runs. */
export async function enter(
  member: Guard<HttpFacts, AuthenticatedFacts & TenantFacts, 'check'>,
): Promise<void> {
  const decision = await member.use(allowAuthenticated()).check(request, host);
  if (!decision.allowed) throw new Error(decision.denial.code);
  admit(request, decision);
}

// Somebody has written down the wrong database for globex.
export const urls = new Map(['acme', 'globex'].map((tenant) => [tenant, 'acme']));
/** The pool of a database that says whose it is, without a database. */
class Pool {
  readonly #tenant: string | undefined;

  constructor({ connectionString }: { readonly connectionString?: string | undefined }) {
    this.#tenant = connectionString;
  }

  readonly query = async (text: string) => ({
    rows: [text.includes('this_tenant') ? { id: this.#tenant } : { item: `of ${this.#tenant}` }],
  });

  readonly end = async (): Promise<void> => undefined;
}

export { audience, db, document, issuer, Pool, stored };
