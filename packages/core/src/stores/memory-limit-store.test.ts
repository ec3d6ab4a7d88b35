import { describe, test } from 'vitest';
import { limitStoreContract } from '../testing/limit-store-contract.ts';
import { memoryLimitStore } from './memory-limit-store.ts';

const START = 1_700_000_000_000;

describe('keeps the contract of limit stores', () => {
  for (const { name, run } of limitStoreContract) {
    test(name, async () => {
      let time = START;
      await run({
        create: () => memoryLimitStore({ now: () => time }),
        pass: (milliseconds) => {
          time += milliseconds;
        },
      });
    });
  }
});
