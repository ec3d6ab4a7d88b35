import { testClock, testIssuer } from '@apisec/core/testing';
import { orders } from './policy.ts';

const clock = testClock();
const issuer = testIssuer({ now: clock.now });
const policy = orders(issuer.trust);

/** What the policy answers to a token. */
export async function answer(token: string): Promise<string> {
  const headers = { authorization: `Bearer ${token}` };
  const decision = await policy.check(new Request('https://api.test/orders', { headers }), {
    call: { protocol: 'http', operation: 'GET /orders' },
    peer: { address: '192.0.2.1', id: '192.0.2.1' },
  });
  return decision.allowed ? `allowed ${decision.facts.principal.subject}` : decision.denial.code;
}

/** Each token, and what it comes to: the same in every runner. */
export const cases: Readonly<Record<string, readonly [() => Promise<string>, string]>> = {
  'an honest token': [() => issuer.token({ scope: 'orders:read' }), 'allowed alice'],
  'one without the scope': [() => issuer.token({ scope: 'other' }), 'scope.insufficient'],
  'a forged one': [
    () => issuer.token({ scope: 'orders:read' }, { key: 'forged' }),
    'token.signature_invalid',
  ],
  'one that has expired': [
    async () => {
      const token = await issuer.token({ scope: 'orders:read' }, { expiresIn: '1m' });
      clock.advance('2m');
      return token;
    },
    'token.expired',
  ],
};
