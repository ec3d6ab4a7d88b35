import type { SessionStore } from '@apisec/core';
import { type NewSession, type Sessions, type SessionsOptions, sessions } from '@apisec/oauth';
import { accessToken, age } from './aged-sessions.ts';
import { codeOf, ORIGIN, testShop } from './fixture.ts';
import type { TestProvider } from './provider.ts';
import { KEYS } from './secrets.ts';

/** What came of a race. */
export interface RaceResult {
  readonly won: unknown;
  readonly may: unknown;
}

/** Something that several processes behind one store do with a session at once. */
export interface SessionRace {
  readonly name: string;
  readonly run: (store: SessionStore, provider: TestProvider) => Promise<RaceResult>;
}

/** Several processes, as far as a store can tell them apart. */
function nodes(store: SessionStore, issuer: string, more: Partial<SessionsOptions> = {}) {
  const { client } = testShop(issuer);
  const node = () => sessions({ store, keys: KEYS, clients: [client], ...more });
  return [node(), node(), node()] as const;
}

async function slowly(provider: TestProvider, milliseconds: number, task: () => Promise<unknown>) {
  let count = 0;
  provider.intercept = async (req) => {
    if (req.url !== '/token') return false;
    count++;
    await new Promise((resolve) => {
      setTimeout(resolve, milliseconds);
    });
    return false;
  };
  try {
    await task();
  } finally {
    provider.intercept = undefined;
  }
  return count;
}

const OTHER_PAGE = new Request(ORIGIN);

/** Whether a session that has begun goes on; otherwise why none began. */
async function begun(browser: Sessions, user: Partial<NewSession>): Promise<string> {
  const who = { issuer: ISSUER, subject: 'alice', clientId: 'shop', claims: {}, ...user };
  const started = await browser.start(OTHER_PAGE, who);
  if (!started.ok) return started.denial.code;
  const cookie = started.setCookie.slice(0, started.setCookie.indexOf(';'));
  return (await browser.read(new Request(ORIGIN, { headers: { cookie } }))).kind;
}

const ISSUER = 'https://id.example.com';
const ALICE = { issuer: ISSUER, subject: 'alice' };

/** Ways to end what is about to begin, with the session that ends. */
const endings: readonly {
  readonly name: string;
  readonly sid?: string;
  readonly end: (browser: Sessions) => Promise<unknown>;
  readonly spared: readonly Partial<NewSession>[];
}[] = [
  {
    name: 'signing out everywhere',
    sid: 's1',
    end: (browser) => browser.endAll(ALICE),
    spared: [{ subject: 'bob' }, { issuer: 'https://other.example.com' }],
  },
  {
    name: 'a logout that names the session',
    sid: 's1',
    end: (browser) =>
      browser.endByLogout({ ...ALICE, subject: undefined, sid: 's1', before: Date.now() + 30_000 }),
    spared: [{ sid: 's2' }, { sid: undefined }, { issuer: 'https://other.example.com', sid: 's1' }],
  },
  {
    name: 'a logout that names the user',
    sid: 's1',
    end: (browser) =>
      browser.endByLogout({ ...ALICE, sid: undefined, before: Date.now() + 30_000 }),
    spared: [{ subject: 'bob' }],
  },
  {
    name: 'a logout that names user and session, where ID tokens name no session',
    end: (browser) => browser.endByLogout({ ...ALICE, sid: 's1', before: Date.now() + 30_000 }),
    spared: [{ sid: 's2' }, { subject: 'bob' }],
  },
];

const endedLogins = endings.map(
  ({ name, sid, end, spared }): SessionRace => ({
    name: `no session of before begins after ${name}, and later ones and others do`,
    run: async (store) => {
      const [one, other] = nodes(store, ISSUER);
      const provenAt = Date.now();
      const user = { sid, provenAt };
      await end(one);
      const late = await begun(other, user);
      const others = await Promise.all(spared.map((each) => begun(other, { ...user, ...each })));
      await new Promise((resolve) => {
        setTimeout(resolve, 2);
      });
      const next = await begun(other, { sid, provenAt: Date.now() });
      const races = await Promise.all(
        Array.from({ length: 25 }, async (_, index) => {
          const racing = { subject: `user${index}`, sid: sid && `sid${index}`, provenAt };
          const owner = { issuer: ISSUER, subject: racing.subject };
          const logout = { ...owner, sid: racing.sid, before: Date.now() + 30_000 };
          const tasks = [
            () => other.start(OTHER_PAGE, { ...owner, clientId: 'shop', claims: {}, ...racing }),
            () => (sid === undefined ? one.endAll(owner) : one.endByLogout(logout)),
          ];
          await Promise.all((index % 2 === 0 ? tasks : tasks.toReversed()).map((task) => task()));
          return (await one.list(owner)).length;
        }),
      );
      return {
        won: { late, others, next, left: Math.max(...races) },
        may: {
          late: 'session.ended',
          others: spared.map(() => 'session'),
          next: 'session',
          left: 0,
        },
      };
    },
  }),
);

/** To be run on every store. */
export const sessionRaces: readonly SessionRace[] = [
  {
    name: 'a refresh that takes longer than its lease is done once, and nobody is signed out',
    run: async (store, provider) => {
      const { issuer } = provider;
      const { cookie } = await testShop(issuer, { sessions: { store } }).signIn();
      const before = await accessToken(nodes(store, issuer)[0], cookie);
      await age(store, issuer, cookie);
      const answers = new Set<string>();
      const refreshes = await slowly(provider, 4_000, async () => {
        const calls = nodes(store, issuer, { refreshLease: '1500ms' }).flatMap((node) =>
          [1, 2, 3, 4].map(async () => answers.add(await accessToken(node, cookie))),
        );
        await Promise.all(calls);
      });
      const [answer = ''] = answers;
      const isRenewed = answer.startsWith('eyJ') && answer !== before;
      return {
        won: { refreshes, answers: answers.size, isRenewed },
        may: { refreshes: 1, answers: 1, isRenewed: true },
      };
    },
  },
  ...endedLogins,
  {
    name: 'a user who signs out everywhere while a code is exchanged gets no session for it',
    run: async (store, provider) => {
      const { issuer } = provider;
      const shop = testShop(issuer, { sessions: { store } });
      const [other] = nodes(store, issuer);
      provider.intercept = async (req) => {
        if (req.url === '/token') await other.endAll({ issuer, subject: 'alice' });
        return false;
      };
      const late = await shop.signIn().finally(() => {
        provider.intercept = undefined;
      });
      const code = await codeOf(late.response);
      const left = (await shop.browser.list({ issuer, subject: 'alice' })).length;
      const next = await shop.signIn();
      return {
        won: { code, left, cookies: late.cookie, next: next.response.status },
        may: { code: 'session.ended', left: 0, cookies: '', next: 200 },
      };
    },
  },
];
