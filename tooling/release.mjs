// Publishes what the changesets ask for. `npm run release -- --dry-run` does everything but that, in a clone, so that
// neither this folder nor a registry is touched: versions, build, tarballs as they would be published.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pnpm } from './install.mjs';
import { publicPackages } from './public-packages.mjs';

const root = join(import.meta.dirname, '..');
const dryRun = process.argv.includes('--dry-run');

function run(command, args, cwd, quiet = false) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    stdio: quiet ? 'pipe' : 'inherit',
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, CI: 'true' },
  });
  if (status === 0) return stdout ?? '';
  throw new Error(
    `${command} ${args.join(' ')}\n${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`,
  );
}

const bin = (name) => join(root, 'node_modules/.bin', name);

const manifests = (folder) => publicPackages(folder).map(({ manifest }) => manifest);

function rehearse() {
  if (run('git', ['status', '--porcelain'], root, true) !== '') {
    throw new Error('There are changes that are not committed, and only commits are released.');
  }
  const before = new Map(manifests(root).map(({ name, version }) => [name, version]));
  const clone = mkdtempSync(join(tmpdir(), 'apisec-release-'));
  try {
    run('git', ['clone', '--quiet', '--local', root, clone], root, true);
    run(...pnpm(['install', '--frozen-lockfile', '--prefer-offline']), clone, true);
    run(join(clone, 'node_modules/.bin/changeset'), ['version'], clone, true);
    run(join(clone, 'node_modules/.bin/tsc'), ['-b', 'tsconfig.build.json'], clone, true);
    const args = ['-r', '--filter', './packages/*', 'publish', '--dry-run', '--no-git-checks'];
    run(...pnpm(args), clone, true);
    for (const { name, version } of manifests(clone)) {
      const notes = version === before.get(name) ? 'unchanged' : `from ${before.get(name)}`;
      console.log(`  ${name.padEnd(20)} ${version.padEnd(10)} ${notes}`);
    }
  } finally {
    rmSync(clone, { recursive: true, force: true });
  }
  console.log('release: this would be published');
}

function publish() {
  // Provenance ties a package to the commit and workflow that built it, and only a workflow can vouch for that.
  if (process.env.GITHUB_ACTIONS !== 'true') {
    throw new Error(
      'Packages are published by .github/workflows/release.yml. Rehearse with --dry-run.',
    );
  }
  run(bin('tsc'), ['-b', 'tsconfig.build.json'], root);
  run(process.execPath, ['tooling/sbom.mjs'], root);
  run(bin('changeset'), ['publish'], root);
}

try {
  if (dryRun) rehearse();
  else publish();
} catch (error) {
  console.error(`release: ${error.message}`);
  process.exitCode = 1;
}
