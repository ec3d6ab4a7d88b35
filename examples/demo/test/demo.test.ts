import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { allowAnonymous, coverage, guard } from '@apisec/core';
import { expect, test } from 'vitest';
import { shopPolicy } from '../src/policy.ts';
import { run } from '../src/run.ts';
import { type Scenario, scenarios } from '../src/scenarios.ts';
import { drawTable } from '../src/table.ts';

const TIMEOUT = 60_000;

function start(...args: readonly string[]) {
  const child = spawn(
    process.execPath,
    ['--conditions=@apisec/source', '--import', 'tsx', 'src/main.ts', ...args],
    { cwd: join(import.meta.dirname, '..'), stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  return { child, output: () => output };
}

async function play(options: { policy?: typeof shopPolicy; scenarios?: readonly Scenario[] }) {
  let output = '';
  const write = (text: string): void => {
    output += text;
  };
  const good = await run({ write, color: false, width: 200, ...options });
  return { good, output };
}

test(
  'prints one table in which every cell is right, and exits with 0',
  async () => {
    const { child, output } = start();
    const [code] = await once(child, 'close');
    expect(output()).not.toContain('✗');
    expect(code).toBe(0);
    expect(output()).toContain('132 of 132 answers as expected');
    expect(output()).toMatch(/^scenario +decision +Express +Fastify +Hono +fetch +Apollo +gRPC$/m);
    expect(output()).toMatch(
      /^key server down +keys\.unavailable( +503 ✓){4} +SERVICE_UNAVAILABLE ✓ +UNAVAILABLE ✓$/m,
    );
    // Nothing else is printed: no warnings of libraries, no colours.
    expect(output().trim().split('\n')).toHaveLength(scenarios.length + 4);
  },
  TIMEOUT,
);

test(
  'serves until it is stopped, and the printed lines work',
  async () => {
    const { child, output } = start('--serve');
    const closed = once(child, 'close');
    await expect.poll(output, { timeout: TIMEOUT / 2 }).toContain('Ctrl-C stops it.');
    const [, token = ''] = /^TOKEN=(\S+)$/m.exec(output()) ?? [];
    const [, url = ''] = /curl -i (http:\S+\/orders) -H/.exec(output()) ?? [];
    const denied = await fetch(url);
    const admitted = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
    expect([denied.status, admitted.status]).toEqual([401, 200]);
    child.kill('SIGINT');
    expect(await closed).toEqual([0, null]);
  },
  TIMEOUT,
);

test(
  'says so when an answer is not as expected',
  async () => {
    const [wrong] = scenarios.filter(({ name }) => name === 'no credentials');
    const { good, output } = await play({
      scenarios: [{ ...(wrong as Scenario), expect: 'allowed' }],
    });
    expect(good).toBe(false);
    expect(output).toContain('401 credentials.missing ✗');
    expect(output).toContain('✗ 0 of 6 answers as expected');
  },
  TIMEOUT,
);

test(
  'says so when the policy lets everybody in',
  async () => {
    const open = guard().use(allowAnonymous());
    const policy: typeof shopPolicy = (surroundings) => {
      const real = shopPolicy(surroundings);
      const table = Object.fromEntries(real.rest.operations.map((name) => [name, open]));
      return { ...real, rest: coverage(table) as typeof real.rest };
    };
    const { good, output } = await play({
      policy,
      scenarios: scenarios.filter(({ operation }) => operation === 'stock'),
    });
    expect(good).toBe(false);
    expect(output).toContain('200 ✗');
  },
  TIMEOUT,
);

test('a narrow table gives each denial a line of its own', () => {
  const row = { name: 'bad token', decision: 'token.expired', cells: [{ text: '401', ok: true }] };
  const draw = (width: number) => drawTable([row], { transports: ['fetch'], color: false, width });
  expect(draw(80).split('\n')).toEqual([
    'scenario   decision       fetch',
    'bad token  token.expired  401 ✓',
  ]);
  expect(draw(20).split('\n')).toEqual([
    'scenario         fetch',
    'bad token        401 ✓',
    '  token.expired',
  ]);
});

test('marks are coloured where colours are wanted', () => {
  const row = { name: 'a', decision: 'b', cells: [{ text: '200', ok: false }] };
  const options = { transports: ['fetch'], width: 80 };
  expect(drawTable([row], { ...options, color: true })).toContain('\x1b[31m✗\x1b[0m');
  expect(drawTable([row], { ...options, color: false })).not.toContain('\x1b');
});
