import { expect } from 'vitest';
import { Browser } from '../../../packages/oauth/test/browser.ts';

const SCRIPT = {
  'sec-fetch-mode': 'cors',
  'sec-fetch-dest': 'empty',
  'sec-fetch-site': 'same-origin',
};

/** Somebody with a browser that has no window. */
export function userOf(origin: string) {
  const browser = new Browser();
  return {
    /** Opens the page, is sent to the provider, and comes back with a session. */
    signIn: async (): Promise<void> => {
      const { url, response } = await browser.open(`${origin}/`);
      expect([new URL(url).pathname, response?.status]).toEqual(['/auth/callback', 200]);
      expect(await response?.text()).toContain(`content="0;url=${origin}/"`);
    },
    page: async (): Promise<string> => (await browser.request(`${origin}/`)).text(),
    /** What a script of the page gets. */
    orders: async (): Promise<unknown> => {
      const response = await browser.request(`${origin}/api/orders`, { headers: SCRIPT });
      const body = (await response.json()) as { readonly of?: string; readonly code?: string };
      return body.of ?? body.code;
    },
    signOut: async (): Promise<number> => {
      const response = await browser.request(`${origin}/auth/logout`, {
        method: 'POST',
        headers: SCRIPT,
      });
      return response.status;
    },
    /** A copy of what the browser has, as a thief would have it. */
    copy: () => {
      const cookies = new Map(browser.cookies(origin));
      const thief = userOf(origin);
      thief.take(cookies);
      return thief;
    },
    take: (cookies: ReadonlyMap<string, string>): void => {
      for (const [name, value] of cookies) browser.cookies(origin).set(name, value);
    },
    cookies: () => [...browser.cookies(origin).keys()],
  };
}
