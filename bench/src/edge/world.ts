import type { World } from '../servers/world.ts';

declare const WORLD: Pick<World, 'issuer' | 'audience' | 'origin' | 'scope' | 'jwk'>;

/** The issuer and its key, which the bundler writes in. */
export const world = WORLD;

export const answer = () => Response.json({ id: '42', item: 'book', total: 1250 });
