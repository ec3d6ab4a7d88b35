// Writes packages/core/src/data/copy-sites.ts; `--check` only says whether it is as written.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

const SITES = 40;
const SLOTS = 8;
const file = join(import.meta.dirname, '../packages/core/src/data/copy-sites.ts');

const slot = (n) =>
  `    if (size > ${n} && (m = isSent((m = o[p.n${n}]), plain & ${1 << n}) ? m : p.f${n}.apply(m, run, p.f${n})) !== undefined) ` +
  `to[p.n${n}] = m;`;

const site = `  (o, run, p, begun) => {
    const { names, size, plain } = p;
    let to = begun;
    if (to === undefined) {
      if (typeof o !== 'object' || o === null || run.isPolluted) return p.general(o, run, p);
      let at = 0;
      for (const name in o) if (name !== names[at++]) return p.general(o, run, p);
      if (at !== names.length || !('constructor' in o)) return p.general(o, run, p);
      if (Object.getPrototypeOf(o) !== Object.prototype) return p.general(o, run, p);
      if (run.ownedBy !== undefined && !run.ownedBy(o)) return fail(run, 'tenant', p.where);
      if ((run.left -= at) < 0) return fail(run, 'shape', p.where);
      run.dropped += p.dropped;
      to = new p.Copy();
    }
    let m: unknown;
${Array.from({ length: SLOTS }, (_, n) => slot(n)).join('\n')}
    return p.next === undefined ? to : p.next.apply(o, run, p.next, to);
  },
`;

const text = `// Written by \`node tooling/copy-sites.mjs\`: change that instead.
import { type FilterRun, fail } from './filter-run.ts';
import { isSent, type Members, type OutputFilter } from './output-filter.ts';

/** How many members one site copies. */
export const SLOTS = ${SLOTS};

type CopySite = (
  object: Readonly<Members>,
  run: FilterRun,
  filter: OutputFilter,
  begun?: Members,
) => unknown;

/**
 * The same function ${SITES} times. An engine remembers for each place in the code which member of which kind of object
 * is read or set there. One function for all shapes has to look up every name anew, which takes several times as long.
 * Functions could be made for each shape at run time, but edge runtimes forbid that.
 *
 * Each copies an object that has exactly the members of its filter, in their order. All others go to \`general\`.
 * \`'constructor' in o\` is always true here: it lets the engine know the prototype without a call.
 */
export const COPY_SITES: readonly CopySite[] = [
${site.repeat(SITES)}];
`;

if (!process.argv.includes('--check')) writeFileSync(file, text);
else if (readFileSync(file, 'utf8') !== text) {
  console.error('packages/core/src/data/copy-sites.ts is out of date: node tooling/copy-sites.mjs');
  process.exit(1);
}
