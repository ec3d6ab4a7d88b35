import { expect, test } from 'vitest';
import { pinningIsHonoured, testedOnce } from './self-test.ts';

test('Node connects to the address that it is given', async () => {
  await expect(pinningIsHonoured()).resolves.toBeUndefined();
});

test('a runtime that does not is found out once and for all', async () => {
  let tests = 0;
  const isHonoured = testedOnce(async () => {
    tests += 1;
    return { pinning: 'ignored' };
  });
  for (let call = 0; call < 3; call++) {
    await expect(isHonoured()).rejects.toMatchObject({ code: 'egress.pinning_unsupported' });
  }
  expect(tests).toBe(1);
});

test('a test that a busy machine did not end denies, and the next call tests again', async () => {
  let tests = 0;
  const isHonoured = testedOnce(async () => {
    tests += 1;
    return { pinning: tests === 1 ? 'unknown' : 'honoured' };
  });
  const calls = await Promise.allSettled([isHonoured(), isHonoured()]);
  for (const call of calls) {
    expect(call).toMatchObject({
      status: 'rejected',
      reason: { code: 'egress.pinning_untested', denial: { kind: 'unavailable' } },
    });
  }
  await isHonoured();
  await isHonoured();
  expect(tests).toBe(2);
});
