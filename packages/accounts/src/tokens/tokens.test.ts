import {
  type AuditAct,
  authenticateJwt,
  ConfigurationError,
  guard,
  localJwks,
  memoryRevocationStore,
  type PrivateJwk,
  type RefreshTokenFamily,
  type RefreshTokenStore,
  requireNotRevoked,
  requireScopes,
  revocations,
} from '@apisec/core';
import { codes } from '@apisec/core/host';
import { exportJWK, generateKeyPair } from 'jose';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { audience, bearer, issuer, NOW } from '../../../core/test/jwt-kit.ts';
import { memoryRefreshTokenStore } from './memory-refresh-token-store.ts';
import { openSuccessor } from './refresh-token.ts';
import {
  type IssuedTokens,
  type TokenGrant,
  type TokensDenied,
  type TokensOptions,
  tokens,
} from './tokens.ts';

async function keyFor(alg: 'ES256' | 'EdDSA' | 'RS256', kid: string): Promise<PrivateJwk> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  // The members of a private key are what exportJWK gives for one.
  return { ...(await exportJWK(privateKey)), alg, kid } as PrivateJwk;
}
const key = await keyFor('ES256', 'k1');
const DAY = 86_400_000;
const JKT = 'a'.repeat(43);
const grant: TokenGrant = {
  subject: 'alice',
  clientId: 'shop',
  scopes: ['orders:read', 'orders:write'],
  tenant: 'acme',
  claims: { roles: ['clerk'] },
};
const shop = { clientId: 'shop' };

let time = NOW;
const now = (): number => time;
beforeEach(() => {
  time = NOW;
});

/** Everything together: an issuer, and an API that takes its tokens. */
function setUp(changes: Partial<TokensOptions> = {}) {
  const revoked = memoryRevocationStore({ now });
  const store = memoryRefreshTokenStore({ now });
  const events: AuditAct[] = [];
  const options: TokensOptions = {
    issuer,
    audience,
    signing: { current: 'k1', keys: [key] },
    store,
    revocations: revocations({ store: revoked, maxTokenLifetime: '10m' }),
    // Grants are recorded elsewhere: here it matters what becomes of them.
    record: (act) => act.act === 'token.issued' || events.push(act),
    now,
    ...changes,
  };
  const issued = tokens(options);
  const api = guard<object>()
    .use(
      authenticateJwt({
        issuer,
        audience,
        keys: localJwks(issued.jwks),
        tenant: { claim: 'tenant' },
        schemes: ['Bearer', 'DPoP'],
        now,
      }),
    )
    .use(requireNotRevoked({ store: revoked }))
    .use(requireScopes('orders:read'));
  const call = async (token: string) => {
    const decision = await api.check(bearer(token), {});
    return decision.allowed ? 'allowed' : decision.denial.code;
  };
  return { issued, events, api, call, store, options };
}
function good(answer: IssuedTokens | TokensDenied): IssuedTokens & { refreshToken: string } {
  if (!answer.ok) throw new Error(`denied: ${answer.code} ${String(answer.problem)}`);
  return { refreshToken: '', ...answer } as IssuedTokens & { refreshToken: string };
}
const codeOf = (answer: IssuedTokens | TokensDenied): string => (answer.ok ? 'ok' : answer.code);

/** A promise for others to wait at. */
function turnstile() {
  let open = (): void => {};
  const promise = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { promise, resolve: () => open() };
}

describe('an access token', () => {
  test.each(['ES256', 'EdDSA', 'RS256'] as const)(
    'signed with %s is taken by the API',
    async (alg) => {
      const signing = { current: 'k', keys: [await keyFor(alg, 'k')] };
      const { issued, api } = setUp({ signing });
      const { accessToken, tokenType, expiresIn } = good(await issued.issue(grant));
      expect([tokenType, expiresIn]).toEqual(['Bearer', 300]);
      const decision = await api.check(bearer(accessToken), {});
      if (!decision.allowed) throw new Error(decision.denial.code);
      const { principal, authentication } = decision.facts;
      expect(principal).toMatchObject({
        subject: 'alice',
        clientId: 'shop',
        tenant: 'acme',
        issuer,
      });
      expect([...principal.scopes]).toEqual(grant.scopes);
      expect([...principal.roles]).toEqual(['clerk']);
      expect(authentication.expiresAt).toBe(NOW + 300_000);
    },
  );

  test('ends, and cannot be used for another API', async () => {
    const { issued, call } = setUp();
    const { accessToken } = good(await issued.issue(grant));
    expect(await call(accessToken)).toBe('allowed');
    time += 305_000;
    expect(await call(accessToken)).toBe('token.expired');
    const other = good(await issued.issue({ ...grant, audience: 'https://other.example.com' }));
    expect(await call(other.accessToken)).toBe('token.audience_mismatch');
  });

  test('bound to a DPoP key is not taken as Bearer', async () => {
    const { issued, call } = setUp();
    const { accessToken, tokenType } = good(await issued.issue({ ...grant, jkt: JKT }));
    expect(tokenType).toBe('DPoP');
    expect(await call(accessToken)).toBe('token.unconfirmed');
  });

  test('can be revoked alone', async () => {
    const { issued, call, options } = setUp();
    const [one, two] = [good(await issued.issue(grant)), good(await issued.issue(grant))];
    await options.revocations?.revoke({ kind: 'token', issuer, id: one.tokenId });
    expect(await call(one.accessToken)).toBe('token.revoked');
    expect(await call(two.accessToken)).toBe('allowed');
  });

  test('without a refresh token belongs to no session', async () => {
    const { issued, call } = setUp();
    const answer = await issued.issue({ ...grant, refreshable: false });
    expect(answer).toMatchObject({ ok: true, refreshToken: undefined, session: undefined });
    expect(await call(good(answer).accessToken)).toBe('allowed');
  });
});

test('keys are changed one after the other, and nothing private is published', async () => {
  const next = await keyFor('EdDSA', 'k2');
  const before = setUp();
  const old = good(await before.issued.issue(grant));
  const after = setUp({ signing: { current: 'k2', keys: [key, next] } });
  const fresh = good(await after.issued.issue(grant));
  expect(await after.call(old.accessToken)).toBe('allowed');
  expect(await after.call(fresh.accessToken)).toBe('allowed');
  expect(await before.call(fresh.accessToken)).toBe('token.key_unknown');
  const text = JSON.stringify(after.issued.jwks);
  expect(text).not.toContain(key.d);
  expect(text).not.toContain(next.d);
  expect(after.issued.jwks.keys.map(({ kid, alg, use }) => [kid, alg, use])).toEqual([
    ['k1', 'ES256', 'sig'],
    ['k2', 'EdDSA', 'sig'],
  ]);
});

describe('a refresh token', () => {
  test('gives new tokens, again and again, in the same session', async () => {
    const { issued, call, events } = setUp();
    let current = good(await issued.issue(grant));
    const seen = new Set([current.refreshToken, current.accessToken]);
    for (let round = 1; round <= 5; round++) {
      time += 1_000;
      const next = good(await issued.refresh(current.refreshToken, shop));
      expect(next.session).toBe(current.session);
      expect(await call(next.accessToken)).toBe('allowed');
      seen.add(next.refreshToken).add(next.accessToken);
      current = next;
    }
    expect(seen.size).toBe(12);
    expect(events).toEqual([]);
  });

  test('has 408 bits, and the store knows only hashes of them', async () => {
    const { issued, store } = setUp();
    const inserted: RefreshTokenFamily[] = [];
    const insert: RefreshTokenStore['insert'] = (row) => {
      inserted.push(row);
      return store.insert(row);
    };
    const watched = { ...store, insert };
    const { refreshToken } = good(await setUp({ store: watched }).issued.issue(grant));
    expect(refreshToken).toMatch(/^[\w-]{68}$/);
    const text = JSON.stringify(inserted);
    expect(text).not.toContain(refreshToken.slice(0, 24));
    expect(text).not.toContain(refreshToken.slice(24));
    expect(codeOf(await issued.refresh(String(inserted[0]?.current), shop))).toBe(
      'refresh.malformed',
    );
  });

  // Covers: V10.4.5
  test('that is used twice ends everything that came of the grant', async () => {
    const { issued, call, events } = setUp();
    const first = good(await issued.issue(grant));
    const other = good(await issued.issue(grant));
    const second = good(await issued.refresh(first.refreshToken, shop));
    const third = good(await issued.refresh(second.refreshToken, shop));
    expect(codeOf(await issued.refresh(first.refreshToken, shop))).toBe('refresh.reused');
    expect(codeOf(await issued.refresh(third.refreshToken, shop))).toBe('refresh.revoked');
    expect(codeOf(await issued.refresh(first.refreshToken, shop))).toBe('refresh.revoked');
    for (const { accessToken } of [first, second, third]) {
      expect(await call(accessToken)).toBe('token.revoked');
    }
    expect(events).toEqual([
      {
        act: 'token.reused',
        target: { type: 'session', id: first.session },
        data: { subject: 'alice', clientId: 'shop', tenant: 'acme', generation: 2, ended: true },
      },
    ]);
    // Another grant of the same subject has nothing to do with it.
    expect(await call(other.accessToken)).toBe('allowed');
    expect(codeOf(await issued.refresh(other.refreshToken, shop))).toBe('ok');
  });

  test('that is used twice by another client ends it all as well', async () => {
    const { issued, events } = setUp();
    const first = good(await issued.issue(grant));
    const second = good(await issued.refresh(first.refreshToken, shop));
    const answer = await issued.refresh(first.refreshToken, { clientId: 'thief' });
    expect(codeOf(answer)).toBe('refresh.reused');
    expect(codeOf(await issued.refresh(second.refreshToken, shop))).toBe('refresh.revoked');
    expect(events).toHaveLength(1);
  });

  test.each([2, 10, 50])(
    'used by %d at the same moment gives new ones to exactly one',
    async (many) => {
      const { issued, events } = setUp();
      const { refreshToken } = good(await issued.issue(grant));
      const answers = await Promise.all(
        Array.from({ length: many }, () => issued.refresh(refreshToken, shop)),
      );
      const winners = answers.filter((answer) => answer.ok);
      expect(winners).toHaveLength(1);
      expect(events).toHaveLength(1);
      // Without grace nobody can tell the thief from the client, so the winner loses too.
      const [winner] = winners;
      expect(codeOf(await issued.refresh(good(winner as IssuedTokens).refreshToken, shop))).toBe(
        'refresh.revoked',
      );
    },
  );

  test('used at the same moment, with grace, gives new ones to one and spares the family', async () => {
    const { issued, events } = setUp({ reuseGrace: '10s' });
    const { refreshToken } = good(await issued.issue(grant));
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => issued.refresh(refreshToken, shop)),
    );
    const winners = answers.filter((answer) => answer.ok);
    expect(winners).toHaveLength(1);
    expect(answers.filter((answer) => codeOf(answer) === 'refresh.superseded')).toHaveLength(19);
    const next = good(await issued.refresh(good(winners[0] as IssuedTokens).refreshToken, shop));
    // Only the one before, and only for a moment.
    expect(events).toHaveLength(0);
    expect(codeOf(await issued.refresh(refreshToken, shop))).toBe('refresh.reused');
    expect(codeOf(await issued.refresh(next.refreshToken, shop))).toBe('refresh.revoked');
  });

  test('used by a call that began first and is slower, with grace, spares the family', async () => {
    const kept = memoryRefreshTokenStore({ now });
    const read = turnstile();
    let slow = false;
    const get: RefreshTokenStore['get'] = async (id) => {
      if (slow) {
        slow = false;
        await read.promise;
      }
      return kept.get(id);
    };
    const { issued, events } = setUp({ reuseGrace: '10s', store: { ...kept, get } });
    const { refreshToken } = good(await issued.issue(grant));
    slow = true;
    const first = issued.refresh(refreshToken, shop);
    await vi.waitFor(() => expect(slow).toBe(false), 20_000);
    time += 5;
    const next = good(await issued.refresh(refreshToken, shop));
    read.resolve();
    expect(codeOf(await first)).toBe('refresh.superseded');
    expect(events).toEqual([]);
    good(await issued.refresh(next.refreshToken, shop));
  });

  test('with a clock that was set back by more than the grace ends the family', async () => {
    const { issued } = setUp({ reuseGrace: '10s' });
    const { refreshToken } = good(await issued.issue(grant));
    good(await issued.refresh(refreshToken, shop));
    time -= 10_000;
    expect(codeOf(await issued.refresh(refreshToken, shop))).toBe('refresh.reused');
  });

  describe('whose answer was lost', () => {
    const replaying = { reuseGrace: '10s', withinGrace: 'replay' } as const;

    test('is answered with the same successor, to the same client, within the grace', async () => {
      const { issued, events, call, store } = setUp(replaying);
      const first = good(await issued.issue(grant));
      const lost = good(await issued.refresh(first.refreshToken, shop));
      time += 9_999;
      expect(codeOf(await issued.refresh(first.refreshToken, { clientId: 'other' }))).toBe(
        'refresh.client_mismatch',
      );
      const again = good(await issued.refresh(first.refreshToken, shop));
      expect(again.refreshToken).toBe(lost.refreshToken);
      expect(again.tokenId).not.toBe(lost.tokenId);
      expect(await call(again.accessToken)).toBe('allowed');
      expect(events).toEqual([]);
      good(await issued.refresh(again.refreshToken, shop));
      // The token before the one before is nobody's any more.
      expect(codeOf(await issued.refresh(first.refreshToken, shop))).toBe('refresh.reused');
      expect(store).toBeDefined();
    });

    test('used at the same moment by many gives all of them the same one', async () => {
      const { issued } = setUp(replaying);
      const { refreshToken } = good(await issued.issue(grant));
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => issued.refresh(refreshToken, shop)),
      );
      expect(new Set(answers.map((answer) => good(answer).refreshToken)).size).toBe(1);
    });

    test('after the grace, and with another key, gives nothing', async () => {
      const { issued } = setUp(replaying);
      const bound = good(await issued.issue({ ...grant, jkt: JKT }));
      await issued.refresh(bound.refreshToken, { ...shop, jkt: JKT });
      expect(codeOf(await issued.refresh(bound.refreshToken, shop))).toBe('refresh.key_mismatch');
      time += 10_000;
      const late = await issued.refresh(bound.refreshToken, { ...shop, jkt: JKT });
      expect(codeOf(late)).toBe('refresh.reused');
    });

    test('gives nothing where the subject is revoked while it is answered', async () => {
      let whileRenewing = async (): Promise<void> => undefined;
      const renew: TokensOptions['renew'] = async ({ claims }) => {
        await whileRenewing();
        return { claims };
      };
      const { issued } = setUp({ ...replaying, renew });
      const first = good(await issued.issue(grant));
      good(await issued.refresh(first.refreshToken, shop));
      whileRenewing = async () => {
        time += 500;
        await issued.revokeSubject('alice');
      };
      expect(codeOf(await issued.refresh(first.refreshToken, shop))).toBe('refresh.revoked');
    });

    test('is readable to nobody who has the store alone', async () => {
      const written: RefreshTokenFamily[] = [];
      const kept = memoryRefreshTokenStore({ now });
      const replace: RefreshTokenStore['replace'] = (expected, next) => {
        written.push(next);
        return kept.replace(expected, next);
      };
      const { issued } = setUp({ ...replaying, store: { ...kept, replace } });
      const first = good(await issued.issue(grant));
      const next = good(await issued.refresh(first.refreshToken, shop));
      const text = JSON.stringify(written);
      expect(text).toContain('successor');
      expect(text).not.toContain(next.refreshToken.slice(24));
      // Of another token it opens nothing.
      const successor = written[0]?.previous?.successor ?? '';
      expect(await openSuccessor(successor, first.refreshToken)).toBe(next.refreshToken);
      expect(await openSuccessor(successor, next.refreshToken)).toBeUndefined();
    });
  });

  describe('that renews claims', () => {
    const claimsOf = (token: string) =>
      JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as object;

    test('does not keep the roles of somebody who was demoted', async () => {
      let roles = ['admin'];
      const { issued } = setUp({ renew: ({ claims }) => ({ claims: { ...claims, roles } }) });
      const first = good(await issued.issue({ ...grant, claims: { roles, acr: 'aal2' } }));
      roles = ['clerk'];
      const second = good(await issued.refresh(first.refreshToken, shop));
      expect(claimsOf(second.accessToken)).toMatchObject({ roles: ['clerk'], acr: 'aal2' });
    });

    test('ends the family of somebody who is gone', async () => {
      const { issued, call } = setUp({ renew: () => ({ revoked: true }) });
      const first = good(await issued.issue(grant));
      expect(codeOf(await issued.refresh(first.refreshToken, shop))).toBe('refresh.revoked');
      expect(await call(first.accessToken)).toBe('token.revoked');
    });

    test.each<[string, unknown]>([
      ['throws', () => Promise.reject(new Error('down'))],
      ['never answers', () => new Promise(() => undefined)],
      ['answers nothing', () => undefined],
      ['answers claims that are none', () => ({ claims: 'admin' })],
      ['says revoked in another way', () => ({ revoked: 'yes', claims: { roles: ['admin'] } })],
    ])('gives nothing and uses nothing up where it %s', async (_, broken) => {
      let isBroken = true;
      const { issued } = setUp({
        renew: (family) => (isBroken ? (broken as () => never)() : { claims: family.claims }),
        storeTimeout: '20ms',
      });
      const first = good(await issued.issue(grant));
      expect(codeOf(await issued.refresh(first.refreshToken, shop))).toBe('refresh.unavailable');
      isBroken = false;
      expect(codeOf(await issued.refresh(first.refreshToken, shop))).toBe('ok');
    });
  });

  test('superseded for longer than the grace ends the family', async () => {
    const { issued } = setUp({ reuseGrace: '10s' });
    const first = good(await issued.issue(grant));
    await issued.refresh(first.refreshToken, shop);
    time += 9_999;
    expect(codeOf(await issued.refresh(first.refreshToken, shop))).toBe('refresh.superseded');
    time += 1;
    expect(codeOf(await issued.refresh(first.refreshToken, shop))).toBe('refresh.reused');
  });

  // Covers: V10.4.8
  test('ends when it was idle, and however often it was used', async () => {
    const { issued } = setUp({ idleLifetime: '1d', absoluteLifetime: '3d' });
    const idle = good(await issued.issue(grant));
    let used = good(await issued.issue(grant));
    for (let day = 0; day < 3; day++) {
      time += DAY - 1;
      used = good(await issued.refresh(used.refreshToken, shop));
    }
    expect(codeOf(await issued.refresh(idle.refreshToken, shop))).toBe('refresh.expired');
    time += 2;
    expect(codeOf(await issued.refresh(used.refreshToken, shop))).toBe('ok');
    time += 1;
    expect(codeOf(await issued.refresh(used.refreshToken, shop))).toBe('refresh.unknown');
  });

  test('is bound to its client, and stays valid for it', async () => {
    const { issued } = setUp();
    const { refreshToken } = good(await issued.issue(grant));
    const thief = await issued.refresh(refreshToken, { clientId: 'other' });
    expect(codeOf(thief)).toBe('refresh.client_mismatch');
    expect(codeOf(await issued.refresh(refreshToken, shop))).toBe('ok');
  });

  test('is bound to its DPoP key', async () => {
    const { issued } = setUp();
    const { refreshToken } = good(await issued.issue({ ...grant, jkt: JKT }));
    for (const jkt of [undefined, 'b'.repeat(43)]) {
      const answer = await issued.refresh(refreshToken, { ...shop, jkt });
      expect(codeOf(answer)).toBe('refresh.key_mismatch');
    }
    const answer = good(await issued.refresh(refreshToken, { ...shop, jkt: JKT }));
    expect(answer.tokenType).toBe('DPoP');
  });

  test('gives fewer scopes where fewer are asked for, and never more than were granted', async () => {
    const { issued } = setUp();
    const first = good(await issued.issue(grant));
    for (const scopes of [['admin'], ['orders:read', 'admin'], ['orders:read orders:write']]) {
      const answer = await issued.refresh(first.refreshToken, { ...shop, scopes });
      expect(['refresh.scope_exceeded', 'refresh.invalid']).toContain(codeOf(answer));
    }
    const less = good(
      await issued.refresh(first.refreshToken, { ...shop, scopes: ['orders:read'] }),
    );
    expect(less.scopes).toEqual(['orders:read']);
    // RFC 6749 §6: the grant stays as it was.
    const all = good(await issued.refresh(less.refreshToken, shop));
    expect(all.scopes).toEqual(grant.scopes);
  });

  test.each([
    ['', 'refresh.malformed'],
    ['a'.repeat(67), 'refresh.malformed'],
    ['a'.repeat(69), 'refresh.malformed'],
    [`${'a'.repeat(67)} `, 'refresh.malformed'],
    [undefined as unknown as string, 'refresh.malformed'],
    ['a'.repeat(68), 'refresh.unknown'],
  ])('%j is %s', async (text, code) => {
    expect(codeOf(await setUp().issued.refresh(text, shop))).toBe(code);
  });
});

describe('revoking', () => {
  test('a refresh token ends its session, the current token or not', async () => {
    const { issued, call, events } = setUp();
    const first = good(await issued.issue(grant));
    const second = good(await issued.refresh(first.refreshToken, shop));
    expect(await issued.revoke(first.refreshToken, { clientId: 'other' })).toMatchObject({
      code: 'refresh.client_mismatch',
    });
    expect(await call(second.accessToken)).toBe('allowed');
    expect(await issued.revoke(first.refreshToken, shop)).toEqual({ ok: true });
    expect(codeOf(await issued.refresh(second.refreshToken, shop))).toBe('refresh.revoked');
    expect(await call(second.accessToken)).toBe('token.revoked');
    expect(await issued.revoke('a'.repeat(68), shop)).toEqual({ ok: true });
    expect(events).toMatchObject([{ act: 'token.family_ended', data: { subject: 'alice' } }]);
  });

  // Covers: V7.4.2
  test('a subject ends all its sessions, and leaves those that begin later', async () => {
    const { issued, call } = setUp();
    const [one, two] = [good(await issued.issue(grant)), good(await issued.issue(grant))];
    const bob = good(await issued.issue({ ...grant, subject: 'bob' }));
    time += 1;
    expect(await issued.revokeSubject('alice')).toEqual({ ok: true, families: 2 });
    for (const { accessToken, refreshToken } of [one, two]) {
      expect(await call(accessToken)).toBe('token.revoked');
      expect(codeOf(await issued.refresh(refreshToken, shop))).toBe('refresh.revoked');
    }
    expect(await call(bob.accessToken)).toBe('allowed');
    time += 1_000;
    expect(await call(good(await issued.issue(grant)).accessToken)).toBe('allowed');
  });

  test.each([0, 1, 250, 999])(
    'a subject does not end what is issued to it %i ms into the same second',
    async (milliseconds) => {
      time = Math.floor(NOW / 1_000) * 1_000 + milliseconds;
      const { issued, call } = setUp();
      const before = good(await issued.issue(grant));
      if (milliseconds === 0) time += 1;
      await issued.revokeSubject('alice');
      const after = good(await issued.issue(grant));
      expect(await call(before.accessToken)).toBe('token.revoked');
      expect(await call(after.accessToken)).toBe('allowed');
      const refreshed = good(await issued.refresh(after.refreshToken, shop));
      expect(await call(refreshed.accessToken)).toBe('allowed');
    },
  );
});

describe('while the store does not answer', () => {
  const never = () => new Promise<never>(() => undefined);
  const throws = (): never => {
    throw new Error('down');
  };
  const rejects = () => Promise.reject(new Error('down'));
  const ways: readonly [string, () => never | Promise<never>][] = [
    ['never answers', never],
    ['throws', throws],
    ['rejects', rejects],
  ];
  test.each(ways)('issues, refreshes and revokes nothing: it %s', async (_name, fails) => {
    const store: RefreshTokenStore = {
      insert: fails,
      get: fails,
      replace: fails,
      end: fails,
      endSubject: fails,
    };
    const { issued } = setUp({ store, storeTimeout: '10ms' });
    for (const answer of [
      await issued.issue(grant),
      await issued.refresh('a'.repeat(68), shop),
      await issued.revoke('a'.repeat(68), shop),
      await issued.revokeSubject('alice'),
    ]) {
      expect(answer).toMatchObject({ ok: false, code: 'refresh.unavailable' });
    }
  });

  test('a reuse that cannot be stored is denied and reported', async () => {
    const store = memoryRefreshTokenStore({ now });
    const { issued, events } = setUp({ store: { ...store, end: rejects } });
    const first = good(await issued.issue(grant));
    await issued.refresh(first.refreshToken, shop);
    const answer = await issued.refresh(first.refreshToken, shop);
    expect(answer).toMatchObject({ code: 'refresh.reused', cause: new Error('down') });
    expect(events).toMatchObject([{ act: 'token.reused', data: { ended: false } }]);
  });

  test('a reuse that cannot be recorded ends the family, and the denial says so', async () => {
    const { issued } = setUp({ record: ({ act }) => act === 'token.issued' || throws() });
    const first = good(await issued.issue(grant));
    const second = good(await issued.refresh(first.refreshToken, shop));
    const answer = await issued.refresh(first.refreshToken, shop);
    expect(answer).toMatchObject({
      code: 'refresh.reused',
      cause: new Error('token.reused was done, and could not be recorded.'),
    });
    expect(codeOf(await issued.refresh(second.refreshToken, shop))).toBe('refresh.revoked');
  });

  test('a store that cannot replace keeps the token good', async () => {
    const store = memoryRefreshTokenStore({ now });
    let replace: RefreshTokenStore['replace'] = rejects;
    const { issued } = setUp({
      store: { ...store, replace: (expected, next) => replace(expected, next) },
    });
    const first = good(await issued.issue(grant));
    expect(codeOf(await issued.refresh(first.refreshToken, shop))).toBe('refresh.unavailable');
    replace = store.replace;
    expect(codeOf(await issued.refresh(first.refreshToken, shop))).toBe('ok');
  });
});

test.each<[string, object]>([
  ['no subject', { subject: '' }],
  ['a scope with a space', { scopes: ['a b'] }],
  ['a scope that is no text', { scopes: [7] }],
  ['no audience', { audience: [] }],
  ['a claim of the issuer', { claims: { sub: 'mallory' } }],
  ['a confirmation of its own', { claims: { cnf: { jkt: JKT } } }],
  ['too many claims', { claims: { text: 'x'.repeat(5_000) } }],
  ['claims that are no JSON', { claims: { big: 1n } }],
  ['a thumbprint that is none', { jkt: 'short' }],
])('a grant with %s is denied, not thrown', async (_name, changes) => {
  const answer = await setUp().issued.issue({ ...grant, ...changes });
  expect(answer).toMatchObject({ ok: false, code: 'refresh.invalid' });
  expect((answer as TokensDenied).problem).toBeDefined();
});

test('its codes are listed', () => {
  for (const name of ['reused', 'revoked', 'superseded', 'unavailable', 'invalid']) {
    expect(codes).toHaveProperty([`refresh.${name}`]);
  }
});

test.each<[string, object]>([
  ['no issuer', { issuer: '' }],
  ['no audience', { audience: [] }],
  ['no keys', { signing: { current: 'k1', keys: [] } }],
  ['a current key that is not there', { signing: { current: 'k2', keys: [key] } }],
  ['one kid twice', { signing: { current: 'k1', keys: [key, key] } }],
  ['a public key', { signing: { current: 'k1', keys: [{ ...key, d: undefined }] } }],
  [
    'a shared secret',
    {
      signing: {
        current: 'k',
        keys: [{ kty: 'oct', k: 'A'.repeat(43), d: 'a', kid: 'k', alg: 'HS256' }],
      },
    },
  ],
  ['no store', { store: {} }],
  ['an idle lifetime above the absolute one', { idleLifetime: '10s', absoluteLifetime: '5s' }],
  ['a lifetime without its unit', { absoluteLifetime: 2_592_000 }],
  ['an option that it does not know', { refreshLifetime: '1d' }],
  ['half seconds', { accessTokenLifetime: '1500ms' }],
  ['a grace of an hour', { reuseGrace: '1h' }],
])('cannot be constructed with %s', (_name, changes) => {
  expect(() => setUp(changes as Partial<TokensOptions>)).toThrow(ConfigurationError);
});
