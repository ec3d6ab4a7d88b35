import { parseArgs } from 'node:util';
import { attackCommand } from './attack/attack-command.ts';
import { auditCommand } from './audit-command.ts';
import { type Command, EXIT, type Invocation } from './command.ts';
import { coverageCommand } from './coverage-command.ts';
import { diffCommand } from './diff/diff-command.ts';
import { doctorCommand } from './doctor/doctor-command.ts';
import { explainCommand } from './explain-command.ts';
import { initCommand } from './init/init-command.ts';
import { keysCommand } from './keys-command.ts';
import { limitsCommand } from './limits-command.ts';
import { type OutputStream, type Terminal, terminal } from './terminal.ts';

const COMMANDS: readonly Command[] = [
  initCommand,
  coverageCommand,
  diffCommand,
  doctorCommand,
  explainCommand,
  keysCommand,
  limitsCommand,
  auditCommand,
  attackCommand,
];

const COMMON: Command['options'] = {
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
};

/** Where it writes: `process` has both. */
export interface Streams {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
}

/**
 * Runs one command of `apisec`, as the arguments behind the name of the program say, and answers its exit code: 0 when
 * nothing was found, 1 when something was, 2 when it could not be run.
 *
 * @example
 * process.exitCode = await main(['coverage', './app.ts']);
 */
export async function main(args: readonly string[], streams: Streams = process): Promise<number> {
  const json = args.includes('--json');
  const out = terminal(streams.stdout, streams.stderr, { json, color: !process.env['NO_COLOR'] });
  const [name, ...rest] = args;
  const command = COMMANDS.find((each) => each.name === name);
  if (command === undefined) return help(name, out);
  // A module that is looked at may end the process, or let it end by waiting for nothing: that is not "nothing found".
  const onExit = (): void => {
    process.exitCode = EXIT.usage;
    out.note(`apisec ${command.name}: the process has ended before this was done.`);
  };
  process.once('exit', onExit);
  try {
    const invocation = read(command, rest, out);
    if (invocation.flag('help')) return describe(command, out);
    return await command.run(invocation);
  } catch (error) {
    out.note(`apisec ${command.name}: ${messageOf(error)}`);
    return EXIT.usage;
  } finally {
    process.off('exit', onExit);
  }
}

function read(command: Command, args: readonly string[], out: Terminal): Invocation {
  const options = { ...COMMON, ...command.options };
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
  const valueOf = (name: string): unknown =>
    Object.hasOwn(values, name) ? values[name] : undefined;
  return {
    positionals,
    flag: (name) => valueOf(name) === true,
    text: (name) => {
      const value = valueOf(name);
      return typeof value === 'string' ? value : undefined;
    },
    texts: (name) => [valueOf(name) ?? []].flat().filter((value) => typeof value === 'string'),
    terminal: out,
  };
}

function help(name: string | undefined, out: Terminal): number {
  const isAsked = name === '--help' || name === '-h' || name === 'help';
  const print = isAsked ? out.line : out.note;
  if (name !== undefined && !isAsked) out.note(`apisec: "${name}" is not a command.`);
  print('Usage: apisec <command> [options]');
  print('');
  for (const { name: each, summary } of COMMANDS) print(`  ${each.padEnd(10)} ${summary}`);
  print('');
  print('Each command has --help and --json. Exit codes: 0 nothing found, 1 found, 2 not run.');
  return isAsked ? EXIT.ok : EXIT.usage;
}

function describe({ summary, usage, options }: Command, out: Terminal): number {
  out.lines(`${summary}\n\n${usage.map((line) => `  apisec ${line}`).join('\n')}\n`);
  for (const [name, { type }] of Object.entries({ ...COMMON, ...options })) {
    out.line(`  --${name}${type === 'string' ? ' <text>' : ''}`);
  }
  return EXIT.ok;
}

/** Modules and clients of databases may put the address into a message, and its password with it. */
function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/:\/\/[^\s/?#@]{1,512}@/g, '://[redacted]@');
}
