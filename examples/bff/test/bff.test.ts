import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FRAMEWORKS } from '../src/backend.ts';
import { start } from '../src/start.ts';
import { userOf } from './user.ts';

describe.each(FRAMEWORKS)('the page on %s', (framework) => {
  let app: Awaited<ReturnType<typeof start>>;
  beforeAll(async () => {
    app = await start(framework);
  });
  afterAll(() => app?.close());

  test('a script without a session gets 401, and the API is not asked', async () => {
    expect(await userOf(app.origin).orders()).toBe('session.missing');
  });

  test('a user signs in, sees orders of the API, holds no token, and signs out', async () => {
    const user = userOf(app.origin);
    await user.signIn();
    expect(await user.page()).toContain('Hello alice');
    expect(await user.orders()).toBe('alice');
    expect(user.cookies()).toEqual(['session']);
    const copy = user.copy();
    expect(await user.signOut()).toBe(200);
    expect(user.cookies()).toEqual([]);
    expect(await copy.orders()).toBe('session.unknown');
  });
});
