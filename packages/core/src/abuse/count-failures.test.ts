import { expect, test } from 'vitest';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { type CountFailuresOptions, countFailures } from './count-failures.ts';
import { memoryCounterStore } from './memory-counter-store.ts';
import { resetFailures } from './reset-failures.ts';

const now = () => 1_700_000_000_000;
const store = () => memoryCounterStore({ now });
const begin = (options: CountFailuresOptions) => {
  const counting = countFailures('test', { name: 'sign-in', perPeer: 'none', ...options }, now);
  return async () => {
    const attempt = await counting.begin({ account: 'alice', peer: 'p' });
    return attempt.ok ? 'ok' : attempt.denial.code;
  };
};

test('alike names of two tenants are two accounts', async () => {
  const shared = store();
  const acme = begin({ store: shared, tenant: 'acme' });
  const other = begin({ store: shared, tenant: 'other' });
  for (let n = 0; n < 4; n++) await acme();
  expect(await acme()).toBe('failures.throttled');
  expect(await other()).toBe('ok');
  // The same tenant again counts on.
  expect(await begin({ store: shared, tenant: 'acme' })()).toBe('failures.throttled');
});

test('support staff resets the account of one tenant', async () => {
  const shared = store();
  const [acme, other] = ['acme', 'other'].map((tenant) => begin({ store: shared, tenant }));
  for (let n = 0; n < 4; n++) {
    await acme?.();
    await other?.();
  }
  await resetFailures({ store: shared, name: 'sign-in', account: 'alice', tenant: 'acme' });
  expect(await acme?.()).toBe('ok');
  expect(await other?.()).toBe('failures.throttled');
});

test('the tenant of an attempt stands before that of the options', async () => {
  const counting = countFailures('test', { perPeer: 'none', tenant: 'acme' }, now);
  const attempt = async (tenant?: string) => {
    const answer = await counting.begin({ account: 'alice', peer: 'p', tenant });
    return answer.ok ? 'ok' : answer.denial.code;
  };
  for (let n = 0; n < 4; n++) await attempt('other');
  expect(await attempt('other')).toBe('failures.throttled');
  expect(await attempt()).toBe('ok');
  expect(await attempt('')).toBe('failures.account_missing');
});

test('an empty tenant cannot be constructed', () => {
  expect(() => begin({ store: store(), tenant: '' })).toThrow(ConfigurationError);
});

test('an account can be reset without an attempt, even in its pause, and others are not', async () => {
  const counting = countFailures('test', { perPeer: 'none' }, now);
  const attempt = async (account: string, tenant?: string) => {
    const answer = await counting.begin({ account, peer: 'p', tenant });
    return answer.ok ? 'ok' : answer.denial.code;
  };
  for (let n = 0; n < 4; n++) {
    await attempt('alice');
    await attempt('alice', 'acme');
    await attempt('bob');
  }
  await counting.clear({ account: 'Alice ' });
  expect(await attempt('alice')).toBe('ok');
  expect(await attempt('alice', 'acme')).toBe('failures.throttled');
  expect(await attempt('bob')).toBe('failures.throttled');
});
