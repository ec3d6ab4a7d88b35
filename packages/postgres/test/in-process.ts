import { PGlite } from '@electric-sql/pglite';

let template: ReturnType<PGlite['dumpDataDir']> | undefined;

/** An empty database in this process. To set one up takes seconds, so later ones are copies of the first. */
export async function openInProcess(): Promise<PGlite> {
  if (template !== undefined) return PGlite.create({ loadDataDir: await template });
  const first = PGlite.create();
  template = first.then((database) => database.dumpDataDir('none'));
  // Copied before anybody writes to it.
  await template;
  return first;
}
