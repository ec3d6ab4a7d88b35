import { createHash } from 'node:crypto';

/** A Lua script with the digest that Redis knows it by. */
export interface Script {
  readonly lua: string;
  readonly sha: string;
}

/** Lua: `now` is the server's time in milliseconds. */
export const CLOCK = `
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
`;

export function script(lua: string): Script {
  return Object.freeze({ lua, sha: createHash('sha1').update(lua).digest('hex') });
}
