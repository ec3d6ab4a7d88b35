import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../../..');

/** Asks a registry that answers like this. */
async function check(status: number, advisories: object) {
  const registry = createServer((req, res) => {
    req.resume();
    res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(advisories));
  });
  await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
  const { port } = registry.address() as AddressInfo;
  try {
    const asked = spawn(
      process.execPath,
      ['tooling/check-advisories.mjs', '--registry', `http://127.0.0.1:${port}/`],
      { cwd: root },
    );
    const ended = new Promise<number | null>((resolve) => asked.once('close', resolve));
    return { said: await text(asked.stdout), code: await ended };
  } finally {
    registry.close();
  }
}

const known = (name: string) => ({
  [name]: [
    {
      id: 1,
      url: 'https://a.example/1',
      title: 'A hole',
      severity: 'high',
      vulnerable_versions: '*',
    },
  ],
});

test.each([
  ['what users install has a known hole', 200, known('jose'), 1, 'of which users install 1'],
  ['a benchmark has one', 200, known('helmet'), 0, 'advisories: 1, of which users install 0'],
  ['nothing is known', 200, {}, 0, 'advisories: 0'],
  ['the registry does not answer', 405, {}, 0, 'asked in vain'],
])('the check of advisories where %s', async (_case, status, advisories, code, said) => {
  const answer = await check(status, advisories);
  expect(answer.said).toContain(said);
  expect(answer.code).toBe(code);
});
