import { createHash, timingSafeEqual } from 'node:crypto';
import {
  allowAnonymous,
  apiKeys,
  authenticateApiKey,
  guard,
  memoryApiKeyStore,
  parseApiKey,
} from '@apisec/core';
import { bench, do_not_optimize, group, summary } from 'mitata';
import { checkAPIKey, extractShortToken, generateAPIKey } from 'prefixed-api-key';

const options = {
  prefix: 'acme',
  environment: 'live',
  store: memoryApiKeyStore(),
  peppers: { current: 'v1', keys: { v1: crypto.getRandomValues(new Uint8Array(32)) } },
};
const keys = apiKeys(options);
const uncached = apiKeys({ ...options, maxRevocationDelay: '0s' });

const issued = await keys.issue({ name: 'bench', owner: { type: 'user', id: 'u1' } });
if (!issued.ok) throw new Error(issued.reason);
const key = issued.key;

// A host makes the header anew for each call, so that its text is not hashed yet.
const headerOf = (text: string) => {
  const wire = Buffer.from(text);
  return () => wire.toString('latin1');
};
const header = headerOf(key);
const request = {
  method: 'GET',
  url: '/',
  headers: { get: header, has: () => false },
};
const seed = {
  call: { protocol: 'http', operation: 'GET /' },
  peer: { address: undefined, id: undefined },
} as const;

const bare = guard().use(allowAnonymous());
const guarded = guard().use(authenticateApiKey({ keys })).use(allowAnonymous());
// From here on the key is known.
await guarded.check(request, seed);

const digest = (text: string) => createHash('sha256').update(text).digest();
const naive = new Map([[digest(key).toString('hex'), { owner: 'u1' }]]);

const {
  token = '',
  shortToken = '',
  longTokenHash = '',
} = await generateAPIKey({ keyPrefix: 'acme' });
const peerHeader = headerOf(token);
const peerStore = new Map([[shortToken, { hash: longTokenHash, owner: 'u1' }]]);

group('a key that was seen before', () => {
  bench('reading the header', () => do_not_optimize(header()));
  summary(() => {
    bench('SHA-256, then a Map', () =>
      do_not_optimize(naive.get(digest(header()).toString('hex'))),
    );
    bench('prefixed-api-key, then a Map', () => {
      const text = peerHeader();
      const row = peerStore.get(extractShortToken(text));
      do_not_optimize(row !== undefined && checkAPIKey(text, row.hash) && row);
    });
    bench('apiKeys.verify', () => do_not_optimize(keys.verify(header()))).baseline(true);
  });
  bench('guard alone', () => do_not_optimize(bare.check(request, seed)));
  bench('guard with authenticateApiKey', () => do_not_optimize(guarded.check(request, seed)));
});

group('a key that was not', () => {
  const expected = digest(key);
  bench('SHA-256 and compare', () => do_not_optimize(timingSafeEqual(digest(key), expected)));
  bench('apiKeys.verify, uncached', async () => do_not_optimize(await uncached.verify(key)));
  bench('a typo, denied without the store', () => do_not_optimize(parseApiKey(`${key}x`)));
  bench('the checksum alone', () => do_not_optimize(parseApiKey(key)));
});
