import { type Aspect, coverageReport, openapiSecurity, printCoverage } from '@apisec/core';
import { type Command, EXIT, UsageError } from './command.ts';
import { documentedBy } from './documented-operations.ts';
import { findInventory } from './find-inventory.ts';

/** `apisec coverage`: what an application serves, and what each operation lacks. */
export const coverageCommand: Command = {
  name: 'coverage',
  summary: 'lists what an application serves, and what each operation lacks',
  usage: [
    'coverage <module> [--require authentication,grant,limit] [--except "GET /health=authentication,limit"]',
    'coverage <module> --openapi openapi.json [--base /v1]',
    'coverage <module> --schema schema.graphql',
    'coverage <module> --proto orders.proto',
    'coverage <module> --print-openapi',
    'coverage <folder of Next routes: app>',
  ],
  options: {
    require: { type: 'string' },
    except: { type: 'string', multiple: true },
    openapi: { type: 'string' },
    base: { type: 'string' },
    schema: { type: 'string' },
    proto: { type: 'string', multiple: true },
    'print-openapi': { type: 'boolean' },
  },
  run: async (invocation) => {
    const { positionals, flag, text, texts, terminal } = invocation;
    const inventory = await findInventory(positionals[0]);
    const require = text('require');
    const report = coverageReport(inventory, {
      // coverageReport throws for anything that is not an aspect.
      ...(require !== undefined && { require: wordsOf(require) as readonly Aspect[] }),
      except: exceptionsOf(texts('except')),
      documented: await documentedBy(invocation),
    });
    if (flag('print-openapi')) {
      terminal.data(openapiSecurity(report));
      return EXIT.ok;
    }
    terminal.json(report);
    terminal.lines(printCoverage(report));
    return report.covered ? EXIT.ok : EXIT.found;
  },
};

function wordsOf(list: string): readonly string[] {
  return list.split(',').map((word) => word.trim());
}

/** What `--except` lists. */
export function exceptionsOf(
  entries: readonly string[],
): Readonly<Record<string, readonly Aspect[]>> {
  return Object.fromEntries(
    entries.map((entry) => {
      const at = entry.lastIndexOf('=');
      if (at < 1) {
        throw new UsageError('--except must be written like "GET /health=authentication,limit".');
      }
      // coverageReport throws for anything that is not an aspect.
      return [entry.slice(0, at), wordsOf(entry.slice(at + 1)) as readonly Aspect[]];
    }),
  );
}
