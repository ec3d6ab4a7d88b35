import { exportJWK, generateKeyPair } from 'jose';
import { type Attack, anyAdmitted, call, isAdmitted, type Target } from './attack.ts';
import type { Dpop, Flaws } from './dpop.ts';
import type { Probe } from './probe.ts';

const HOUR = 3_600;

const needsKey = ({ token, dpop }: Target): string | undefined => {
  if (token === undefined) return '--token';
  return dpop === undefined ? '--dpop-key' : undefined;
};

/** What the attacks here need, and {@link needsKey} has seen. */
function given({ token, dpop }: Target): { readonly token: string; readonly dpop: Dpop } {
  if (token === undefined || dpop === undefined) throw new TypeError('There is no DPoP key.');
  return { token, dpop };
}

/** A call with the bound token and these proofs, sent as it is. */
function proved(target: Target, ...proofs: readonly string[]): Probe {
  return call(target, [
    ['authorization', `DPoP ${given(target).token}`],
    ...proofs.map((proof) => ['dpop', proof] as const),
  ]);
}

/** Fails where a call with one of the flawed proofs goes through. */
async function flawed(
  target: Target,
  flaws: readonly (readonly [what: string, flaws: Flaws])[],
): Promise<string | undefined> {
  const { token, dpop } = given(target);
  const probes: (readonly [string, Probe])[] = [];
  for (const [what, flaw] of flaws) {
    probes.push([what, proved(target, await dpop.proof(call(target), token, flaw))]);
  }
  return anyAdmitted({ ...target, send: dpop.sendBare }, probes);
}

export const DPOP_ATTACKS: readonly Attack[] = [
  {
    id: 'dpop.missing',
    owasp: 'API2:2023',
    title: 'A bound token is denied without a proof',
    needs: needsKey,
    run: (target) => {
      const { token, dpop } = given(target);
      return anyAdmitted({ ...target, send: dpop.sendBare }, [
        ['A bound token without a proof', proved(target)],
        ['A bound token as a bearer token', call(target, [['authorization', `Bearer ${token}`]])],
      ]);
    },
  },
  {
    id: 'dpop.forged',
    owasp: 'API2:2023',
    title: 'Proofs that others can make are denied',
    needs: needsKey,
    run: async (target) => {
      const { token, dpop } = given(target);
      const { privateKey } = await generateKeyPair('ES256');
      const { privateKey: other, publicKey } = await generateKeyPair('ES256', {
        extractable: true,
      });
      const { kty, crv, x, y } = await exportJWK(publicKey);
      const found = await flawed(target, [
        [
          'A proof with a key of its own',
          { key: other, header: { alg: 'ES256', jwk: { kty, crv, x, y } } },
        ],
        [
          'A proof with the signature of another key',
          { key: privateKey, header: { alg: 'ES256' } },
        ],
        [
          'A proof with a shared secret',
          { key: new TextEncoder().encode(JSON.stringify(dpop.jwk)), header: { alg: 'HS256' } },
        ],
        ['A proof of another type', { header: { typ: 'JWT' } }],
      ]);
      if (found !== undefined) return found;
      const [, claims = '', signature = ''] = (await dpop.proof(call(target), token)).split('.');
      const header = { typ: 'dpop+jwt', alg: 'none', jwk: dpop.jwk };
      const start = `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${claims}.`;
      return anyAdmitted({ ...target, send: dpop.sendBare }, [
        ['An unsigned proof', proved(target, start)],
        ['A proof of alg none with a signature', proved(target, `${start}${signature}`)],
      ]);
    },
  },
  {
    id: 'dpop.misplaced',
    owasp: 'API2:2023',
    title: 'A proof for another call or another token is denied',
    needs: needsKey,
    run: (target) =>
      flawed(target, [
        ['A proof for another method', { claims: { htm: 'DELETE' } }],
        [
          'A proof for another host',
          { claims: { htu: `https://attacker.example${target.url.pathname}` } },
        ],
        ['A proof for another path', { claims: { htu: `${target.url.origin}/attacker` } }],
        ['A proof for another token', { claims: { ath: 'A'.repeat(43) } }],
        ['A proof for no token', { claims: { ath: undefined } }],
      ]),
  },
  {
    id: 'dpop.stale',
    owasp: 'API2:2023',
    title: 'A proof from another time is denied',
    needs: needsKey,
    run: (target) => {
      const now = Math.floor(Date.now() / 1_000);
      // If the server asks for nonces, an older proof has none, or an old one.
      const nonce = given(target).dpop.asksForNonces() ? { nonce: 'old' } : {};
      return flawed(target, [
        ['A proof that is a day old', { claims: { iat: now - 24 * HOUR, ...nonce } }],
        ['A proof for tomorrow', { claims: { iat: now + 24 * HOUR, ...nonce } }],
        ['A proof without a time', { claims: { iat: undefined, ...nonce } }],
      ]);
    },
  },
  {
    id: 'dpop.replayed',
    owasp: 'API2:2023',
    title: 'A proof is accepted once',
    needs: needsKey,
    run: async (target) => {
      const { token, dpop } = given(target);
      const probe = proved(target, await dpop.proof(call(target), token));
      const send = dpop.sendBare;
      // If a proof is not accepted the first time, denying it the second time shows nothing.
      if (!isAdmitted(target, await send(probe))) return undefined;
      const twice = await anyAdmitted({ ...target, send }, [
        ['A proof that was used before', probe],
      ]);
      if (twice !== undefined) return twice;
      const two = [await dpop.proof(call(target), token), await dpop.proof(call(target), token)];
      return anyAdmitted({ ...target, send }, [['A call with two proofs', proved(target, ...two)]]);
    },
  },
];
