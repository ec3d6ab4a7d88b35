import { expect, test } from 'vitest';
import { FROM_SOURCE } from '../src/servers/compile.ts';
import { readOptions } from '../src/servers/options.ts';
import { PLAN } from '../src/servers/plan.ts';
import { type Round, withRounds } from '../src/servers/round.ts';
import { median, summarize } from '../src/servers/summary.ts';
import { hostTable } from '../src/servers/table.ts';

test('one short round of a host gives a sane row for each of its variants', async () => {
  const variants = ['bare', 'apisec'];
  const rounds = await withRounds(async (measure) => {
    const measured = new Map<string, Round[]>();
    for (const variant of variants) {
      const options = { warmUpAnswers: 20, warmUpSeconds: 0, seconds: 0.1, process: FROM_SOURCE };
      measured.set(variant, [await measure('fastify', variant, options)]);
    }
    return measured;
  }, 20);
  const rows = summarize('fastify', rounds).filter(({ variant }) => variants.includes(variant));
  expect(rows).toHaveLength(2);
  for (const row of rows) {
    expect(row.failed).toBe(0);
    expect(row.cpuMicros).toBeGreaterThan(1);
    expect(row.perSecond).toBeGreaterThan(1);
    expect(row.gcMicros).toBeGreaterThanOrEqual(0);
  }
  expect(rows[0]).toMatchObject({ variant: 'bare', addedMicros: 0, ratio: 1 });
  expect(hostTable(rows)).toContain('apisec');
}, 120_000);

test('a variant that the host does not know ends the round', async () => {
  const options = { warmUpAnswers: 20, warmUpSeconds: 0, seconds: 0.1, process: FROM_SOURCE };
  const run = withRounds((measure) => measure('fastify', 'nothing', options), 1);
  await expect(run).rejects.toThrow('unknown variant "nothing"');
}, 120_000);

test('a host that is not there and a number that is none are named', () => {
  expect(() => readOptions(['koa'])).toThrow('"koa" is not a host');
  expect(() => readOptions(['--rounds', 'many'])).toThrow('--rounds must be a number above 0');
  expect(readOptions(['grpc', '--rounds', '2', '--seconds', '0.5'])).toMatchObject({
    hosts: ['grpc'],
    growth: false,
    rounds: 2,
    window: { seconds: 0.5 },
  });
  expect(readOptions([]).hosts).toEqual(Object.keys(PLAN));
});

test('the median of rounds is the one in the middle', () => {
  expect(median([5, 1, 100])).toBe(5);
  expect(median([1, 2, 3, 100])).toBe(2.5);
});
