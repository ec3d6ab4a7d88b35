import { afterAll, beforeAll, expect, test } from 'vitest';
import { Browser } from '../../../packages/oauth/test/browser.ts';
import { showOrders } from '../src/command-line.ts';
import { start } from '../src/start.ts';

let around: Awaited<ReturnType<typeof start>>;
beforeAll(async () => {
  around = await start();
});
afterAll(() => around?.close());

/** The user enters the code that the command line has shown, and confirms or aborts. */
async function enter(page: string, code: string, answer: 'confirm' | 'abort'): Promise<void> {
  const browser = new Browser();
  const send = async (form: Readonly<Record<string, string>>): Promise<string> => {
    const body = new URLSearchParams(form).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const response = await browser.request(page, { method: 'POST', headers, body });
    const next = response.headers.get('location');
    return next === null ? response.text() : read(new URL(next, page).href);
  };
  const read = async (url: string): Promise<string> =>
    (await (await browser.open(url)).response?.text()) ?? '';
  // The page has a form for each answer, with the same hidden fields.
  const fields = (html: string) =>
    Object.fromEntries(
      [...html.matchAll(/name="(\w+)" value="([^"]*)"/g)].map((at) => at.slice(1)),
    );
  const asked = fields(await read(page));
  const shown = fields(await send({ ...asked, user_code: code }));
  await send({ ...shown, [answer]: 'yes' });
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
  expect(await run('abort')).toEqual({ exitCode: 1, last: 'The user denied the request.' });
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
