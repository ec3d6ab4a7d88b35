import type { SessionStore } from '@apisec/core';
import { type SessionsOptions, sessions } from '@apisec/oauth';
import { accessToken, age } from './aged-sessions.ts';
import { testShop } from './fixture.ts';
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
      const refreshes = await slowly(provider, 1_200, async () => {
        const calls = nodes(store, issuer, { refreshLease: '300ms' }).flatMap((node) =>
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
];
