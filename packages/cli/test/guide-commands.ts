import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const guide = readFileSync(join(import.meta.dirname, '../../../docs/guides/incident.md'), 'utf8');

/** The commands of the walk-through of an incident, one for each line that stands by itself. */
export const commands: readonly string[] = [...guide.matchAll(/^ {4}npx apisec (.+)$/gm)].map(
  ([, command = '']) => command,
);

/** The words of the command that begins like this, with the files of a test in the place of those it names. */
export function wordsOf(
  beginning: string,
  files: Readonly<Record<string, string>>,
): readonly string[] {
  const command = commands.find((each) => each.startsWith(beginning));
  if (command === undefined) throw new Error(`The guide has no command "${beginning}".`);
  return command.split(' ').map((word) => files[word] ?? word);
}
