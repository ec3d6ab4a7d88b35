// Known vulnerabilities of what users install with a package. Those of examples and benchmarks are printed and fail
// nothing, and neither does a registry that does not answer: nobody should be unable to test without a network.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pnpm } from './install.mjs';

const [command, args] = pnpm(['audit', '--prod', '--json', ...process.argv.slice(2)]);
const { stdout, stderr } = spawnSync(command, args, {
  cwd: join(import.meta.dirname, '..'),
  encoding: 'utf8',
  shell: process.platform === 'win32',
  timeout: 60_000,
});

function readAnswer() {
  try {
    return Object.values(JSON.parse(stdout).advisories);
  } catch {
    return undefined;
  }
}

/** pnpm writes the folder of a workspace with two underscores for each slash. */
const isInstalled = ({ findings }) =>
  findings.some(({ paths }) => paths.some((path) => path.startsWith('packages__')));

const advisories = readAnswer();
if (advisories === undefined) {
  const [why = 'no answer'] = /ERR_\w+/.exec(stderr) ?? [];
  console.log(`advisories: the registry was asked in vain (${why}); nothing is known`);
} else {
  for (const { severity, module_name: name, title, url, findings } of advisories) {
    const [path] = findings.flatMap(({ paths }) => paths);
    console.log(`${severity}: ${name}: ${title} (${url}), by ${path}`);
  }
  const serious = advisories.filter(isInstalled);
  console.log(`advisories: ${advisories.length}, of which users install ${serious.length}`);
  if (serious.length > 0) process.exitCode = 1;
}
