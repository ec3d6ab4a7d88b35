import type { Principal } from '@apisec/core';

const NONE: ReadonlySet<string> = new Set();

/** Somebody without scopes and roles, as far as these examples need to know who calls. */
export function principalOf(id: string, issuer: string): Principal {
  return { id, subject: id, issuer, scopes: NONE, roles: NONE };
}
