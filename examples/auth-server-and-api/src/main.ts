import { startApi } from './api.ts';
import { createAuthority } from './certificates.ts';
import { caller, createDpopKey, obtainToken } from './client.ts';
import { API, OPAQUE_API, startAuthorizationServer } from './provider.ts';

const authority = await createAuthority();
const server = await startAuthorizationServer(authority);
const api = await startApi(server, authority);
const call = caller(authority);
const url = `${api.origin}/orders`;

const certificate = await authority.client('bank');
const dpop = await createDpopKey();
const jwt = await obtainToken(server, authority, { client: 'shop', resource: API });
const opaque = await obtainToken(server, authority, { client: 'shop', resource: OPAQUE_API });
const bound = await obtainToken(server, authority, { client: 'shop', resource: API, dpop });
const pinned = await obtainToken(server, authority, { client: 'bank', resource: API, certificate });

const calls = {
  'a JWT': { headers: { authorization: `Bearer ${jwt}` } },
  'an opaque token': { headers: { authorization: `Bearer ${opaque}` } },
  'a token bound to a DPoP key, with a proof': {
    headers: { authorization: `DPoP ${bound}`, dpop: await dpop.proof('GET', url, bound) },
  },
  'the same token, stolen': { headers: { authorization: `Bearer ${bound}` } },
  'a token bound to a certificate, with it': {
    headers: { authorization: `Bearer ${pinned}` },
    certificate,
  },
  'the same token, stolen too': { headers: { authorization: `Bearer ${pinned}` } },
  'an API key': { headers: { 'x-api-key': await api.issueKey() } },
  'no credentials': {},
};
for (const [name, credentials] of Object.entries(calls)) {
  const { status, body } = await call(url, credentials);
  console.log(`${name.padEnd(44)} ${status} ${String(body['by'] ?? body['code'])}`);
}
await Promise.all([api.close(), server.close()]);
