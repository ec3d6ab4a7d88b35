import { createServer } from 'node:http';
import { type Ran, startApi } from './api.ts';
import { listen, type ShopState, startShop } from './shop.ts';

/** The shop, the same without policies, the API, and a page that attacks them: each an origin of its own. */
export async function start() {
  const state: ShopState = { address: 'home' };
  const ran: Ran = [];
  let origin = '';
  const api = await startApi(() => origin, ran);
  const shop = await startShop(api.origin, state);
  const open = await startShop(api.origin, state, true);
  ({ origin } = shop);
  const evil = await listen(
    createServer((_request, response) => {
      response.setHeader('content-type', 'text/html');
      response.end('<!doctype html><title>Evil</title>');
    }),
  );
  return {
    state,
    ran,
    shop: shop.origin,
    open: open.origin,
    api: api.origin,
    evil: evil.origin,
    close: () => {
      for (const each of [api, shop, open, evil]) each.close();
    },
  };
}
