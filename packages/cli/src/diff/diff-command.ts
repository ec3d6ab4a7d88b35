import { type Command, EXIT, UsageError } from '../command.ts';
import { compareCoverage } from './compare-coverage.ts';
import { readCoverage } from './read-coverage.ts';

/** `apisec diff`: what a change opens, and what it closes. */
export const diffCommand: Command = {
  name: 'diff',
  summary: 'says what a change opens and what it closes, operation by operation',
  usage: [
    'diff before.json ./app.js            before.json is what apisec coverage --json wrote',
    'diff openapi.json ./app.js [--base /v1]',
    'diff ./old/app.js ./new/app.js',
  ],
  options: { base: { type: 'string' } },
  run: async ({ positionals, text, terminal }) => {
    const [before, after, ...more] = positionals;
    if (before === undefined || after === undefined || more.length > 0) {
      throw new UsageError(
        'name a report from before and the application: diff before.json ./app.js',
      );
    }
    const base = text('base');
    const changes = compareCoverage(
      await readCoverage(before, base),
      await readCoverage(after, base),
    );
    const opened = changes.filter(({ kind }) => kind === 'opened');
    terminal.json({
      opened,
      closed: changes.filter(({ kind }) => kind === 'closed'),
    });
    for (const { operation, kind, what } of changes) {
      terminal.line(`${kind}  ${operation}: ${what}.`, kind === 'opened' ? 'bad' : 'good');
    }
    if (changes.length === 0) terminal.line('Nothing was opened, and nothing closed.', 'good');
    return opened.length === 0 ? EXIT.ok : EXIT.found;
  },
};
