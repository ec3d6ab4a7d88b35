import { ConfigurationError } from '@apisec/core';
import * as argon2 from '@node-rs/argon2';
import * as bcrypt from 'bcryptjs';
import { describe, expect, test } from 'vitest';
import { argon2PasswordHasher } from './argon2-password-hasher.ts';
import { migratingPasswordHasher } from './migrating-password-hasher.ts';
import { passwords } from './passwords.ts';

const PASSWORD = 'correct horse battery';
const CHEAP = { argon2, memoryCost: 7_168, timeCost: 1 } as const;

describe('Argon2id', () => {
  const hasher = argon2PasswordHasher(CHEAP);

  test('hashes into a PHC string and takes the right password only', async () => {
    const hash = await hasher.hash(PASSWORD);
    expect(hash).toMatch(/^\$argon2id\$v=19\$m=7168,t=1,p=1\$/);
    expect(await hasher.hash(PASSWORD)).not.toBe(hash);
    expect(await hasher.verify(PASSWORD, hash)).toBe(true);
    expect(await hasher.verify(`${PASSWORD} `, hash)).toBe(false);
    expect(hasher.needsRehash(hash)).toBe(false);
    expect(argon2PasswordHasher({ ...CHEAP, timeCost: 2 }).needsRehash(hash)).toBe(true);
  });

  test.each([
    [
      'of another kind',
      '$argon2i$v=19$m=7168,t=1,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2g',
    ],
    [
      'that would take a terabyte',
      '$argon2id$v=19$m=9999999,t=1,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2g',
    ],
    [
      'that would take for ever',
      '$argon2id$v=19$m=7168,t=99,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2g',
    ],
    ['that is none', 'plain text'],
  ])('a stored hash %s is rejected before any work', async (_, hash) => {
    await expect(hasher.verify(PASSWORD, hash)).rejects.toThrow('Argon2id');
  });

  test('a flood is rejected beyond the queue', async () => {
    const slow = { hash: () => new Promise<never>(() => undefined), verify: argon2.verify };
    const busy = argon2PasswordHasher({ ...CHEAP, argon2: slow, concurrency: 1, maxWaiting: 0 });
    busy.hash(PASSWORD).catch(() => undefined);
    await expect(busy.hash(PASSWORD)).rejects.toThrow('waiting');
  });

  test.each([
    [{ argon2: {} }],
    [{ memoryCost: 1_024 }],
    [{ timeCost: 0 }],
    [{ parallelism: 99 }],
    [{ memory: 65_536 }],
  ])('%o cannot be constructed', (options) => {
    expect(() => argon2PasswordHasher({ ...CHEAP, ...options } as never)).toThrow(
      ConfigurationError,
    );
  });
});

describe('hashes of another system', () => {
  const verify = (password: string, hash: string) => bcrypt.compare(password, hash);
  const older = [{ prefix: '$2b$', verify }];
  const current = argon2PasswordHasher(CHEAP);

  test('are accepted as they are, and replaced at the first successful login', async () => {
    const policy = passwords({ hasher: migratingPasswordHasher({ current, older }) });
    const stored = await bcrypt.hash(PASSWORD, 4);
    expect(stored).toMatch(/^\$2b\$/);
    expect(await policy.verify('wrong!', stored)).toMatchObject({ ok: false });
    const right = await policy.verify(PASSWORD, stored);
    const rehash = right.ok ? right.rehash : undefined;
    expect(rehash).toMatch(/^\$argon2id\$/);
    expect(await policy.verify(PASSWORD, rehash)).toEqual({ ok: true });
  });

  test('that nobody named are rejected, never compared in another way', async () => {
    const hasher = migratingPasswordHasher({ current, older });
    await expect(hasher.verify(PASSWORD, '$1$md5$hash')).rejects.toThrow('Argon2id');
  });

  test('an answer that is no boolean is no match', async () => {
    const odd = [{ prefix: '$x$', verify: () => Promise.resolve('yes' as never) }];
    const hasher = migratingPasswordHasher({ current, older: odd });
    expect(await hasher.verify(PASSWORD, '$x$')).toBe(false);
  });

  test.each([
    [{ older: [] }],
    [{ older: [{ prefix: '', verify }] }],
    [
      {
        older: [
          { prefix: '$2b$', verify },
          { prefix: '$2', verify },
        ],
      },
    ],
    [{ current: {} }],
    [{ concurrency: 0 }],
  ])('%o cannot be constructed', (options) => {
    expect(() => migratingPasswordHasher({ current, older, ...options } as never)).toThrow(
      ConfigurationError,
    );
  });
});
