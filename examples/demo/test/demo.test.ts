import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { allowAnonymous, coverage, guard } from '@apisec/core';
import { expect, onTestFinished, test } from 'vitest';
import { STOREFRONT, shopPolicy } from '../src/policy.ts';
import { run } from '../src/run.ts';
import { type Scenario, scenarios } from '../src/scenarios.ts';
import { drawTable } from '../src/table.ts';

const MAIN = 'src/main.ts';
const TIMEOUT = 60_000;

/** As a terminal that `npm start` is typed into: what libraries say to whoever develops must not stand in the table. */
const TERMINAL = 'data:text/javascript,process.stderr.isTTY = true';
const { NODE_ENV: _, ...ENVIRONMENT } = process.env;

function start(...args: readonly string[]) {
  const child = spawn(
    process.execPath,
    ['--conditions=@apisec/source', '--import', 'tsx', '--import', TERMINAL, MAIN, ...args],
    {
      cwd: join(import.meta.dirname, '..'),
      env: ENVIRONMENT,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  // Whatever a test that failed has left running.
  onTestFinished(() => void child.kill('SIGKILL'));
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
    expect(output()).toMatch(/^scenario +decision +Expr\. Fast\. Hono +fetch Apollo gRPC$/m);
    expect(output()).toMatch(/^key server down +keys\.unavailable( +503 ✓){4} ✓ +✓$/m);
    const lines = output().split('\n');
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(lines[1]).toMatch(/^Starting /);
    expect(output()).toContain('npm start -- --serve');
    // Nothing else is printed: no warnings of libraries, no colours.
    expect(output().trim().split('\n')).toHaveLength(scenarios.length + 14);
  },
  TIMEOUT,
);

test(
  'serves until it is stopped, prints a block to paste, and shows why each call was denied',
  async () => {
    const { child, output } = start('--serve');
    const closed = once(child, 'close');
    await expect.poll(output, { timeout: TIMEOUT / 2 }).toContain('Ctrl-C stops it.');
    const [block = ''] = /^TOKEN=[^]*?\n\n/m.exec(output()) ?? [];
    // A shell that knows POSIX alone takes it whole; curl may be missing, the calls below do without.
    expect(spawnSync('sh', ['-n'], { input: block }).status).toBe(0);
    const [, token = ''] = /^TOKEN=(\S+)$/m.exec(block) ?? [];
    const [, express = ''] = /EXPRESS=(\S+)/.exec(block) ?? [];
    const [, apollo = ''] = /APOLLO=(\S+)/.exec(block) ?? [];
    const denied = await fetch(`${express}/orders`);
    const admitted = await fetch(`${express}/orders`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect([denied.status, admitted.status]).toEqual([401, 200]);
    await expect
      .poll(output)
      .toMatch(/^denied +http GET \/orders +401 +anonymous +by authenticateJwt credentials/m);
    await expect.poll(output).toMatch(/^succeeded +http GET \/orders +200 +for reports$/m);

    const preflight = (origin: string) =>
      fetch(apollo, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST' },
      });
    const [foreign, own] = [await preflight('https://evil.example'), await preflight(STOREFRONT)];
    expect(foreign.headers.get('access-control-allow-origin')).toBeNull();
    expect(own.headers.get('access-control-allow-origin')).toBe(STOREFRONT);
    expect([foreign.status, own.status]).toEqual([403, 204]);
    child.kill('SIGINT');
    expect(await closed).toEqual([0, null]);
  },
  TIMEOUT,
);

test(
  'shows on the terminal who was denied and why, what is open and which limit is near, and verifies the trail',
  async () => {
    const { child, output } = start('--serve');
    const closed = once(child, 'close');
    await expect.poll(output, { timeout: TIMEOUT }).toContain('Ctrl-C stops it.');
    const [, token = ''] = /^TOKEN=(\S+)$/m.exec(output()) ?? [];
    const [, express = ''] = /EXPRESS=(\S+)/.exec(output()) ?? [];
    const headers = { authorization: `Bearer ${token}` };
    for (let calls = 0; calls < 7; calls++) await fetch(`${express}/export`, { headers });
    await fetch(`${express}/orders`);
    const [block = ''] = /^cd '[^]*?(?=\n\n)/m.exec(output()) ?? [];
    const [, log = ''] = /LOG='([^']+)'/.exec(block) ?? [];
    // What is written waits a moment for more to be written with.
    const denied =
      /"operation":"GET \/orders".*"code":"credentials\.missing".*"requestId":"([^"]+)"/;
    await expect.poll(() => readFileSync(log, 'utf8')).toMatch(denied);
    const [, id = ''] = denied.exec(readFileSync(log, 'utf8')) ?? [];
    const shell = spawn('sh', ['-s'], { stdio: ['pipe', 'pipe', 'inherit'] });
    shell.stdin.end(block.replace('explain ID', `explain ${id}`));
    const told = await text(shell.stdout);
    expect(told).toMatch(/calls were denied/);
    expect(told).toMatch(/limit\.exceeded/);
    expect(told).toMatch(/^- GET \/health lacks authentication\.$/m);
    expect(told).toMatch(/^export {2}\["[^"]+","reports","client"\] {2}bucket {2}0 of 6 left/m);
    expect(told).toMatch(/^ {2}code {5}credentials\.missing\n {2}policy {3}authenticateJwt$/m);
    expect(told).toMatch(new RegExp(`  request  ${id}\n  event .*\n  trace .*$`, 'm'));
    expect(told).toMatch(/^writer \w+ {3}\d+ written, .* 0 lost, killed, or still running$/m);
    expect(told).toMatch(/^Nothing was changed\.$/m);
    // An auditor sees what somebody changed.
    const [, trail = ''] = /SHOP_CHAIN='([^']+)'/.exec(block) ?? [];
    const forged = join(trail, 'forged.jsonl');
    const lines = readFileSync(join(trail, 'trail.jsonl'), 'utf8');
    writeFileSync(forged, lines.replace(/credentials\.missing/, 'credentials.present'));
    const verify = `${block.slice(0, block.indexOf('apisec audit denials'))}apisec audit verify src/operators.ts --lines ${forged}\n`;
    const auditor = spawnSync('sh', ['-s'], { input: verify, encoding: 'utf8' });
    expect(auditor.status).toBe(1);
    expect(auditor.stdout).toMatch(/^event changed {3}block \d+, event \d+$/m);
    // Nobody finds out what is left of limits without the key, and nobody takes anything of them.
    const [, link = ''] = /SHOP_LIMITS='([^']+)'/.exec(block) ?? [];
    const ask = async (url: string, body: string) =>
      (await fetch(url, { method: 'POST', body })).status;
    expect(await ask(link.slice(0, -1), '[]')).toBe(403);
    expect(await ask(link, '[{"name":"export","key":"x","cost":1}]')).toBe(400);
    expect(await ask(link, '{')).toBe(400);
    child.kill('SIGINT');
    expect(await closed).toEqual([0, null]);
    expect(existsSync(log)).toBe(false);
  },
  3 * TIMEOUT,
);

test(
  'does not know other arguments',
  async () => {
    const { child, output } = start('--sreve');
    expect(await once(child, 'close')).toEqual([2, null]);
    expect(output()).toContain('does not know --sreve');
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
