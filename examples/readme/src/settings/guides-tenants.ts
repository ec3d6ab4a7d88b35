import { Pool } from 'pg';
import { type Documents, document, stored } from './documents.ts';

export declare const pool: Pool;
export declare const admin: Pool;
export declare const db: Documents;
export declare const request: Request;
export declare const members: { readonly has: (tenant: string, id: string) => Promise<boolean> };
export declare const urls: ReadonlyMap<string, string>;
export { document, Pool, stored };
