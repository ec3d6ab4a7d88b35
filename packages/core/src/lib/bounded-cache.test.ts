import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { boundedCache } from './bounded-cache.ts';

describe('boundedCache', () => {
  test('keeps what is used, and drops what is not', () => {
    const cache = boundedCache<number>({ maxEntries: 10, maxBytes: 1000 });
    cache.set('hot', 1, 1);
    cache.set('cold', 2, 1);
    for (let i = 0; i < 100; i++) {
      cache.set(`flood ${i}`, i, 1);
      expect(cache.get('hot')).toBe(1);
    }
    expect(cache.get('cold')).toBeUndefined();
  });

  test('never answers anything but the last value, and never holds more than its bounds', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
    const step = fc.oneof(
      fc.record({ op: fc.constant('set' as const), key, bytes: fc.integer({ min: 1, max: 30 }) }),
      fc.record({ op: fc.constantFrom('get' as const, 'delete' as const), key }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const cache = boundedCache<number>({ maxEntries: 4, maxBytes: 100 });
        const truth = new Map<string, number>();
        const sizes = new Map<string, number>();
        for (const [index, step] of steps.entries()) {
          if (step.op === 'set') {
            cache.set(step.key, index, step.bytes);
            truth.set(step.key, index);
            sizes.set(step.key, step.bytes);
          } else if (step.op === 'delete') {
            cache.delete(step.key);
            truth.delete(step.key);
          } else {
            const found = cache.get(step.key);
            if (found !== undefined) expect(found).toBe(truth.get(step.key));
          }
        }
        const held = [...truth.keys()].filter((name) => cache.get(name) !== undefined);
        // Asking may promote and so drop another one, which only lessens what is held.
        expect(held.length).toBeLessThanOrEqual(4);
        expect(held.reduce((sum, name) => sum + (sizes.get(name) ?? 0), 0)).toBeLessThanOrEqual(
          100,
        );
      }),
    );
  });

  test('an entry that would take half of the bytes is not kept', () => {
    const cache = boundedCache<number>({ maxEntries: 10, maxBytes: 100 });
    cache.set('huge', 1, 51);
    expect(cache.get('huge')).toBeUndefined();
    cache.set('large', 1, 50);
    expect(cache.get('large')).toBe(1);
  });

  test('clear drops everything', () => {
    const cache = boundedCache<number>({ maxEntries: 10, maxBytes: 100 });
    cache.set('a', 1, 1);
    cache.clear();
    expect(cache.get('a')).toBeUndefined();
  });
});
