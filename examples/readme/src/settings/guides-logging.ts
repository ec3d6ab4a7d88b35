import type { ApiKeys, AuditFacts, CallFacts, Guard, Principal } from '@apisec/core';
import type { Webhooks } from '@apisec/egress';
import type { AuditAnchor, AuditChainKeys, PostgresClient } from '@apisec/postgres';

export declare const pool: PostgresClient;
export declare const table: Readonly<Record<string, Guard<CallFacts, object, 'grant'>>>;
export declare const operator: Principal;
export declare const apiKeys: ApiKeys;
export declare const id: string;
export declare const facts: AuditFacts;
export declare const keys: AuditChainKeys;
export declare const lastWeek: AuditAnchor;
export declare const webhook: { readonly send: (event: object) => Promise<void> };
export declare const hooks: Webhooks;
export declare const endpoint: { readonly id: string };
