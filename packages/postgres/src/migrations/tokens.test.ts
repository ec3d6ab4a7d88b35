import { ConfigurationError } from '@apisec/core';
import { replayStoreContract, revocationStoreContract } from '@apisec/core/testing';
import { describe, expect, test } from 'vitest';
import { databases, movedClock, openedBefore } from '../../test/databases.ts';
import { type PostgresClient, postgresReplayStore, postgresRevocationStore } from '../index.ts';

describe.each(databases)('stores of tokens on %s', (_name, open) => {
  const { schema, client } = openedBefore(open);

  const { now, pass } = movedClock();
  const empty = (table: string) => client.query(`DELETE FROM "${schema}".${table}`);
  const rowsOf = async (table: string) =>
    (await client.query(`SELECT * FROM "${schema}".${table}`)).rows;

  describe('replays', () => {
    test.each(replayStoreContract)('$name', async ({ run }) => {
      const create = async () => {
        await empty('replays');
        return postgresReplayStore(client, { schema, now });
      };
      await run({ create, pass });
    });
    test('expired entries are swept out, and others stay', async () => {
      await empty('replays');
      const store = postgresReplayStore(client, { schema, now });
      for (let n = 0; n < 60; n++) await store.putIfAbsent(`short${n}`, 1_000);
      await store.putIfAbsent('long', 60_000);
      pass(2_000);
      await postgresReplayStore(client, { schema, now }).putIfAbsent('new', 1_000);
      expect(await rowsOf('replays')).toHaveLength(2);
      expect(await store.putIfAbsent('long', 1)).toBe(false);
    });
    test("use the database's clock by default", async () => {
      await empty('replays');
      const store = postgresReplayStore(client, { schema });
      expect(await store.putIfAbsent('key', 3_600_000)).toBe(true);
      expect(await store.putIfAbsent('key', 1)).toBe(false);
    });
    test.each([0, -1, Number.NaN])('a time of %s is a fault of the caller', async (ttl) => {
      await expect(postgresReplayStore(client, { schema }).putIfAbsent('k', ttl)).rejects.toThrow(
        RangeError,
      );
    });
  });

  describe('revocations', () => {
    test.each(revocationStoreContract)('$name', async ({ run }) => {
      const create = async () => {
        await empty('revocations');
        return postgresRevocationStore(client, { schema, now });
      };
      await run({ create, pass });
    });
    test('expired entries are swept out, and permanent revocations stay', async () => {
      await empty('revocations');
      const store = postgresRevocationStore(client, { schema, now });
      for (let n = 0; n < 60; n++) await store.revoke({ key: `short${n}`, ttl: 1_000 });
      await store.revoke({ key: 'both', issuedBefore: now(), ttl: 60_000 });
      await store.revoke({ key: 'ever', ttl: Number.POSITIVE_INFINITY });
      pass(2_000);
      await postgresRevocationStore(client, { schema, now }).revoke({ key: 'new', ttl: 1_000 });
      expect(await rowsOf('revocations')).toHaveLength(3);
      expect(await store.isRevoked(['ever'], now())).toBe(true);
    });
    test('a call costs one statement, however many keys it asks for', async () => {
      let statements = 0;
      const counting: PostgresClient = {
        query: (text, params) => {
          statements++;
          return client.query(text, params);
        },
      };
      const store = postgresRevocationStore(counting, { schema });
      for (let call = 0; call < 3; call++) await store.isRevoked(['a', 'b', 'c', 'd'], now());
      expect(statements).toBe(3);
    });
    test('a lifted revocation leaves nothing behind', async () => {
      await empty('revocations');
      const store = postgresRevocationStore(client, { schema, now });
      await store.revoke({ key: 'lifted', ttl: Number.POSITIVE_INFINITY });
      await store.lift('lifted');
      await postgresRevocationStore(client, { schema, now }).revoke({ key: 'new', ttl: 1_000 });
      expect(await rowsOf('revocations')).toHaveLength(1);
    });
    test('a credential without a time of issue counts as issued before everything', async () => {
      const store = postgresRevocationStore(client, { schema, now });
      await store.revoke({ key: 'nan', issuedBefore: now(), ttl: 1_000 });
      expect(await store.isRevoked(['nan'], Number.NaN)).toBe(true);
    });
    test.each([{ ttl: 0 }, { ttl: Number.NaN }, { ttl: 1, issuedBefore: Number.NaN }])(
      '%j is a fault of the caller',
      async (entry) => {
        const store = postgresRevocationStore(client, { schema });
        await expect(store.revoke({ key: 'k', ...entry })).rejects.toThrow(RangeError);
      },
    );
  });

  test.each([postgresReplayStore, postgresRevocationStore])(
    '%o cannot be constructed with what it does not know',
    (make) => {
      expect(() => make(client, { schema: 'a"b' })).toThrow(ConfigurationError);
      expect(() => make(client, { ttl: 1 } as never)).toThrow(ConfigurationError);
      expect(() => make(client, { now: 7 } as never)).toThrow(ConfigurationError);
    },
  );
  test.each([postgresReplayStore, postgresRevocationStore])(
    '%o rejects when the database does',
    async (make) => {
      const broken = { query: () => Promise.reject(new Error('away')) };
      const store = make(broken);
      const asked = 'putIfAbsent' in store ? store.putIfAbsent('k', 1) : store.isRevoked(['k'], 0);
      await expect(asked).rejects.toThrow('away');
    },
  );
});
