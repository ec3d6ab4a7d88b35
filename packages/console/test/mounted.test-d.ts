import { allowAnonymous, audit, authenticateJwt, guard, requireRole } from '@apisec/core';
import { test } from 'vitest';
import { consoleFeed, consoleRoutes } from '../src/index.ts';

const feed = consoleFeed();
const log = audit({ sinks: [feed] });
const rest = { origin: 'https://ops.example', feed, audit: log };
const caller = authenticateJwt({
  issuer: 'https://login.example/',
  audience: 'https://api.example',
});

test('a console is mounted with a guard that grants', () => {
  consoleRoutes({ ...rest, admission: guard().use(log).use(caller).use(requireRole('operator')) });
  consoleRoutes({ ...rest, admission: guard().use(allowAnonymous()) });
  // @ts-expect-error Without a guard.
  consoleRoutes(rest);
  // @ts-expect-error Without a grant.
  consoleRoutes({ ...rest, admission: guard().use(caller) });
  const admission = guard().use(allowAnonymous());
  // @ts-expect-error Without a grant for acts.
  consoleRoutes({ ...rest, admission, manage: guard().use(log) });
});
