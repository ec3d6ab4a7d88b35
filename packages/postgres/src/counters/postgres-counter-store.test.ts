import { countFailures } from '@apisec/core/host';
import { counterStoreContract } from '@apisec/core/testing';
import { describe, expect, test } from 'vitest';
import { movedClock, oneDatabase, openedBefore } from '../../test/databases.ts';
import { postgresCounterStore } from '../index.ts';

const rule = {
  free: 2,
  delay: 400,
  maxDelay: 1_000,
  lockAfter: 5,
  lockFor: 2_000,
  forgetAfter: 60_000,
};

describe.each(oneDatabase)('failed attempts on %s', (_name, open) => {
  const { schema, client } = openedBefore(open);

  const { now, pass } = movedClock();
  const empty = () => client.query(`DELETE FROM "${schema}".failures`);

  test.each(counterStoreContract)('$name', async ({ run }) => {
    const create = async () => {
      await empty();
      return postgresCounterStore(client, { schema, now });
    };
    await run({ create, pass });
  });

  test('attempts on keys in any order wait for each other, and none is lost', async () => {
    await empty();
    const store = postgresCounterStore(client, { schema });
    const names = ['a', 'b', 'c'];
    const wide = { ...rule, free: 1_000, lockAfter: 1_001 };
    const requests = names.map((name) => ({ name, key: 'k', rule: wide }));
    await Promise.all(
      Array.from({ length: 30 }, async (_, n) =>
        store.attempt(n % 2 === 0 ? requests : requests.toReversed()),
      ),
    );
    const { rows } = await client.query(`SELECT failures FROM "${schema}".failures`);
    expect(rows).toEqual(names.map(() => ({ failures: 30 })));
  });

  test('a clock that is set back lengthens no pause', async () => {
    await empty();
    const store = postgresCounterStore(client, { schema, now });
    for (let n = 0; n < 3; n++) await store.attempt([{ name: 'login', key: 'k', rule }]);
    pass(-3_600_000);
    const ask = async () => (await store.attempt([{ name: 'login', key: 'k', rule }])).retryAfterMs;
    expect(await ask()).toBe(400);
    pass(300);
    expect(await ask()).toBe(100);
    pass(100);
    expect(await ask()).toBe(0);
    pass(3_600_000);
  });

  test('expired rows are swept out, and do not reveal whose they were', async () => {
    await empty();
    const store = postgresCounterStore(client, { schema, now });
    await store.attempt([{ name: 'login', key: 'alice@example.com', rule }]);
    const { rows } = await client.query(`SELECT key FROM "${schema}".failures`);
    expect(JSON.stringify(rows)).not.toContain('alice');
    pass(rule.forgetAfter);
    await postgresCounterStore(client, { schema, now }).attempt([
      { name: 'login', key: 'bob@example.com', rule },
    ]);
    expect((await client.query(`SELECT key FROM "${schema}".failures`)).rows).toHaveLength(1);
  });

  test('all processes count together, by the clock of the database', async () => {
    await empty();
    const counting = () =>
      countFailures(
        'test',
        { store: postgresCounterStore(client, { schema }), name: 'n' },
        undefined,
      );
    const [one, other] = [counting(), counting()];
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        (n % 2 === 0 ? one : other).begin({ account: 'alice', peer: `peer ${n}` }),
      ),
    );
    expect(answers.filter(({ ok }) => ok)).toHaveLength(4);
  });
});
