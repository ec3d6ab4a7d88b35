import type { Webhooks } from '@apisec/egress';
import { audience, issuer } from './provider.ts';

export const endpoint = { id: 'of whoever is on call' };
/** What whoever is on call was sent. */
export const sent: object[] = [];
// The guide asks nothing else of them.
export const hooks = {
  send: async (event: object) => {
    sent.push(event);
    return { ok: true };
  },
} as unknown as Webhooks;
export { audience, issuer };
