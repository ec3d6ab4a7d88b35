import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  boundTo,
  identify,
  ORIGIN,
  type ProofParts,
  type Prover,
  prover,
  TOKEN,
} from '../../test/dpop-kit.ts';
import { audience, issuer, NOW, now, signer } from '../../test/jwt-kit.ts';
import { secretOf } from '../../test/secrets.ts';
import { VECTORS } from '../../test/vectors.ts';
import { allowAuthenticated } from '../authorization/allow-authenticated.ts';
import { memoryReplayStore } from '../contracts/memory-replay-store.ts';
import type { JwsAlgorithm, SignatureVerifier } from '../crypto/key-source.ts';
import { localJwks } from '../crypto/local-jwks.ts';
import { codes } from '../engine/codes.ts';
import type { Denial } from '../engine/denial.ts';
import type { AuthenticatedFacts } from '../engine/facts.ts';
import { guard } from '../engine/guard.ts';
import type { Outcome } from '../engine/outcome.ts';
import { UNKNOWN_PEER } from '../host/peer.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { sha256 } from '../lib/hash.ts';
import { authenticateJwt } from '../tokens/authenticate-jwt.ts';
import { httpDenial } from '../wire/http.ts';
import { dpopNonces } from './dpop-nonces.ts';
import { type RequireDpopOptions, requireDpop } from './require-dpop.ts';

const client = await prover();
const stranger = await prover();
const honest = boundTo({ jkt: client.jkt });

const policyWith = (options: Partial<RequireDpopOptions> = {}) =>
  requireDpop({ publicOrigin: ORIGIN, now, ...options });

interface Call {
  readonly url?: string;
  readonly method?: string;
  readonly facts?: AuthenticatedFacts;
  readonly by?: ReturnType<typeof requireDpop>;
}

function request(proof: string | undefined, { url = `${ORIGIN}/orders`, method = 'GET' }: Call) {
  return new Request(url, {
    method,
    headers: { authorization: `DPoP ${TOKEN}`, ...(proof !== undefined && { dpop: proof }) },
  });
}

async function ask(proof: string | undefined, call: Call = {}): Promise<Outcome> {
  const { facts = honest, by = policyWith() } = call;
  return by.check(request(proof, call), facts);
}

const codeOf = (outcome: Outcome): string => (outcome.ok ? 'ok' : outcome.denial.code);
const sent = async (parts: ProofParts, call: Call = {}, by: Prover = client): Promise<string> =>
  codeOf(await ask(await by.proof(parts), call));

/** Its status, and scheme and error of its challenge. */
function challengeOf(denial: Denial): readonly [status: number, challenge: string] {
  const [{ scheme, params } = fail()] = denial.challenges ?? [];
  return [httpDenial(denial).status, `${scheme} ${params?.['error']}`];
}

const withoutAth = { ath: undefined };
const privateMembers = (jwk: JsonWebKey) => ({ ...jwk, ...client.privateJwk });

describe('the twelve checks of RFC 9449 §4.3', () => {
  test('a proof that meets all of them passes, and meets what the token demands', async () => {
    const outcome = await ask(await client.proof());
    expect(outcome).toMatchObject({ ok: true, meets: ['cnf.jkt'] });
  });

  test('1: no header', async () => {
    expect(codeOf(await ask(undefined))).toBe('dpop.missing');
  });
  test('1: two headers, joined by the host', async () => {
    const [one, other] = [await client.proof(), await client.proof()];
    expect(codeOf(await ask(`${one}, ${other}`))).toBe('dpop.repeated');
    expect(codeOf(await ask(`${one},${other}`))).toBe('dpop.repeated');
    const headers = new Headers({ authorization: `DPoP ${TOKEN}` });
    for (const proof of [one, one]) headers.append('dpop', proof);
    const twice = new Request(`${ORIGIN}/orders`, { headers });
    expect(codeOf(await policyWith().check(twice, honest))).toBe('dpop.repeated');
  });

  test.each<[string, ProofParts, string]>([
    ['2: a header that is no JSON', { header: '{"typ":' }, 'dpop.malformed'],
    ['2: claims that are no JSON', { claims: 'hello' }, 'dpop.malformed'],
    ['2: claims that are a list', { claims: '[]' }, 'dpop.malformed'],
    ['2: a claim that is there twice', { claims: '{"jti":"a","jti":"b"}' }, 'dpop.malformed'],
    ['2: an unknown critical header', { header: { crit: ['x'], x: 1 } }, 'dpop.malformed'],
    ['2: a proof beyond all size', { claims: { pad: 'x'.repeat(9_000) } }, 'dpop.malformed'],
    ['3: no jti', { claims: { jti: undefined } }, 'dpop.claim_missing'],
    ['3: no htm', { claims: { htm: undefined } }, 'dpop.claim_missing'],
    ['3: no htu', { claims: { htu: undefined } }, 'dpop.claim_missing'],
    ['3: no iat', { claims: { iat: undefined } }, 'dpop.claim_missing'],
    ['3: no ath', { claims: withoutAth }, 'dpop.claim_missing'],
    ['3: a jti that is a number', { claims: { jti: 7 } }, 'dpop.claim_invalid'],
    ['3: an empty jti', { claims: { jti: '' } }, 'dpop.claim_invalid'],
    ['3: a jti beyond all size', { claims: { jti: 'x'.repeat(257) } }, 'dpop.claim_invalid'],
    ['3: an htm that is a list', { claims: { htm: ['GET'] } }, 'dpop.claim_invalid'],
    ['3: an iat that is text', { claims: { iat: String(NOW / 1000) } }, 'dpop.claim_invalid'],
    ['3: an iat beyond all dates', { claims: { iat: 1e300 } }, 'dpop.claim_invalid'],
    ['3: a nonce that is a number', { claims: { nonce: 1 } }, 'dpop.claim_invalid'],
    ['4: the type of an access token', { header: { typ: 'at+jwt' } }, 'dpop.type_refused'],
    ['4: the type JWT', { header: { typ: 'JWT' } }, 'dpop.type_refused'],
    ['4: no type', { header: { typ: undefined } }, 'dpop.type_refused'],
    ['5: the algorithm none', { header: { alg: 'none' } }, 'dpop.algorithm_refused'],
    ['5: an HMAC', { header: { alg: 'HS256' } }, 'dpop.algorithm_refused'],
    ['5: an unknown algorithm', { header: { alg: 'ES256K' } }, 'dpop.algorithm_refused'],
    ['6: the signature of another key', { forged: true }, 'dpop.signature_invalid'],
    ['7: no key', { header: { jwk: undefined } }, 'dpop.key_refused'],
    ['7: a key that is text', { header: { jwk: 'key' } }, 'dpop.key_refused'],
    ['7: a private key', { header: { jwk: privateMembers(client.jwk) } }, 'dpop.key_refused'],
    ['7: a shared secret', { header: { jwk: { kty: 'oct', k: 'AAAA' } } }, 'dpop.key_refused'],
    ['7: a hidden secret', { header: { jwk: { ...client.jwk, k: 'AA' } } }, 'dpop.key_refused'],
    [
      '7: a key for encryption',
      { header: { jwk: { ...client.jwk, use: 'enc' } } },
      'dpop.key_refused',
    ],
    ['7: a key of another kind', { header: { alg: 'ES384' } }, 'dpop.key_refused'],
    ['8: another method', { claims: { htm: 'POST' } }, 'dpop.method_mismatch'],
    ['8: the method in small letters', { claims: { htm: 'get' } }, 'dpop.method_mismatch'],
    ['9: another path', { claims: { htu: `${ORIGIN}/admin` } }, 'dpop.target_mismatch'],
    [
      '9: a path that begins alike',
      { claims: { htu: `${ORIGIN}/orders/1` } },
      'dpop.target_mismatch',
    ],
    ['9: a slash more', { claims: { htu: `${ORIGIN}/orders/` } }, 'dpop.target_mismatch'],
    ['9: another host', { claims: { htu: 'https://evil.example/orders' } }, 'dpop.target_mismatch'],
    [
      '9: another scheme',
      { claims: { htu: 'http://api.example.com/orders' } },
      'dpop.target_mismatch',
    ],
    ['9: another port', { claims: { htu: `${ORIGIN}:8443/orders` } }, 'dpop.target_mismatch'],
    [
      '9: a user name',
      { claims: { htu: 'https://a@api.example.com/orders' } },
      'dpop.target_mismatch',
    ],
    [
      '9: backslashes',
      { claims: { htu: 'https:\\\\api.example.com\\orders' } },
      'dpop.target_mismatch',
    ],
    ['9: a tab', { claims: { htu: 'https://api.exa\tmple.com/orders' } }, 'dpop.target_mismatch'],
    ['9: a space in front', { claims: { htu: ` ${ORIGIN}/orders` } }, 'dpop.target_mismatch'],
    ['9: a path alone', { claims: { htu: '/orders' } }, 'dpop.target_mismatch'],
    ['9: no slashes', { claims: { htu: 'https:api.example.com/orders' } }, 'dpop.target_mismatch'],
    ['11: too old', { claims: { iat: NOW / 1000 - 70 } }, 'dpop.expired'],
    ['11: in the future', { claims: { iat: NOW / 1000 + 11 } }, 'dpop.not_yet_valid'],
    ['12a: another token', { claims: { ath: 'AAAA' } }, 'dpop.token_mismatch'],
  ])('%s', async (_name, parts, code) => {
    const outcome = await ask(await client.proof(parts));
    // Conclusive: an alternative that asks for no proof must not save the call.
    expect(outcome).toMatchObject({ ok: false, conclusive: true, denial: { code } });
    expect(outcome.ok || challengeOf(outcome.denial)).toEqual([401, 'DPoP invalid_dpop_proof']);
  });

  test('2: a proof with white space, padding or a fourth part', async () => {
    const proof = await client.proof();
    for (const changed of [`${proof} x`, `${proof}=`, `${proof}.e30`, proof.slice(0, -90), '']) {
      expect(codeOf(await ask(changed))).toBe('dpop.malformed');
    }
  });

  test('6: a claim changed under an honest signature', async () => {
    const [header = '', , signature = ''] = (await client.proof()).split('.');
    const [, claims = ''] = (await client.proof()).split('.');
    expect(codeOf(await ask(`${header}.${claims}.${signature}`))).toBe('dpop.signature_invalid');
  });

  test('12b: an honest proof by another key', async () => {
    const outcome = await ask(await stranger.proof());
    expect(codeOf(outcome)).toBe('dpop.key_mismatch');
    expect(outcome.ok || outcome.denial.challenges).toMatchObject([
      { scheme: 'DPoP', params: { error: 'invalid_token' } },
    ]);
  });

  test('12b: an honest proof by another key, after the right one was seen', async () => {
    const by = policyWith();
    expect(await sent({}, { by })).toBe('ok');
    expect(await sent({}, { by }, stranger)).toBe('dpop.key_mismatch');
    expect(await sent({}, { by })).toBe('ok');
  });

  test.each<[string, ProofParts]>([
    ['at the end of the window', { claims: { iat: NOW / 1000 - 69 } }],
    ['from a clock that is ten seconds ahead', { claims: { iat: NOW / 1000 + 10 } }],
    ['with a fraction of a second', { claims: { iat: NOW / 1000 + 0.25 } }],
    ['with a nonce that nobody asked for', { claims: { nonce: 'x' } }],
    ['with members that nobody knows', { claims: { future: 1 }, header: { kid: 'a' } }],
  ])('passes a proof %s', async (_name, parts) => {
    expect(await sent(parts)).toBe('ok');
  });

  test.each<JwsAlgorithm>(['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'])(
    'passes a proof signed with %s',
    async (alg) => {
      const by = await prover(alg);
      expect(await sent({}, { facts: boundTo({ jkt: by.jkt }) }, by)).toBe('ok');
    },
  );

  test('a proof with an algorithm that was not asked for is denied', async () => {
    const by = policyWith({ algorithms: ['ES384'] });
    const outcome = await ask(await client.proof(), { by });
    expect(codeOf(outcome)).toBe('dpop.algorithm_refused');
    expect(outcome.ok || outcome.denial.challenges?.[0]?.params?.['algs']).toBe('ES384');
  });

  test('a key that costs too much to verify with is denied, a large one is not', async () => {
    const jwk = { kty: 'RSA', e: 'AQAB', n: Buffer.alloc(1024, 255).toString('base64url') };
    expect(await sent({ header: { alg: 'RS256', jwk } })).toBe('dpop.key_refused');
    const large = await prover('RS256', 4096);
    expect(await sent({}, { facts: boundTo({ jkt: large.jkt }) }, large)).toBe('ok');
  });
});

describe('the URI of the proof', () => {
  test.each([
    ['with a query', `${ORIGIN}/orders?page=2`],
    ['with a fragment', `${ORIGIN}/orders#top`],
    ['in capitals', 'HTTPS://API.EXAMPLE.COM/orders'],
    ['with the default port', `${ORIGIN}:443/orders`],
    ['with an empty port', `${ORIGIN}:/orders`],
    ['with dot segments', `${ORIGIN}/a/../b/./../orders`],
    ['with needless escapes', `${ORIGIN}/%6frders`],
  ])('is the same %s', async (_name, htu) => {
    expect(await sent({ claims: { htu } })).toBe('ok');
  });

  test.each([
    ['escapes in small letters', '/caf%c3%a9', '/caf%C3%A9', 'ok'],
    ['needless escapes', '/%7Eann', '/~ann', 'ok'],
    ['a query', '/orders?page=2', '/orders', 'ok'],
    ['no path', '/', '', 'ok'],
    ['an escaped slash', '/a%2Fb', '/a/b', 'dpop.target_mismatch'],
    ['the other case', '/Orders', '/orders', 'dpop.target_mismatch'],
    ['two slashes', '//orders', '/orders', 'dpop.target_mismatch'],
  ])('and that of a call with %s: %s for %s is %s', async (_name, path, named, code) => {
    const { headers } = request(await client.proof({ claims: { htu: ORIGIN + named } }), {});
    const outcome = await policyWith().check({ method: 'GET', url: path, headers }, honest);
    expect(codeOf(outcome)).toBe(code);
  });

  test.each(['/a/../orders', '/a/%2e%2e/orders', '/./orders', '/a\\..\\orders'])(
    'is not that of a call to %s, which a router may take elsewhere',
    async (url) => {
      const { headers } = request(await client.proof(), {});
      const outcome = await policyWith().check({ method: 'GET', url, headers }, honest);
      expect(codeOf(outcome)).toBe('dpop.target_mismatch');
    },
  );

  test('is compared with the configured origin, whatever Host says', async () => {
    const url = 'https://evil.example/orders';
    expect(await sent({ claims: { htu: url } }, { url })).toBe('dpop.target_mismatch');
    expect(await sent({}, { url })).toBe('ok');
  });

  test('has the prefix that a proxy takes away', async () => {
    const by = policyWith({ publicPathPrefix: '/shop' });
    expect(await sent({ claims: { htu: `${ORIGIN}/shop/orders` } }, { by })).toBe('ok');
    expect(await sent({}, { by })).toBe('dpop.target_mismatch');
  });
});

describe('operators are told what was expected and what came', () => {
  const moment = (at: number) => new Date(at).toISOString();

  test.each<[string, ProofParts, object]>([
    [
      'of the method',
      { claims: { htm: 'POST' } },
      { expected: { htm: 'GET' }, given: { htm: 'POST' } },
    ],
    [
      'of the address, without its query',
      { claims: { htu: 'http://api.example.com/orders?token=abc' } },
      {
        expected: { htu: `${ORIGIN}/orders` },
        given: { htu: 'http://api.example.com/orders' },
      },
    ],
    [
      'of the time, where it is late',
      { claims: { iat: NOW / 1000 - 3_600 } },
      { issuedAt: moment(NOW - 3_600_000), now: moment(NOW) },
    ],
    [
      'of the time, where it is early',
      { claims: { iat: NOW / 1000 + 3_600 } },
      { issuedAt: moment(NOW + 3_600_000), now: moment(NOW) },
    ],
  ])('%s', async (_, parts, cause) => {
    const outcome = await ask(await client.proof(parts));
    expect(outcome.ok ? 'ok' : outcome.denial.cause).toEqual(cause);
  });
});

describe('replay', () => {
  // Covers: API2:2023, V10.3.5
  test('a proof counts once', async () => {
    const by = policyWith();
    const proof = await client.proof();
    expect(codeOf(await ask(proof, { by }))).toBe('ok');
    expect(codeOf(await ask(proof, { by }))).toBe('dpop.replayed');
    expect(await sent({}, { by })).toBe('ok');
  });

  test('exactly one of many equal concurrent proofs wins', async () => {
    const by = policyWith();
    const proof = await client.proof();
    const answers = await Promise.all(Array.from({ length: 30 }, () => ask(proof, { by })));
    const told = answers.map(codeOf);
    expect(told.filter((code) => code === 'ok')).toHaveLength(1);
    expect(told.filter((code) => code === 'dpop.replayed')).toHaveLength(29);
  });

  test('exactly one of many equal concurrent proofs on several nodes wins', async () => {
    const replay = memoryReplayStore({ now });
    const nodes = [1, 2, 3].map(() =>
      policyWith({ replay: { putIfAbsent: async (...key) => replay.putIfAbsent(...key) } }),
    );
    const proof = await client.proof();
    const answers = await Promise.all(nodes.map((by) => ask(proof, { by })));
    expect(answers.filter((outcome) => outcome.ok)).toHaveLength(1);
  });

  test('guards that share the policy may both see one call', async () => {
    const by = policyWith();
    const once = request(await client.proof(), {});
    const answers = await Promise.all([1, 2, 3].map(async () => by.check(once, honest)));
    expect(answers.map(codeOf)).toEqual(['ok', 'ok', 'ok']);
    expect(codeOf(await by.check(new Request(once), honest))).toBe('dpop.replayed');
  });

  test('a call that was a replay stays one, however often it is asked about', async () => {
    const by = policyWith();
    const proof = await client.proof();
    await ask(proof, { by });
    const again = request(proof, {});
    for (let time = 0; time < 3; time++) {
      expect(codeOf(await by.check(again, honest))).toBe('dpop.replayed');
    }
  });

  test('the same id in a new signature is a replay, and the same id of another client is not', async () => {
    const by = policyWith();
    const claims = { jti: 'same' };
    expect(await sent({ claims }, { by })).toBe('ok');
    expect(await sent({ claims }, { by })).toBe('dpop.replayed');
    const facts = boundTo({ jkt: stranger.jkt });
    expect(await sent({ claims }, { by, facts }, stranger)).toBe('ok');
  });

  test('the same id for another target is not, however the two could be joined', async () => {
    const by = policyWith();
    const [orders, first] = [`${ORIGIN}/orders`, `${ORIGIN}/orders/1`];
    expect(await sent({ claims: { htu: orders, jti: '/1x' } }, { by })).toBe('ok');
    expect(await sent({ claims: { htu: first, jti: 'x' } }, { by, url: first })).toBe('ok');
  });

  test('the same target written in another way is the same', async () => {
    const by = policyWith();
    const jti = 'same';
    expect(await sent({ claims: { jti } }, { by })).toBe('ok');
    const htu = `${ORIGIN}:443/orders?x`;
    expect(await sent({ claims: { jti, htu } }, { by })).toBe('dpop.replayed');
  });

  test('a proof is remembered until it has expired, to the last millisecond', async () => {
    let time = NOW;
    const by = policyWith({ now: () => time });
    const proof = await client.proof({ claims: { iat: NOW / 1000 + 5 } });
    expect(codeOf(await ask(proof, { by }))).toBe('ok');
    const told = new Set<string>();
    for (; time < NOW + 80_000; time += 499) told.add(codeOf(await ask(proof, { by })));
    expect([...told]).toEqual(['dpop.replayed', 'dpop.expired']);
  });

  test('a proof that has expired while it was verified is not used', async () => {
    let time = NOW;
    const verifier: SignatureVerifier = () => () => {
      time += 70_000;
      return true;
    };
    const by = policyWith({ now: () => time, verifier });
    expect(codeOf(await ask(await client.proof(), { by }))).toBe('dpop.expired');
    const nonce = dpopNonces({ now: () => time, lifetime: '30s' });
    const claims = { nonce: await nonce.current() };
    const nonced = policyWith({ now: () => time, verifier, nonce });
    expect(await sent({ claims }, { by: nonced })).toBe('dpop.nonce_refused');
  });

  test('a proof is remembered while a slow store may still be asked about it', async () => {
    const ttls: number[] = [];
    const replay = { putIfAbsent: (_key: string, ttl: number) => ttls.push(ttl) > 0 };
    const by = policyWith({ replay, window: '1m', clockTolerance: '0s', replayTimeout: '500ms' });
    expect(await sent({}, { by })).toBe('ok');
    expect(ttls[0]).toBeGreaterThanOrEqual(60_500);
  });

  test('denied proofs are not remembered', async () => {
    const keys: string[] = [];
    const replay = { putIfAbsent: (key: string) => keys.push(key) > 0 };
    const by = policyWith({ replay });
    for (const parts of [{ forged: true }, { claims: { htm: 'POST' } }, { claims: { ath: 'x' } }]) {
      await sent(parts, { by });
    }
    await sent({}, { by }, stranger);
    expect(keys).toEqual([]);
    expect(await sent({ claims: { jti: 'j'.repeat(256) } }, { by })).toBe('ok');
    expect(keys).toEqual([expect.stringMatching(/^dpop:[\w-]{43}$/)]);
  });

  test('a full store makes callers wait, and forgets nothing', async () => {
    const by = policyWith({ replay: memoryReplayStore({ capacity: 2, now }) });
    const first = await client.proof();
    expect(codeOf(await ask(first, { by }))).toBe('ok');
    expect(await sent({}, { by })).toBe('ok');
    for (let flood = 0; flood < 20; flood++)
      expect(await sent({}, { by })).toBe('dpop.unavailable');
    expect(codeOf(await ask(first, { by }))).toBe('dpop.replayed');
  });

  test.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('redis at 10.0.0.7 is down');
      },
    ],
    [
      'rejects',
      async () => {
        throw new Error('redis at 10.0.0.7 is down');
      },
    ],
    ['never answers', () => new Promise(() => undefined)],
    ['answers nothing', () => undefined],
    ['answers text', async () => 'OK'],
  ])('a store that %s closes the operation', async (_name, putIfAbsent) => {
    const replay = { putIfAbsent: putIfAbsent as () => boolean };
    const outcome = await ask(await client.proof(), {
      by: policyWith({ replay, replayTimeout: '20ms' }),
    });
    // No alternative saves a call whose proof nobody could look at.
    expect(outcome).toMatchObject({
      ok: false,
      conclusive: true,
      denial: {
        kind: 'unavailable',
        detail: 'The DPoP proof cannot be verified at the moment.',
        cause: expect.any(Error) as Error,
      },
    });
    if (outcome.ok) return;
    const { status, body, headers } = httpDenial(outcome.denial);
    expect([status, codeOf(outcome)]).toEqual([503, 'dpop.unavailable']);
    expect(JSON.stringify([body, headers])).not.toContain('redis');
  });
});

describe('what is bound and what is not', () => {
  test('a bound token that was sent as Bearer is denied, with a good proof too', async () => {
    const facts = boundTo({ jkt: client.jkt }, 'Bearer');
    expect(codeOf(await ask(undefined, { facts }))).toBe('dpop.scheme_refused');
    expect(await sent({}, { facts })).toBe('dpop.scheme_refused');
  });

  test('a token that is not bound passes as Bearer, unless a binding is required', async () => {
    const facts = boundTo(undefined, 'Bearer');
    expect(codeOf(await ask(undefined, { facts }))).toBe('ok');
    const by = policyWith({ required: true });
    expect(codeOf(await ask(undefined, { facts, by }))).toBe('dpop.token_unbound');
    expect(await sent({}, { facts, by })).toBe('dpop.token_unbound');
    expect(await sent({}, { by })).toBe('ok');
  });

  test('where the token is at fault, the challenge says so', async () => {
    const bearer = boundTo({ jkt: client.jkt }, 'Bearer');
    for (const [facts, by] of [
      [bearer, policyWith()],
      [boundTo(undefined, 'Bearer'), policyWith({ required: true })],
      [boundTo({ jkt: stranger.jkt }), policyWith()],
    ] as const) {
      const outcome = await ask(await client.proof(), { facts, by });
      expect(outcome.ok || challengeOf(outcome.denial)).toEqual([401, 'DPoP invalid_token']);
    }
  });

  test('a token that is not bound but sent as DPoP is denied', async () => {
    expect(await sent({}, { facts: boundTo(undefined) })).toBe('dpop.token_unbound');
    expect(await sent({}, { facts: boundTo({ future: 'x' }) })).toBe('dpop.token_unbound');
  });

  test.each([7, null, '', {}, [client.jkt]])('a binding to %j is denied', async (jkt) => {
    expect(await sent({}, { facts: boundTo({ jkt }) })).toBe('dpop.key_mismatch');
  });

  test('a call whose token nobody knows is denied', async () => {
    const { headers } = request(await client.proof(), {});
    headers.delete('authorization');
    const view = { method: 'GET', url: '/orders', headers };
    expect(codeOf(await policyWith().check(view, honest))).toBe('dpop.token_mismatch');
  });

  test('the policy says that it needs an authentication, and adds nothing', () => {
    expect(policyWith()).toMatchObject({ needs: ['authentication'], adds: [] });
  });

  test('a member that every object inherits does not count as a binding', async () => {
    const facts = boundTo(Object.create({ jkt: client.jkt }) as object as Record<string, unknown>);
    expect(await sent({}, { facts })).toBe('dpop.token_unbound');
  });
});

describe('with nonces', () => {
  const secrets = [secretOf(7)];
  const noncesAt = (at: () => number) => dpopNonces({ secrets, lifetime: '1m', now: at });

  function headerOf(outcome: Outcome, name: string): string | undefined {
    const obligations = [outcome.obligations ?? []].flat();
    const edits = obligations.flatMap((duty) => duty.headers ?? []);
    const edit = edits.find((each) => each.name === name);
    return edit?.op === 'set' ? edit.value : undefined;
  }

  test('a proof without one is sent back with one, and then passes', async () => {
    const by = policyWith({ nonce: noncesAt(now) });
    const denied = await ask(await client.proof(), { by });
    expect(codeOf(denied)).toBe('dpop.nonce_missing');
    const nonce = headerOf(denied, 'dpop-nonce');
    const accepted = await ask(await client.proof({ claims: { nonce } }), { by });
    expect(codeOf(accepted)).toBe('ok');
    expect(headerOf(accepted, 'dpop-nonce')).toBe(nonce);
    expect(headerOf(accepted, 'cache-control')).toBe('no-store');
  });

  test('the challenge is worded as in RFC 9449 §9', async () => {
    const by = policyWith({ nonce: noncesAt(now), realm: 'shop', algorithms: ['ES256', 'PS256'] });
    const denied = await ask(await client.proof(), { by });
    const { status, headers } = httpDenial(denied.ok ? fail() : denied.denial);
    expect(status).toBe(401);
    expect(new Map(headers).get('www-authenticate')).toBe(
      'DPoP realm="shop", error="use_dpop_nonce", ' +
        'error_description="Resource server requires nonce in DPoP proof", algs="ES256 PS256"',
    );
  });

  test('an old clock does not matter, an old nonce does', async () => {
    let time = NOW;
    const nonces = noncesAt(() => time);
    const by = policyWith({ nonce: nonces, now: () => time });
    const nonce = await nonces.current();
    for (const iat of [0, NOW / 1000 - 86_400, NOW / 1000 + 86_400]) {
      expect(await sent({ claims: { iat, nonce } }, { by })).toBe('ok');
    }
    time += 120_000;
    const late = await ask(await client.proof({ claims: { nonce } }), { by });
    expect(codeOf(late)).toBe('dpop.nonce_refused');
    const next = headerOf(late, 'dpop-nonce');
    expect(next).not.toBe(nonce);
    expect(await sent({ claims: { nonce: next } }, { by })).toBe('ok');
  });

  test('a proof with a nonce counts once as long as the nonce is good', async () => {
    let time = NOW;
    const nonces = noncesAt(() => time);
    const by = policyWith({ nonce: nonces, now: () => time });
    const proof = await client.proof({ claims: { nonce: await nonces.current(), iat: 1 } });
    expect(codeOf(await ask(proof, { by }))).toBe('ok');
    const told = new Set<string>();
    for (; time < NOW + 200_000; time += 1_000) told.add(codeOf(await ask(proof, { by })));
    expect([...told]).toEqual(['dpop.replayed', 'dpop.nonce_refused']);
  });

  test.each(['', 'x', '\u0000', 'A'.repeat(43), 'A'.repeat(5_000)])(
    'the nonce %j of nobody is denied',
    async (nonce) => {
      const by = policyWith({ nonce: noncesAt(now) });
      const code = await sent({ claims: { nonce } }, { by });
      expect(code).toBe(nonce === '' ? 'dpop.claim_invalid' : 'dpop.nonce_refused');
    },
  );

  test('every denial of a proof brings a nonce for the next', async () => {
    const by = policyWith({ nonce: noncesAt(now) });
    expect(headerOf(await ask(undefined, { by }), 'dpop-nonce')).toBeTruthy();
    expect(headerOf(await ask('nonsense', { by }), 'dpop-nonce')).toBeTruthy();
  });

  test('nonces that cannot be had close the operation', async () => {
    const down = async () => {
      throw new Error('no keys');
    };
    const by = policyWith({ nonce: { current: down, goodUntil: down } });
    expect(await sent({ claims: { nonce: 'x' } }, { by })).toBe('dpop.unavailable');
    expect(await sent({}, { by })).toBe('dpop.unavailable');
  });
});

describe('behind authenticateJwt', async () => {
  const issuing = await signer('ES256');
  const keys = localJwks({ keys: [issuing.jwk] });
  const token = await issuing.token({ payload: { cnf: { jkt: client.jkt } } });
  const plain = await issuing.token();
  const seed = {
    call: { protocol: 'http', operation: 'GET /orders' },
    peer: UNKNOWN_PEER,
  } as const;
  const api = guard()
    .use(authenticateJwt({ issuer, audience, keys, now, schemes: ['Bearer', 'DPoP'] }))
    .use(policyWith())
    .use(allowAuthenticated());

  async function decide(authorization: string, proof?: string): Promise<string> {
    const headers = { authorization, ...(proof !== undefined && { dpop: proof }) };
    const decision = await api.check(new Request(`${ORIGIN}/orders`, { headers }), seed);
    return decision.allowed ? 'ok' : decision.denial.code;
  }
  const proofOf = async (about: string) => client.proof({ claims: { ath: await sha256(about) } });

  test('a bound token with its proof is admitted, again and again', async () => {
    for (let call = 0; call < 3; call++) {
      expect(await decide(`DPoP ${token}`, await proofOf(token))).toBe('ok');
    }
    expect(await decide(`dpop ${token}`, await proofOf(token))).toBe('ok');
  });

  test('a bound token sent as Bearer is denied, with and without its proof', async () => {
    expect(await decide(`Bearer ${token}`, await proofOf(token))).toBe('token.unconfirmed');
    expect(await decide(`Bearer ${token}`)).toBe('token.unconfirmed');
  });

  test('a token that is not bound is good as Bearer and denied as DPoP', async () => {
    expect(await decide(`Bearer ${plain}`)).toBe('ok');
    expect(await decide(`DPoP ${plain}`, await proofOf(plain))).toBe('token.unconfirmed');
  });

  test('a proof for another token is denied', async () => {
    expect(await decide(`DPoP ${token}`, await proofOf(plain))).toBe('dpop.token_mismatch');
    expect(await decide(`DPoP ${token}`)).toBe('dpop.missing');
  });

  test('a second binding is still owed', async () => {
    const both = await issuing.token({ payload: { cnf: { jkt: client.jkt, 'x5t#S256': 'x' } } });
    expect(await decide(`DPoP ${both}`, await proofOf(both))).toBe('token.unconfirmed');
  });

  test('a proof is not an access token, and an access token is not a proof', async () => {
    const proof = await proofOf(token);
    expect(await decide(`DPoP ${proof}`, proof)).toBe('token.type_refused');
    expect(await decide(`DPoP ${token}`, token)).toBe('dpop.type_refused');
  });

  test('the first challenge names algorithms and metadata for both schemes', async () => {
    const resourceMetadata = 'https://api.example.com/.well-known/oauth-protected-resource';
    const policy = authenticateJwt({
      issuer,
      audience,
      keys,
      resourceMetadata,
      schemes: ['Bearer', 'DPoP'],
    });
    const outcome = await policy.check(new Request(ORIGIN), {});
    const told = httpDenial(outcome.ok ? fail() : outcome.denial);
    const challenge = new Map(told.headers).get('www-authenticate');
    expect(challenge).toMatch(/^Bearer realm="api", resource_metadata="https:[^"]+", DPoP realm=/);
    expect(challenge).toMatch(/DPoP realm="api", resource_metadata="[^"]+", algs="[\w ]*ES256/);
  });

  test('the challenge of a denied proof names the metadata', async () => {
    const resourceMetadata = 'https://api.example.com/.well-known/oauth-protected-resource';
    const outcome = await ask(undefined, { by: policyWith({ resourceMetadata }) });
    expect(outcome.ok || outcome.denial.challenges?.[0]?.params).toMatchObject({
      error: 'invalid_dpop_proof',
      resource_metadata: resourceMetadata,
    });
  });
});

describe('bad options', () => {
  test.each<[string, object]>([
    ['no origin', { publicOrigin: undefined }],
    ['an origin with a path', { publicOrigin: `${ORIGIN}/v1` }],
    ['an origin with a slash', { publicOrigin: `${ORIGIN}/` }],
    ['a host alone', { publicOrigin: 'api.example.com' }],
    ['an origin with a user', { publicOrigin: 'https://a:b@api.example.com' }],
    ['a prefix without a slash', { publicPathPrefix: 'shop' }],
    ['a prefix that ends with one', { publicPathPrefix: '/shop/' }],
    ['a shared secret as algorithm', { algorithms: ['HS256'] }],
    ['a shared secret beside a key pair', { algorithms: ['ES256', 'HS256'] }],
    ['a window of less than a second', { window: '999ms' }],
    ['a window of more than an hour', { window: '61m' }],
    ['a clock that is late by less than nothing', { clockTolerance: '-1s' }],
    ['a store that may take for ever', { replayTimeout: '61s' }],
    ['no algorithm', { algorithms: [] }],
    ['a window of nothing', { window: '0s' }],
    ['a window without its unit', { window: 60 as never }],
    ['an option that it does not know', { clockTolerence: '10s' }],
    ['a clock of another planet', { clockTolerance: '301s' }],
    ['a store that is none', { replay: {} }],
    ['nonces that are none', { nonce: {} }],
    ['a realm with a quote', { realm: 'a"b' }],
  ])('%s', (_name, options) => {
    const [name = ''] = Object.keys(options);
    expect(() => policyWith(options)).toThrow(ConfigurationError);
    expect(() => policyWith(options)).toThrow(new RegExp(`^requireDpop: .*${name}`));
  });
});

test('any invalid proof is denied with a known code, and nothing is thrown', async () => {
  const by = policyWith();
  const json = fc.json().map((text) => Buffer.from(text).toString('base64url'));
  const value = fc.oneof(
    fc.string({ unit: 'binary-ascii' }).map((text) => text.replace(/[^\x20-\x7e]/g, '')),
    fc.tuple(json, json, fc.base64String()).map((parts) => parts.join('.')),
  );
  await fc.assert(
    fc.asyncProperty(value, async (proof) => {
      const view = { method: 'GET', url: '/orders', headers: new Map([['dpop', proof]]) };
      const code = codeOf(await by.check(view, honest));
      expect(Object.keys(codes)).toContain(code);
      expect(code).not.toBe('dpop.unavailable');
    }),
  );
});

const folder = VECTORS;

describe.skipIf(!existsSync(folder))('published vectors (RFC 9449)', () => {
  interface Vectors {
    readonly access_token: string;
    readonly ath: string;
    readonly jkt: string;
    readonly proofs: readonly {
      readonly proof: string;
      readonly header: { readonly jwk: object };
      readonly payload: { readonly iat: number; readonly htu: string; readonly ath?: string };
    }[];
  }
  const read = (): Vectors =>
    JSON.parse(readFileSync(join(folder, 'rfc-vectors/rfc9449-dpop.json'), 'utf8')) as Vectors;

  test('the hash of the token and the thumbprint of the key', async () => {
    const { access_token: token, ath, jkt, proofs } = read();
    expect(await sha256(token)).toBe(ath);
    for (const { header } of proofs) expect((await identify(header.jwk)).jkt).toBe(jkt);
  });

  test('the proof for a resource passes, those for the token endpoint do not', async () => {
    const { access_token: token, jkt, proofs } = read();
    const told: string[] = [];
    for (const { proof, payload } of proofs) {
      const { origin, pathname } = new URL(payload.htu);
      const by = policyWith({ publicOrigin: origin, now: () => payload.iat * 1000 });
      const headers = { authorization: `DPoP ${token}`, dpop: proof };
      const call = new Request(`https://host${pathname}`, { headers });
      told.push(codeOf(await by.check(call, boundTo({ jkt }))));
    }
    expect(told).toEqual(['dpop.claim_missing', 'dpop.claim_missing', 'ok']);
  });
});

function fail(): never {
  throw new Error('It should have been denied.');
}
