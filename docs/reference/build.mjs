// Writes the pages of the API reference into docs/api, from the doc comments of the sources.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Application } from 'typedoc';
import { referencePages, writeEntries } from './entries.mjs';
import { deadAnchors, mendSourceLinks, writeIndex } from './pages.mjs';

const docs = join(import.meta.dirname, '..');
const work = join(docs, '.reference');
const out = join(docs, 'api');
const pages = referencePages();
const titles = new Map(pages.map(({ path, title }) => [path, title]));
const entryPoints = writeEntries(work, pages);
const tsconfig = join(work, 'tsconfig.json');
writeFileSync(
  tsconfig,
  JSON.stringify({
    extends: '../../tsconfig.test.json',
    compilerOptions: { types: ['node'] },
    include: ['**/*.ts'],
  }),
);

const application = await Application.bootstrapWithPlugins({
  entryPoints,
  tsconfig,
  plugin: ['typedoc-plugin-markdown'],
  outputs: [{ name: 'markdown', path: out }],
  router: 'module',
  readme: 'none',
  name: 'API reference',
  excludeInternal: true,
  // The types decide whether the program compiles; `npm run typecheck` says so.
  skipErrorChecking: true,
  // The template says where the sources are, whatever the clone is called.
  disableGit: true,
  basePath: join(docs, '..'),
  sourceLinkTemplate: 'https://github.com/apisec/apisec/blob/main/{path}#L{line}',
  gitRevision: 'main',
  validation: { notExported: false, invalidLink: true, rewrittenLink: false, notDocumented: false },
  entryFileName: 'index',
  pageTitleTemplates: { module: ({ name }) => titles.get(name) ?? name },
  groupOrder: ['Functions', 'Classes', 'Variables', 'Interfaces', 'Type Aliases', '*'],
  hideBreadcrumbs: true,
  hidePageHeader: true,
  useCodeBlocks: true,
  useCustomAnchors: true,
  sanitizeComments: true,
  indexFormat: 'table',
  parametersFormat: 'table',
  interfacePropertiesFormat: 'table',
  typeAliasPropertiesFormat: 'table',
  typeDeclarationFormat: 'table',
  tableColumnSettings: { hideSources: true, leftAlignHeaders: true },
});
// A comment may name what its own file does not import, on whatever page that is.
application.converter.addUnknownSymbolResolver(({ symbolReference }, { project }, part) => {
  const [{ path: name } = {}, ...members] = symbolReference?.path ?? [];
  // Without a part of a comment it is a type, of another package.
  if (!part || members.length > 0) return undefined;
  const target = project.children
    ?.flatMap(({ children = [] }) => children)
    .find((each) => each.name === name);
  return target && { target, caption: name };
});
const project = await application.convert();
if (!project) process.exit(1);
application.validate(project);
rmSync(out, { recursive: true, force: true });
await application.generateOutputs(project);
mendSourceLinks(out);
writeFileSync(
  join(out, 'menu.json'),
  JSON.stringify(pages.map(({ title, path }) => ({ text: title, link: `/api/${path}` }))),
);
writeIndex(out, pages);
const dead = deadAnchors(out);
for (const link of dead) console.error(`reference: ${link}`);
const { errorCount, warningCount } = application.logger;
if (errorCount + warningCount + dead.length > 0) {
  console.error('reference: see above');
  process.exit(1);
}
