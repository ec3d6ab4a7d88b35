import { describe, expect, test } from 'vitest';
import { fakeIssuer, optionsFor } from '../../test/introspection-kit.ts';
import { audience, claims, issuer, NOW, signer } from '../../test/jwt-kit.ts';
import { secretOf } from '../../test/secrets.ts';
import { denyPeers } from '../abuse/deny-peers.ts';
import { peerFeed } from '../abuse/peer-feed.ts';
import { apiKeys } from '../api-keys/api-keys.ts';
import { authenticateApiKey } from '../api-keys/authenticate-api-key.ts';
import { memoryApiKeyStore } from '../api-keys/memory-api-key-store.ts';
import { allowAnonymous } from '../authorization/allow-anonymous.ts';
import { remoteJwks } from '../crypto/remote-jwks.ts';
import type { HttpFacts } from '../engine/facts.ts';
import { guard } from '../engine/guard.ts';
import type { NoFacts } from '../engine/outcome.ts';
import type { Policy } from '../engine/policy.ts';
import { protect } from '../host/protect.ts';
import { authenticateIntrospection } from '../tokens/authenticate-introspection.ts';
import { authenticateJwt } from '../tokens/authenticate-jwt.ts';
import { discoverIssuer } from '../tokens/discover-issuer.ts';
import type { WaitUntil } from './keep-alive.ts';

/** Whom policies ask beside a call: answers at once until it is told to wait. */
interface Backend {
  readonly now: () => number;
  readonly gate: () => Promise<void>;
}

interface Subject {
  readonly policy: Policy<HttpFacts, object, 'check'> | Policy<NoFacts, object, 'check'>;
  readonly headers: Readonly<Record<string, string>>;
}

const key = await signer('ES256', 'a');
const payload = { ...claims, exp: NOW / 1000 + 86_400 };
const bearer = { authorization: `Bearer ${await key.token({ payload })}` };
const jwks = { keys: [key.jwk] };
const metadata = { issuer, jwks_uri: `${issuer}/jwks` };

const subjects: Record<string, (backend: Backend) => Promise<Subject>> = {
  'keys of remoteJwks, for a token that is known': async ({ now, gate }) => {
    const fetch = async () => gate().then(() => Response.json(jwks));
    const keys = remoteJwks(`${issuer}/jwks`, { now, fetch });
    return { policy: authenticateJwt({ issuer, audience, keys, now }), headers: bearer };
  },
  'keys of remoteJwks, for a token that is verified anew': async ({ now, gate }) => {
    const fetch = async () => gate().then(() => Response.json(jwks));
    const keys = remoteJwks(`${issuer}/jwks`, { now, fetch });
    return {
      policy: authenticateJwt({ issuer, audience, keys, now, cache: false }),
      headers: bearer,
    };
  },
  'keys of discoverIssuer': async ({ now, gate }) => {
    const fetch = async (url: unknown) =>
      gate().then(() => Response.json(String(url).endsWith('/jwks') ? jwks : metadata));
    const keys = discoverIssuer(issuer, { now, fetch });
    return { policy: authenticateJwt({ issuer, audience, keys, now }), headers: bearer };
  },
  'what an issuer says of a token': async ({ now, gate }) => {
    const fake = fakeIssuer(async () => {
      await gate();
      return { active: true, token_type: 'Bearer', ...payload };
    });
    const cache = { maxRevocationDelay: '10m' } as const;
    return {
      policy: authenticateIntrospection(optionsFor(fake, { now, cache })),
      headers: { authorization: 'Bearer opaque' },
    };
  },
  'when an API key was used': async ({ now, gate }) => {
    const store = memoryApiKeyStore();
    const touch: typeof store.touch = async (...args) => gate().then(() => store.touch(...args));
    const peppers = { current: 'v1', keys: { v1: secretOf(1) } };
    const keys = apiKeys({
      prefix: 'acme',
      environment: 'test',
      peppers,
      store: { ...store, touch },
      now,
      maxRevocationDelay: '1h',
    });
    const made = await keys.issue({ name: 'Billing', owner: { type: 'user', id: 'u1' } });
    if (!made.ok) throw new Error(made.reason);
    return { policy: authenticateApiKey({ keys }), headers: { 'x-api-key': made.key } };
  },
  'an API key': async ({ now, gate }) => {
    const store = memoryApiKeyStore();
    const get: typeof store.get = async (...args) => gate().then(() => store.get(...args));
    const peppers = { current: 'v1', keys: { v1: secretOf(1) } };
    const keys = apiKeys({
      prefix: 'acme',
      environment: 'test',
      peppers,
      store: { ...store, get },
      now,
      maxRevocationDelay: '10m',
      lastUsedInterval: '1d',
    });
    const made = await keys.issue({ name: 'Billing', owner: { type: 'user', id: 'u1' } });
    if (!made.ok) throw new Error(made.reason);
    return { policy: authenticateApiKey({ keys }), headers: { 'x-api-key': made.key } };
  },
  'a list of peers': async ({ now, gate }) => {
    const load = async () => gate().then(() => '192.0.2.0/24');
    const feed = peerFeed({ load, onStale: 'deny', reload: '5m', now });
    await feed.load();
    return { policy: denyPeers({ ranges: [], feeds: [feed] }), headers: {} };
  },
};

/** One API behind a policy of a subject, on a clock that moves, with a backend that can be made to wait. */
async function setup(make: (typeof subjects)[string]) {
  let at = NOW;
  let gate: Promise<void> = Promise.resolve();
  const { policy, headers } = await make({ now: () => at, gate: () => gate });
  const admission = guard<HttpFacts>()
    .use(policy as Policy<HttpFacts, object, 'check'>)
    .use(allowAnonymous());
  const serve = protect(admission, (_request, _facts, _wait: WaitUntil) => new Response('ok'), {
    peer: (_request, _wait: WaitUntil) => ({ address: '198.51.100.7', id: '198.51.100.7' }),
    waitUntil: (_request, wait: WaitUntil) => wait,
  });
  return {
    pass: (ms: number) => {
      at += ms;
    },
    hold: () => {
      let release = (): void => undefined;
      gate = new Promise((resolve) => {
        release = resolve;
      });
      return () => release();
    },
    /** Answers the status of a call, and what its own host was kept alive for. */
    call: async (wait?: () => void) => {
      const kept: Promise<unknown>[] = [];
      const request = new Request('https://api.example.com/orders', { headers });
      const { status } = await serve(request, (work) => {
        wait?.();
        kept.push(work);
      });
      return { status, kept };
    },
  };
}

async function pending(kept: readonly Promise<unknown>[]): Promise<number> {
  let open = kept.length;
  for (const work of kept) {
    work.then(
      () => open--,
      () => open--,
    );
  }
  await new Promise((resolve) => {
    setTimeout(resolve, 5);
  });
  return open;
}

describe('the host of the call that began to renew', () => {
  test.for(Object.entries(subjects))('is kept alive for %s', async ([, make]) => {
    const { call, hold, pass } = await setup(make);
    expect(await call()).toMatchObject({ status: 200 });
    pass(400_000);
    const release = hold();
    const first = await call();
    // The call itself, and what it began.
    expect([first.status, first.kept.length]).toEqual([200, 2]);
    expect(await pending(first.kept)).toBe(1);
    // Another call begins nothing, and its host waits for nothing of the first.
    const second = await call();
    expect([second.status, second.kept.length]).toEqual([200, 1]);
    release();
    await Promise.all(first.kept);
  });

  test('answers the call also when it cannot be kept alive any longer', async () => {
    const { call, hold, pass } = await setup(
      subjects['keys of remoteJwks, for a token that is known'] as (typeof subjects)[string],
    );
    await call();
    pass(400_000);
    hold();
    let asked = 0;
    const late = call(() => {
      // The second time is for the call itself.
      if (++asked === 1) throw new Error('the context has ended');
    });
    expect((await late).status).toBe(200);
    expect(asked).toBe(2);
  });
});

test('policies that are asked without a host renew all the same', async () => {
  let at = NOW;
  let fetched = 0;
  const keys = remoteJwks(`${issuer}/jwks`, {
    now: () => at,
    fetch: async () => {
      fetched++;
      return Response.json(jwks);
    },
  });
  const hint = { alg: 'ES256', kid: 'a' } as const;
  await keys.find(hint);
  at += 400_000;
  keys.current();
  expect(fetched).toBe(2);
});
