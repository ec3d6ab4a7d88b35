import { createHash } from 'node:crypto';

/** A Lua script with the digest that Redis knows it by. */
export interface Script {
  readonly lua: string;
  readonly sha: string;
}

export function script(lua: string): Script {
  return Object.freeze({ lua, sha: createHash('sha1').update(lua).digest('hex') });
}
