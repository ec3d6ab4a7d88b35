import { expect, test } from 'vitest';
import { answer, cases } from '../src/cases.ts';

test.each(Object.entries(cases))('%s', async (_name, [token, expected]) => {
  expect(await answer(await token())).toBe(expected);
});
