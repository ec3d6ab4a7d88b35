import { serve } from 'apisec-example-identity-provider';
import { startApi } from './api.ts';
import { mountBackend } from './backend.ts';
import { startProvider } from './provider.ts';
import { openStores } from './stores.ts';

/** Provider, API and backend in one process, each on a port of its own. */
export async function start(framework: string, port = 0, storeUrl?: string) {
  // Another host name than the provider's, so that the two are different sites to a browser.
  const { server, origin, close } = await serve('localhost', port);
  const provider = await startProvider(origin);
  const api = await startApi(provider.issuer);
  await mountBackend(framework, server, {
    ...provider,
    origin,
    api: api.origin,
    cookieKey: crypto.getRandomValues(new Uint8Array(32)),
    stores: await openStores(storeUrl),
  });
  return {
    origin,
    provider,
    close: () => {
      for (const each of [provider, api]) each.close();
      close();
    },
  };
}
