import { allowAnonymous, coverage, guard } from '@apisec/core';
import { Pool } from './pool.ts';
import { audience, issuer } from './provider.ts';

export const pool = new Pool();
export const api = coverage({ 'GET /orders': guard().use(allowAnonymous()) });
/** Whom somebody was told of. */
export const paged: unknown[] = [];
export const page = (caller: unknown, signs: unknown): number => paged.push([caller, signs]);
export { audience, issuer };
