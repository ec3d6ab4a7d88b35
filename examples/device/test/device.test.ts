import { afterAll, beforeAll, expect, test } from 'vitest';
import { showOrders } from '../src/command-line.ts';
import { start } from '../src/start.ts';

let around: Awaited<ReturnType<typeof start>>;
beforeAll(async () => {
  around = await start();
});
afterAll(() => around?.close());

/** A browser on another device: it keeps cookies, and follows where it is sent. */
class Browser {
  readonly #cookies = new Map<string, string>();

  async open(url: string, form?: URLSearchParams): Promise<string> {
    const cookie = [...this.#cookies].map((pair) => pair.join('=')).join('; ');
    const sent = form === undefined ? {} : { method: 'POST', body: form };
    const response = await fetch(url, { ...sent, headers: { cookie }, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) {
      const [name = '', value = ''] = (line.split(';')[0] ?? '').split('=');
      if (value === '') this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
    const next = response.headers.get('location');
    return next === null ? response.text() : this.open(new URL(next, url).href);
  }
}

/** The user enters the code that the command line has shown, and confirms or aborts. */
async function enter(page: string, code: string, answer: 'confirm' | 'abort'): Promise<void> {
  const browser = new Browser();
  // The page has a form for each answer, with the same hidden fields.
  const fields = (html: string) =>
    Object.fromEntries(
      [...html.matchAll(/name="(\w+)" value="([^"]*)"/g)].map((at) => at.slice(1)),
    );
  const asked = fields(await browser.open(page));
  const form = { ...asked, user_code: code };
  const shown = fields(await browser.open(page, new URLSearchParams(form)));
  await browser.open(page, new URLSearchParams({ ...shown, [answer]: 'yes' }));
}

async function run(answer: 'confirm' | 'abort') {
  const lines: string[] = [];
  let waits = 0;
  const exitCode = await showOrders({
    ...around,
    print: (line) => lines.push(line),
    // The user acts while the command line waits.
    wait: async () => {
      waits++;
      if (waits > 1) throw new Error('The provider does not know yet what its user has said.');
      const [page = '', code = ''] = lines.map((line) => line.split(' ').at(-1) ?? '');
      await enter(page, code, answer);
    },
  });
  return { exitCode, last: lines.at(-1) };
}

test('a command line goes on as the user who has confirmed its code elsewhere', async () => {
  const { exitCode, last } = await run('confirm');
  expect([exitCode, JSON.parse(last ?? '')]).toEqual([0, { orders: ['one', 'two'], of: 'alice' }]);
});

test('a user who does not agree is taken at their word', async () => {
  expect(await run('abort')).toEqual({ exitCode: 1, last: 'The user did not agree.' });
});

test('a provider that cannot be reached is said to be the cause, and nothing of it is shown', async () => {
  const lines: string[] = [];
  const exitCode = await showOrders({
    ...around,
    issuer: 'http://127.0.0.1:9',
    print: (line) => lines.push(line),
  });
  expect([exitCode, lines]).toEqual([1, ['This cannot be done now (oauth.unavailable).']]);
});
