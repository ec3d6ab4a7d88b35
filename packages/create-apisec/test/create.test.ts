import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);
const bin = join(import.meta.dirname, '../bin/create-apisec.mjs');
const tsx = import.meta.resolve('tsx');

test('npm create apisec writes a project into the given folder, once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'apisec-create-'));
  const args = ['--conditions=@apisec/source', '--import', tsx, bin, 'fetch', 'my-api'];
  try {
    const { stdout } = await run(process.execPath, args, { cwd: folder });
    expect(stdout).toContain('cd my-api');
    expect(await readdir(join(folder, 'my-api'))).toContain('package.json');
    const again = run(process.execPath, args, { cwd: folder });
    await expect(again).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('nothing is overwritten'),
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
