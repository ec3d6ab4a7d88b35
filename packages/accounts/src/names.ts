import { isStorableText } from '@apisec/core/host';

const LONGEST = 1_024;

/** True for text that may name somebody or something: not empty, of bounded length, and as stores keep it. */
export function isName(text: unknown): text is string {
  return typeof text === 'string' && text !== '' && text.length <= LONGEST && isStorableText(text);
}

/** True for the name of a tenant, and where there is none. */
export function isTenant(tenant: unknown): tenant is string | undefined {
  return tenant === undefined || isName(tenant);
}
