import { PGlite } from '@electric-sql/pglite';

let template: ReturnType<PGlite['dumpDataDir']> | undefined;

const newTemplate = async (): ReturnType<PGlite['dumpDataDir']> => {
  const database = await PGlite.create();
  try {
    return await database.dumpDataDir('none');
  } finally {
    await database.close();
  }
};

/** An empty database in this process. Setting one up takes seconds, so later ones of a process are copies of it. */
export const openInProcess = async (): Promise<PGlite> => {
  template ??= newTemplate();
  return PGlite.create({ loadDataDir: await template });
};
