import type { RequestListener } from 'node:http';
import { memoryCounterStore } from '@apisec/core';
import { describe, expect, test } from 'vitest';
import { type AccountsOptions, accountsApi } from '../src/accounts.ts';
import { serve } from './kit.ts';

const AFTER_SUNSET = Date.parse('2026-11-01');
const BEFORE_SUNSET = Date.parse('2026-03-01');
const PARTNER = { 'x-partner': 'acme' };

const start = (options: Partial<AccountsOptions> = {}) =>
  serve(
    accountsApi({
      failures: memoryCounterStore(),
      now: () => AFTER_SUNSET,
      ...options,
    }) as RequestListener,
  );

async function get(url: string, headers: Record<string, string> = PARTNER): Promise<string> {
  const response = await fetch(url, { headers });
  return `${response.status} ${await response.text()}`;
}

describe('improper inventory management (OWASP API 9)', () => {
  // Covers: API9:2023
  test.each([
    ['a version that was left behind tells what it should not', '/v1/accounts/7', 'version.gone'],
    // Express takes any case of letters, and slashes at the end.
    ['by another spelling, too', '/V1/accounts/7/', 'version.missing'],
  ])('%s: not with the policies, but without them', async (_name, path, code) => {
    const denied = await get(`${await start()}${path}`);
    expect(denied).toContain(code);
    expect(denied).not.toContain('s3cret');
    expect(await get(`${await start({ open: true })}${path}`)).toContain('s3cret');
  });

  test('documentation lists every operation to strangers without the policies, and not with them', async () => {
    expect(await get(`${await start()}/openapi.json`, {})).toMatch(/^401 .*partner\.missing/);
    expect(await get(`${await start({ open: true })}/openapi.json`, {})).toContain('/v1/accounts');
  });

  // Covers: API9:2023
  test('a route that nobody documented answers: not with the policies, which do not let it start, but without them', async () => {
    await expect(async () => start({ debug: true })).rejects.toThrow(/GET \/debug\/accounts/);
    const open = await start({ debug: true, open: true });
    expect(await get(`${open}/debug/accounts`, {})).toContain('s3cret');
  });

  // Covers: API9:2023
  test('codes are guessed on the beta host: not with the policies, but without them', async () => {
    const guess = async (open: boolean): Promise<readonly number[]> => {
      // No pause ends while the attacker tries.
      const failures = memoryCounterStore({ now: () => AFTER_SUNSET });
      const [production, beta] = [await start({ failures, open }), await start({ failures, open })];
      const statuses: number[] = [];
      for (let code = 0; code < 20; code++) {
        const response = await fetch(`${code < 3 ? production : beta}/password-resets`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ account: 'ann', code: String(code).padStart(6, '0') }),
        });
        await response.arrayBuffer();
        statuses.push(response.status);
      }
      return statuses;
    };
    const defended = await guess(false);
    expect(defended).not.toContain(204);
    // Three of them on production: one more and the account pauses, wherever it is tried.
    expect(defended.filter((status) => status === 403)).toHaveLength(4);
    expect(await guess(true)).toContain(204);
  });

  test('partners read what is there, and one sees who still uses what is to go', async () => {
    const uses: string[] = [];
    const origin = await start({
      now: () => BEFORE_SUNSET,
      onUse: ({ version, state, caller }) => uses.push(`${version} ${state} ${caller}`),
    });
    expect(await get(`${origin}/v2/accounts/7`)).toBe('200 {"name":"Ann"}');
    const old = await fetch(`${origin}/v1/accounts/7`, { headers: PARTNER });
    expect(old.status).toBe(200);
    expect(old.headers.get('deprecation')).toBe(`@${Date.parse('2026-01-01') / 1_000}`);
    expect(old.headers.get('sunset')).toBe('Wed, 01 Jul 2026 00:00:00 GMT');
    expect(uses).toEqual(['2 current acme', '1 deprecated acme']);
    expect(await get(`${origin}/openapi.json`)).toMatch(/^200 /);
  });
});
