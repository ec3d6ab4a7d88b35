import { describe, expect, test } from 'vitest';
import { faultReporter } from './fault-reporter.ts';

function reporter() {
  const lines: string[] = [];
  let time = 1_000_000;
  const report = faultReporter('@apisec/test', {
    now: () => time,
    write: (line) => void lines.push(line),
  });
  return { report, lines, wait: (ms: number) => void (time += ms) };
}

describe('faultReporter', () => {
  test('writes one line for each cause and minute', () => {
    const { report, lines, wait } = reporter();
    for (let call = 0; call < 1_000; call++) report(new Error('redis is away'));
    report(new Error('the key server is away'));
    expect(lines).toEqual([
      expect.stringContaining('@apisec/test: Error redis is away'),
      expect.stringContaining('the key server is away'),
    ]);
    wait(60_000);
    report(new Error('redis is away'));
    expect(lines).toHaveLength(3);
  });

  test('goes on after the clock was set back', () => {
    const { report, lines, wait } = reporter();
    report(new Error('away'));
    wait(-3_600_000);
    report(new Error('away'));
    expect(lines).toHaveLength(2);
  });

  test('names the code of a denial and what caused it', () => {
    const { report, lines } = reporter();
    report({ kind: 'unavailable', code: 'keys.unavailable', cause: new Error('ECONNREFUSED') });
    expect(lines[0]).toContain('keys.unavailable: Error ECONNREFUSED');
  });

  test('a flood of different causes is bounded in lines and in memory', () => {
    const { report, lines } = reporter();
    for (let call = 0; call < 10_000; call++) report(new Error(`fault ${call}`));
    expect(lines).toHaveLength(101);
    expect(lines.at(-1)).toContain('further faults');
  });

  test('a cause cannot forge a second line, a terminal escape, or a line without end', () => {
    const { report, lines } = reporter();
    report(new Error(`a\nb\u001b[31mc\u2028${'x'.repeat(10_000)}`));
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toMatch(/[\p{Cc}\u2028]/u);
    expect(lines[0]?.length).toBeLessThan(700);
  });

  test.each([
    ['null', null],
    ['a symbol', Symbol('a')],
    [
      'an object that throws',
      {
        get message() {
          throw new Error('no');
        },
      },
    ],
    [
      'a circle of causes',
      (() => {
        const circle = new Error('a');
        circle.cause = circle;
        return circle;
      })(),
    ],
  ])('whatever the cause is, it throws nothing: %s', (_, cause) => {
    const { report, lines } = reporter();
    expect(() => report(cause)).not.toThrow();
    expect(lines).toHaveLength(1);
  });
});
