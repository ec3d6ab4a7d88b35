import type { SessionStore } from '@apisec/core';
import type { Sessions } from '@apisec/oauth';
import { openTokens, sealTokens } from '../src/sessions/stored-tokens.ts';
import { ORIGIN } from './fixture.ts';

/** Makes the access token of a session one that has to be renewed; `left` milliseconds before its end. */
export async function age(
  store: SessionStore,
  issuer: string,
  cookie: string,
  left = -1_000,
): Promise<void> {
  const token = cookie.slice(cookie.indexOf('=') + 1);
  const [record] = await store.list(issuer, 'alice');
  const tokens = await openTokens(token, record?.tokens);
  if (record === undefined || tokens === undefined) throw new Error('There is no such session.');
  const time = Date.now();
  const aged = await sealTokens(token, {
    ...tokens,
    expiresAt: time + left,
    renewAt: time + Math.min(left, -1_000),
  });
  const next = { ...record, version: record.version + 1, tokens: aged };
  if (!(await store.replace(record.version, next))) throw new Error('It was written to.');
}

export async function accessToken(browser: Sessions, cookie: string): Promise<string> {
  const reading = await browser.read(new Request(ORIGIN, { headers: { cookie } }));
  if (reading.kind !== 'session') return reading.kind;
  const token = await reading.session.accessToken();
  return token.ok ? token.accessToken : token.denial.code;
}
