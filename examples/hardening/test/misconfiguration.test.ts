import type { RequestListener } from 'node:http';
import { describe, expect, test } from 'vitest';
import { messagesApi } from '../src/messages.ts';
import { serve } from './kit.ts';

/** What the proxy in front writes, for a call that came over TLS to the public name. */
const THROUGH_PROXY = {
  'x-forwarded-for': '192.0.2.1',
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'api.example.com',
};
const ALICE = { ...THROUGH_PROXY, cookie: 'session=alice' };

const post = (headers: Record<string, string>): RequestInit => ({ method: 'POST', headers });

async function read(url: string, init?: RequestInit): Promise<string> {
  const response = await fetch(url, init);
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`).join('\n');
  return `${response.status}\n${headers}\n\n${await response.text()}`;
}

/** A shared cache as RFC 9111 allows it: by URL, unless the answer says otherwise. */
function sharedCache(origin: string): RequestListener {
  const kept = new Map<string, string>();
  return (request, response) => {
    const answer = async (): Promise<void> => {
      const key = request.url ?? '/';
      const hit = kept.get(key);
      if (hit !== undefined) return void response.end(hit);
      const fetched = await fetch(`${origin}${key}`, {
        headers: { ...THROUGH_PROXY, cookie: request.headers.cookie ?? '' },
      });
      const body = await fetched.text();
      const isPrivate = /no-store|private/.test(fetched.headers.get('cache-control') ?? '');
      if (fetched.ok && !isPrivate) kept.set(key, body);
      response.writeHead(fetched.status).end(body);
    };
    answer().catch(() => response.destroy());
  };
}

type Attack = (origin: string) => Promise<string>;

describe('security misconfiguration (OWASP API 8)', () => {
  // Covers: API8:2023
  test.each<[string, Attack, RegExp]>([
    [
      'a shared cache gives the messages of one user to another',
      async (origin) => {
        const cache = await serve(sharedCache(origin));
        await read(`${cache}/messages`, { headers: { cookie: 'session=alice' } });
        return read(`${cache}/messages`, { headers: { cookie: 'session=mallory' } });
      },
      /secret for alice/,
    ],
    [
      'a page of a stranger may read with the cookies of the user',
      (origin) =>
        read(`${origin}/messages`, { headers: { ...ALICE, origin: 'https://evil.example' } }),
      /access-control-allow-origin: https:\/\/evil\.example/,
    ],
    [
      'an error tells the query and the stack',
      (origin) => read(`${origin}/messages/'`, { headers: ALICE }),
      /SELECT text, password|\n? at /,
    ],
    [
      'a link in a mail leads where Host of the caller says',
      (origin) =>
        read(`${origin}/invitations`, post({ ...ALICE, 'x-forwarded-host': 'evil.example' })),
      /https:\/\/evil\.example\/join/,
    ],
    [
      'credentials are answered in clear, so nobody mends the client',
      (origin) =>
        read(`${origin}/messages`, { headers: { ...ALICE, 'x-forwarded-proto': 'http' } }),
      /secret for alice/,
    ],
    [
      'a POST that was checked becomes a DELETE',
      (origin) =>
        read(`${origin}/messages`, post({ ...ALICE, 'x-http-method-override': 'DELETE' })),
      /"method":"DELETE"/,
    ],
  ])('%s: not with the policies, but without them', async (_name, attack, loot) => {
    const deleted: string[] = [];
    const on = await serve(messagesApi({ onDelete: () => deleted.push('on') }) as RequestListener);
    const off = await serve(
      messagesApi({ open: true, onDelete: () => deleted.push('off') }) as RequestListener,
    );
    expect(await attack(on)).not.toMatch(loot);
    expect(deleted).toEqual([]);
    expect(await attack(off), 'without the policies the attack succeeds').toMatch(loot);
  });

  test('a caller who uses the API as intended is served', async () => {
    const origin = await serve(messagesApi() as RequestListener);
    const page = { ...ALICE, origin: 'https://app.example.com' };
    const list = await read(`${origin}/messages`, { headers: page });
    expect(list).toMatch(/^200\n/);
    expect(list).toMatch(/access-control-allow-origin: https:\/\/app\.example\.com/);
    expect(list).toContain('A secret for alice');
    expect(await read(`${origin}/invitations`, post(ALICE))).toContain(
      'https://api.example.com/join',
    );
    expect(await read(`${origin}/messages`, post(ALICE))).toContain('"method":"POST"');
  });
});
