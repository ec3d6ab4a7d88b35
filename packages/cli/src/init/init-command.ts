import { lstat, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type Command, EXIT, type Invocation, UsageError } from '../command.ts';
import { codeOf } from '../files.ts';
import { filesOf, TEMPLATES } from './scaffold.ts';

const NAMES = [...TEMPLATES.keys()];

/** `apisec init`: a project to begin with. */
export const initCommand: Command = {
  name: 'init',
  summary: 'writes a starter project: a policy, a server, and tests of both',
  usage: [
    `init <${NAMES.join(' | ')}> [folder]`,
    'init express my-api --javascript     TypeScript otherwise; the folder is this one otherwise',
  ],
  options: { javascript: { type: 'boolean' } },
  run: async (invocation) => {
    const { positionals, flag, terminal } = invocation;
    const [name = '', where = '.', ...others] = positionals;
    const template = TEMPLATES.get(name);
    if (template === undefined) throw new UsageError(`name the framework: ${NAMES.join(', ')}.`);
    if (others.length > 0) throw new UsageError('name one folder.');
    const folder = resolve(where);
    const language = flag('javascript') ? 'javascript' : 'typescript';
    const files = filesOf({ template, language, folder });
    await assertFree(folder, [...files.keys()]);
    await write(folder, files);
    terminal.json({ framework: name, language, folder, files: [...files.keys()] });
    tell(invocation, where, [...files.keys()]);
    return EXIT.ok;
  },
};

/** Writes nothing if one of the files exists, even as a link to somewhere else. */
async function assertFree(folder: string, files: readonly string[]): Promise<void> {
  const there: string[] = [];
  for (const file of files) {
    try {
      await lstat(join(folder, file));
      there.push(file);
    } catch (error) {
      const code = codeOf(error, 'unknown');
      if (code !== 'ENOENT') throw new UsageError(`${folder} cannot be written to (${code}).`);
    }
  }
  if (there.length === 0) return;
  throw new UsageError(
    `${folder} has ${there.join(', ')} already, and nothing is overwritten. Name another folder.`,
  );
}

async function write(folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  try {
    for (const [file, text] of files) {
      const path = join(folder, file);
      await mkdir(dirname(path), { recursive: true });
      // If two write at once, the later one stops at the first file.
      await writeFile(path, text, { flag: 'wx' });
    }
  } catch (error) {
    throw new UsageError(`${folder} cannot be written to (${codeOf(error, 'unknown')}).`);
  }
}

function tell({ terminal }: Invocation, where: string, files: readonly string[]): void {
  for (const file of files) terminal.line(`  ${join(where, file)}`, 'dim');
  terminal.lines('\nNow:\n');
  if (where !== '.') terminal.line(`  cd ${quoted(where)}`);
  terminal.line('  npm install');
  terminal.line('  npm run dev');
}

/** Quoted, so that a shell takes it as one word and runs nothing in it. */
function quoted(path: string): string {
  return /^[\w./~-]+$/.test(path) && !path.startsWith('-')
    ? path
    : `-- '${path.replaceAll("'", `'\\''`)}'`;
}
