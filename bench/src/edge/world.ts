import type { Issuing } from '../servers/orders-guard.ts';

declare const WORLD: Issuing;

/** The issuer and its key, which the bundler writes in. */
export const world = WORLD;

export const answer = () => Response.json({ id: '42', item: 'book', total: 1250 });
