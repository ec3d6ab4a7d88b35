// A committed machine path or a private registry host breaks every other machine and tells tales. The formatter leaves
// comments as they are, so that their lines stay within bounds is looked at here.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

const FORBIDDEN = [
  [/(?<![\w.~/-])\/(?:home|Users|root|work|workspace|mnt)\/[\w.-]+/g, 'absolute machine path'],
  [/\b[A-Z]:\\\\?Users\\/g, 'absolute machine path'],
  [/\bregistry\.[a-z0-9-]+\.[a-z]{2,}\b/g, 'registry host'],
  [/^\s*(?:registry\s*=|tarball:|resolved ")/gm, 'registry location'],
];
// Word lists and recorded inputs may contain such strings as data.
const DATA = /(^|\/)(vectors|corpus|fixtures)\//;

const SOURCE = /\.(?:ts|mjs|js)$/;
const COMMENT = /^\s*(?:\*|\/\/|\/\*\*) /;
const COLUMNS = 120;

const files = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' })
  .split('\0')
  .filter((file) => file !== '' && !DATA.test(file) && file !== 'tooling/check-text.mjs');

let problems = 0;
for (const file of files) {
  let text;
  try {
    text = readFileSync(join(root, file), 'utf8');
  } catch {
    continue;
  }
  if (text.includes('\0')) continue;
  if (SOURCE.test(file)) {
    for (const [index, line] of text.split('\n').entries()) {
      if (line.length <= COLUMNS || !COMMENT.test(line)) continue;
      console.error(`${file}:${index + 1}: a comment of more than ${COLUMNS} columns`);
      problems++;
    }
  }
  for (const [pattern, what] of FORBIDDEN) {
    for (const match of text.matchAll(pattern)) {
      const line = text.slice(0, match.index).split('\n').length;
      console.error(`${file}:${line}: ${what}: ${match[0].trim()}`);
      problems++;
    }
  }
}
if (problems > 0) process.exitCode = 1;
else
  console.log(
    `text: ${files.length} files, nothing machine-specific, comments within ${COLUMNS} columns`,
  );
