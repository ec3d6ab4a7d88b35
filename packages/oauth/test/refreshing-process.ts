// One of several processes that use one session: it begins when it is told to, and tells how its calls went.
import { once } from 'node:events';
import { oauthClient, sessions } from '@apisec/oauth';
import { connectRedis, redisSessionStore } from '@apisec/redis';
import { KEYS, SECRET } from './secrets.ts';

const { issuer, redis, cookie, calls, lease } = JSON.parse(process.argv[2] ?? '') as {
  readonly issuer: string;
  readonly redis: string;
  readonly cookie: string;
  readonly calls: number;
  readonly lease: '1s' | '15s';
};
const client = oauthClient({
  issuer,
  clientId: 'shop',
  authentication: { method: 'client_secret_basic', clientSecret: SECRET },
  insecureLoopback: true,
});
const connection = connectRedis(redis);
await once(connection, 'ready');
const browser = sessions({
  store: redisSessionStore({ client: connection, timeout: '10s' }),
  keys: KEYS,
  clients: [client],
  refreshLease: lease,
});
const call = async (): Promise<string> => {
  const reading = await browser.read(
    new Request('https://shop.example.com/', { headers: { cookie } }),
  );
  if (reading.kind !== 'session') return reading.kind;
  const token = await reading.session.accessToken();
  return token.ok ? token.accessToken : token.denial.code;
};
process.stdout.write('ready\n');
await new Promise<void>((resolve) => {
  process.stdin.once('data', () => resolve());
});
const answers = await Promise.all(Array.from({ length: calls }, call));
process.stdout.write(`${JSON.stringify(answers)}\n`);
connection.disconnect();
process.stdin.destroy();
