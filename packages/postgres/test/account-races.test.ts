import { describe, expect, test } from 'vitest';
import { accountRaces } from '../../accounts/test/account-races.ts';
import {
  postgresCounterStore,
  postgresPasskeyStore,
  postgresTicketStore,
  postgresTotpStore,
} from '../src/index.ts';
import { oneDatabase, openedBefore } from './databases.ts';

describe.each(oneDatabase)('accounts on %s', (_name, open) => {
  const { schema, client } = openedBefore(open);

  test.each(accountRaces)('at the same moment: $name', async ({ run }) => {
    const { won, may } = await run({
      tickets: postgresTicketStore(client, { schema }),
      totp: postgresTotpStore(client, { schema }),
      passkeys: postgresPasskeyStore(client, { schema }),
      counters: postgresCounterStore(client, { schema }),
    });
    expect(won).toBe(may);
  });
});
