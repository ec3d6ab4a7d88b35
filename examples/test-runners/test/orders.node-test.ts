import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, cases } from '../src/cases.ts';

for (const [name, [token, expected]] of Object.entries(cases)) {
  void test(name, async () => assert.equal(await answer(await token()), expected));
}
