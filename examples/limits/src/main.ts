import { passwords } from '@apisec/accounts';
import { nodePasswordHasher } from '@apisec/accounts/node-password-hasher';
import { discoverIssuer } from '@apisec/core';
import { eventLoopDelay } from '@apisec/node';
import { connectRedis, redisCounterStore, redisLeaseStore, redisLimitStore } from '@apisec/redis';
import { AUDIENCE, startIssuer } from 'apisec-example-issuer';
import { createApp } from './app.ts';

const { PORT = '3000', REDIS_URL } = process.env;

// For the demonstration; a server of yours names your identity provider.
const { issuer, token } = await startIssuer();
const keys = discoverIssuer(issuer, { insecureLoopback: true });

const client = REDIS_URL === undefined ? undefined : connectRedis(REDIS_URL);
const stores = client && {
  limits: redisLimitStore({ client }),
  leases: redisLeaseStore({ client }),
  failures: redisCounterStore({ client }),
};

const accounts = passwords({ hasher: nodePasswordHasher() });
const chosen = await accounts.hash('correct horse battery staple');
const hashes = new Map(chosen.ok ? [['alice@example.com', chosen.hash]] : []);

const app = createApp({
  trusted: { issuer, audience: AUDIENCE, keys },
  settings: { strangers: 100, members: 1_000, everyone: 5_000 },
  pressure: eventLoopDelay(),
  stores,
  services: {
    report: (rows) => Array.from({ length: Math.min(rows || 0, 100) }, (_, row) => `row ${row}`),
    exportAll: () => new Promise((resolve) => setTimeout(resolve, 5_000, 'everything')),
    isPassword: async (email, password) => {
      const verified = await accounts.verify(password, hashes.get(email));
      // No answer is no failed attempt: 500 counts for nothing.
      if (!verified.ok && verified.denial.kind === 'unavailable') throw new Error('no answer');
      return verified.ok;
    },
  },
});

const url = `http://127.0.0.1:${PORT}`;
const alice = `-H 'Authorization: Bearer ${await token()}'`;
const admin = `-H 'Authorization: Bearer ${await token({ sub: 'root', roles: ['admin'] })}'`;
app.listen(Number(PORT), '127.0.0.1', (error) => {
  // Express calls this, too, when the port is taken.
  if (error) throw error;
  console.log(`Try, more than once (tokens are good for five minutes):

curl -i ${url}/search
curl -i ${url}/search ${alice}
curl -i ${url}/search ${admin}
curl -i '${url}/reports?rows=10' ${alice}
curl -i ${url}/exports ${alice}
curl -i ${url}/login -H 'Content-Type: application/json' -d '{"email":"alice@example.com","password":"guess"}'`);
});
