import { type Case, type Expectation, once } from '../case.ts';
import type { CallTarget, Credentials, ProofSpec } from '../credentials.ts';

const boundToken = async ({ token, jkt }: Credentials): Promise<string> =>
  token({ claims: { cnf: { jkt } } });

const asDpop = async (credentials: Credentials): Promise<string> =>
  `DPoP ${await boundToken(credentials)}`;

const honestProof = async (
  { proof }: Credentials,
  token: string,
  target: CallTarget,
): Promise<string> => proof(token, target);

function denied(code: string, error = 'invalid_dpop_proof'): Expectation {
  return {
    allowed: false,
    kind: 'unauthenticated',
    code,
    challenge: ['DPoP', `error="${error}"`, 'algs="'],
  };
}

function proved(name: string, expect: Expectation, spec?: (target: CallTarget) => ProofSpec): Case {
  return {
    name,
    operation: 'dpop',
    authorization: asDpop,
    proof: async ({ proof }, token, target) => proof(token, target, spec?.(target)),
    expect,
  };
}

/** The same token and proof in every call. */
const same = (): Pick<Case, 'authorization' | 'proof'> => ({
  authorization: once(asDpop),
  proof: once(honestProof),
});

/** Tokens that are bound to a key, and proofs that they are sent with. */
export const proofCases: readonly Case[] = [
  proved('a bound token with its proof', { allowed: true, reply: { id: 'order-1' } }),
  {
    ...proved('a bound token with its proof, and a body', { allowed: true, reply: { amount: 5 } }),
    message: { amount: 5 },
  },
  {
    name: 'a token that is not bound',
    operation: 'dpop',
    authorization: async ({ token }) => `Bearer ${await token()}`,
    expect: { allowed: true },
  },
  {
    name: 'a bound token without a proof',
    operation: 'dpop',
    authorization: asDpop,
    expect: denied('dpop.missing'),
  },
  {
    name: 'a bound token sent as Bearer',
    operation: 'dpop',
    authorization: async (credentials) => `Bearer ${await boundToken(credentials)}`,
    proof: honestProof,
    expect: {
      allowed: false,
      kind: 'unauthenticated',
      code: 'token.unconfirmed',
      challenge: ['Bearer', 'error="invalid_token"'],
    },
  },
  {
    name: 'a bound token where nobody checks proofs',
    operation: 'list',
    authorization: async (credentials) => `Bearer ${await boundToken(credentials)}`,
    proof: honestProof,
    expect: { allowed: false, kind: 'unauthenticated', code: 'token.unconfirmed' },
  },
  {
    ...proved('two proofs', denied('dpop.repeated')),
    needs: 'repeated-fields',
    proof: async ({ proof }, token, target) => [
      await proof(token, target),
      await proof(token, target),
    ],
  },
  proved('a proof for another method', denied('dpop.method_mismatch'), () => ({
    claims: { htm: 'PATCH' },
  })),
  proved('a proof for another path', denied('dpop.target_mismatch'), ({ path }) => ({
    claims: { htu: `https://api.example.test${path}/more` },
  })),
  proved('a proof for another host', denied('dpop.target_mismatch'), ({ path }) => ({
    claims: { htu: `https://evil.example.test${path}` },
  })),
  proved('a proof for the address of the server', denied('dpop.target_mismatch'), ({ path }) => ({
    claims: { htu: `http://127.0.0.1${path}` },
  })),
  proved('a proof for the same URI in other letters', { allowed: true }, ({ path }) => ({
    claims: { htu: `HTTPS://API.example.test:443${path}?page=2#top` },
  })),
  proved('a proof for another token', denied('dpop.token_mismatch'), () => ({
    claims: { ath: 'fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo' },
  })),
  proved('an old proof', denied('dpop.expired'), () => ({
    claims: { iat: Math.floor(Date.now() / 1000) - 600 },
  })),
  proved('a proof by another client', denied('dpop.key_mismatch', 'invalid_token'), () => ({
    foreign: true,
  })),
  { ...proved('a proof for the first time', { allowed: true }), ...same() },
  { ...proved('a proof for the second time', denied('dpop.replayed')), ...same(), after: 1 },
  {
    ...proved('a proof without the nonce', denied('dpop.nonce_missing', 'use_dpop_nonce')),
    operation: 'dpopNonce',
  },
];
