import { passwords } from '@apisec/accounts';
import { ConfigurationError } from '@apisec/core';
import { describe, expect, test } from 'vitest';
import { type NodePasswordHasherOptions, nodePasswordHasher } from './node-password-hasher.ts';

/** As little work as is allowed, so that tests do not wait. */
const cost = { ln: 13, r: 1, p: 1 };
const hasher = nodePasswordHasher({ cost });
const GOOD = 'correct horse battery';

test('a password is verified against its hash, and no other is', async () => {
  const hash = await hasher.hash(GOOD);
  expect(hash).toMatch(/^\$scrypt\$ln=13,r=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  expect(await hasher.verify(GOOD, hash)).toBe(true);
  for (const other of ['', `${GOOD} `, GOOD.toUpperCase(), GOOD.slice(0, -1)]) {
    expect(await hasher.verify(other, hash)).toBe(false);
  }
});

test('the same password is never hashed the same way twice', async () => {
  expect(await hasher.hash(GOOD)).not.toBe(await hasher.hash(GOOD));
});

test('everything of a long password counts', async () => {
  const long = 'é'.repeat(1_024);
  const hash = await hasher.hash(long);
  expect(await hasher.verify(long, hash)).toBe(true);
  expect(await hasher.verify(`${long.slice(0, -1)}e`, hash)).toBe(false);
});

test('hashes of other programs in the same format are read', async () => {
  const hash =
    '$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E';
  expect(await hasher.verify('password', hash)).toBe(true);
  expect(await hasher.verify('Password', hash)).toBe(false);
  expect(hasher.needsRehash(hash)).toBe(true);
});

test('the default is 64 MiB, and needs no new hash', async () => {
  const usual = nodePasswordHasher();
  const hash = await usual.hash(GOOD);
  expect(hash).toMatch(/^\$scrypt\$ln=16,r=8,p=2\$/);
  expect(await usual.verify(GOOD, hash)).toBe(true);
  expect(usual.needsRehash(hash)).toBe(false);
});

describe('a hash made with other parameters', () => {
  test.each([
    ['more memory', { ln: 14, r: 1, p: 1 }],
    ['larger blocks', { ln: 13, r: 2, p: 1 }],
    ['more passes', { ln: 13, r: 1, p: 2 }],
  ])('%s: verified, and needs a new hash', async (_, other) => {
    const hash = await nodePasswordHasher({ cost: other }).hash(GOOD);
    expect(await hasher.verify(GOOD, hash)).toBe(true);
    expect(hasher.needsRehash(hash)).toBe(true);
    expect(hasher.needsRehash(await hasher.hash(GOOD))).toBe(false);
  });
});

describe('text that is not a hash, or one that costs too much, is rejected before any work', () => {
  const salt = 'aM15713r3Xsvxbi31lqr1Q';
  const key = 'nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E';
  test.each([
    ['nothing', ''],
    ['plain text', GOOD],
    ['another function', `$2b$12$${'a'.repeat(53)}`],
    ['a gigabyte', `$scrypt$ln=20,r=8,p=1$${salt}$${key}`],
    ['large blocks', `$scrypt$ln=16,r=99,p=1$${salt}$${key}`],
    ['many passes', `$scrypt$ln=13,r=1,p=17$${salt}$${key}`],
    ['N beyond numbers', `$scrypt$ln=99,r=1,p=1$${salt}$${key}`],
    ['a leading zero', `$scrypt$ln=013,r=1,p=1$${salt}$${key}`],
    ['other order', `$scrypt$r=1,ln=13,p=1$${salt}$${key}`],
    ['padding', `$scrypt$ln=13,r=1,p=1$${salt}==$${key}=`],
    ['another spelling of the salt', `$scrypt$ln=13,r=1,p=1$${salt.slice(0, -1)}R$${key}`],
    ['a short key', `$scrypt$ln=13,r=1,p=1$${salt}$${key.slice(0, 8)}`],
    ['a short salt', `$scrypt$ln=13,r=1,p=1$${salt.slice(0, 8)}$${key}`],
    ['a line more', `$scrypt$ln=13,r=1,p=1$${salt}$${key}\n`],
  ])('%s', async (_, hash) => {
    await expect(hasher.verify(GOOD, hash)).rejects.toThrow(TypeError);
    expect(hasher.needsRehash(hash)).toBe(true);
  });

  test('a password that another one would equal', async () => {
    const hash = await hasher.hash(GOOD);
    await expect(hasher.verify(`${GOOD}\0`, hash)).rejects.toThrow(RangeError);
    await expect(hasher.hash(`${GOOD}\0`)).rejects.toThrow(RangeError);
  });

  test('a password of megabytes', async () => {
    const hash = await hasher.hash(GOOD);
    await expect(hasher.verify('x'.repeat(4_097), hash)).rejects.toThrow(RangeError);
    await expect(hasher.hash('x'.repeat(4_097))).rejects.toThrow(RangeError);
  });
});

test('a flood waits in line up to a bound, and is unavailable beyond it', async () => {
  const policy = passwords({ hasher: nodePasswordHasher({ cost, concurrency: 1, maxWaiting: 3 }) });
  const chosen = await policy.hash(GOOD);
  if (!chosen.ok) throw new Error(chosen.denial.code);
  expect((await policy.verify(GOOD, chosen.hash)).ok).toBe(true);
  const results = await Promise.all(
    Array.from({ length: 20 }, () => policy.verify(GOOD, chosen.hash)),
  );
  const codes = results.map((result) => (result.ok ? 'ok' : result.denial.code));
  expect(codes.filter((code) => code === 'ok')).toHaveLength(4);
  expect(codes.filter((code) => code === 'password.unavailable')).toHaveLength(16);
  // It is over when it is over.
  expect((await policy.verify(GOOD, chosen.hash)).ok).toBe(true);
});

test.each([
  ['too little work', { cost: { ln: 12, r: 8, p: 1 } }],
  ['too much memory', { cost: { ln: 20, r: 8, p: 1 } }],
  ['too many passes', { cost: { ln: 14, r: 8, p: 17 } }],
  ['half a block', { cost: { ln: 14, r: 0.5, p: 1 } }],
  ['no threads', { concurrency: 0 }],
  ['endless waiting', { maxWaiting: Number.POSITIVE_INFINITY }],
] satisfies readonly (readonly [string, NodePasswordHasherOptions])[])(
  'cannot be constructed with %s',
  (_, options) => {
    expect(() => nodePasswordHasher(options)).toThrow(ConfigurationError);
  },
);
