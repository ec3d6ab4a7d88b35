import { ConfigurationError, type RefreshTokenFamily } from '@apisec/core';
import { refreshTokenStoreContract } from '@apisec/core/testing';
import { describe, expect, test } from 'vitest';
import { memoryRefreshTokenStore } from './memory-refresh-token-store.ts';

const START = 1_700_000_000_000;

describe('keeps the contract of refresh token stores', () => {
  for (const { name, run } of refreshTokenStoreContract) {
    test(name, async () => {
      let time = START;
      await run({
        create: () => memoryRefreshTokenStore({ now: () => time }),
        now: () => time,
        pass: (milliseconds) => {
          time += milliseconds;
        },
      });
    });
  }
});

const family: RefreshTokenFamily = {
  id: 'a',
  current: 'first',
  generation: 0,
  subject: 'alice',
  clientId: 'shop',
  audience: [],
  scopes: [],
  session: 'session',
  claims: { roles: ['clerk'] },
  startedAt: START,
  idleUntil: START + 10_000,
  expiresAt: START + 10_000,
};

test('a full store rejects more rather than forget, and finds room again', () => {
  let time = START;
  const store = memoryRefreshTokenStore({ capacity: 2, now: () => time });
  void store.insert(family);
  void store.insert({ ...family, id: 'b' });
  for (let flood = 0; flood < 1_000; flood++) {
    expect(() => store.insert({ ...family, id: `flood${flood}` })).toThrow('full');
  }
  expect(store.get('a')).toBeDefined();
  time += 10_000;
  expect(store.insert({ ...family, id: 'c', expiresAt: time + 1 })).toBe(true);
});

test('stored rows cannot be changed through objects that went in or came out', () => {
  const store = memoryRefreshTokenStore({ now: () => START });
  const roles = ['clerk'];
  void store.insert({ ...family, claims: { roles } });
  roles.push('admin');
  const found = store.get('a') as RefreshTokenFamily;
  expect(found.claims).toEqual({ roles: ['clerk'] });
  expect(() => (found.claims['roles'] as string[]).push('admin')).toThrow(TypeError);
});

test.each([0, 1.5, Number.NaN])('cannot be constructed with room for %d', (capacity) => {
  expect(() => memoryRefreshTokenStore({ capacity })).toThrow(ConfigurationError);
});
