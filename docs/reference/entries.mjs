// What the reference has pages for: one for each subject of core, one for each other package.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';
import { publicPackages as packages } from '../../tooling/public-packages.mjs';

const root = join(import.meta.dirname, '../..');

/** Subjects of core as the menu calls them. A folder that is not listed gets its own name. */
const SUBJECTS = {
  engine: 'Guards, policies, decisions',
  host: 'Fetch handlers and denials on the wire',
  tokens: 'Access tokens',
  crypto: 'Keys',
  'api-keys': 'API keys',
  possession: 'Proof of possession',
  signatures: 'Signed requests, webhooks',
  authorization: 'Who may do what',
  tenancy: 'Tenants',
  limits: 'Limits',
  abuse: 'Abuse',
  http: 'HTTP and browsers',
  data: 'Input and output',
  audit: 'Audit',
  inventory: 'Inventory',
  contracts: 'Store contracts',
  lib: 'Shared types',
  'for-adapters': 'For adapters',
  'for-tests': 'For tests',
};

/** Folders whose few exports are shown on the page of another. */
const SHOWN_WITH = { wire: 'host' };

/** Subpaths that gather many files, and their pages: what the root exports as well is shown there alone. */
const GATHERED = { './host': 'for-adapters', './testing': 'for-tests' };

/**
 * Every name that `file` exports, with the file that it comes from.
 *
 * @returns {{ name: string, statement: string, from: string }[]}
 */
export function exportsOf(file) {
  return readExports(file).map((entry) => ({ ...entry, from: originOf(entry) }));
}

/** Where a name is declared, behind files that only pass it on. */
function originOf({ original, from, file }) {
  if (from === file || !from.startsWith(root)) return from;
  const next = readExports(from).find(({ name }) => name === original);
  return next ? originOf(next) : from;
}

const read = new Map();

function readExports(file) {
  const known = read.get(file);
  if (known) return known;
  const found = parseExports(file);
  read.set(file, found);
  return found;
}

function parseExports(file) {
  const source = ts.createSourceFile(
    file,
    readFileSync(file, 'utf8'),
    ts.ScriptTarget.Latest,
    true,
  );
  return source.statements.flatMap((statement) => {
    if (ts.isExportDeclaration(statement)) {
      if (!statement.exportClause || !ts.isNamedExports(statement.exportClause)) {
        throw new Error(`${file}: the reference reads named exports only`);
      }
      const from = statement.moduleSpecifier
        ? resolveFrom(file, statement.moduleSpecifier.text)
        : file;
      return statement.exportClause.elements.map((element) => ({
        name: element.name.text,
        statement: `${statement.isTypeOnly || element.isTypeOnly ? 'type ' : ''}${element.getText().replace(/^type /, '')}`,
        original: (element.propertyName ?? element.name).text,
        from,
        file,
      }));
    }
    const exported = ts.canHaveModifiers(statement)
      ? ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
      : false;
    if (!exported) return [];
    const names = ts.isVariableStatement(statement)
      ? statement.declarationList.declarations.map((declaration) => declaration.name.getText())
      : [statement.name.getText()];
    const isType = ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement);
    return names.map((name) => ({
      name,
      statement: `${isType ? 'type ' : ''}${name}`,
      from: file,
      file,
    }));
  });
}

// A package's own name or a file of the same package.
const resolveFrom = (file, specifier) =>
  specifier.startsWith('.') ? resolve(dirname(file), specifier) : specifier;

/** The public packages with what their subpaths lead to. */
export function publicPackages() {
  return packages().map(({ path: folder, folder: short, manifest }) => ({
    folder,
    short,
    name: manifest.name,
    subpaths: Object.entries(manifest.exports)
      .filter(([, target]) => typeof target === 'object')
      .map(([subpath, target]) => ({
        subpath,
        file: join(folder, target['@apisec/source']),
      })),
  }));
}

/** Pages of one package: each with its path, its titles, and what it exports from where. */
function pagesOf({ folder, short, name, subpaths }) {
  const pages = new Map();
  const seen = new Set();
  const subjectOf = (file) => {
    const [subject, ...rest] = relative(join(folder, 'src'), file).split('/');
    return short === 'core' && rest.length > 0 ? (SHOWN_WITH[subject] ?? subject) : '';
  };
  // Two subpaths of a package may use the same name, as those for two servers do.
  const ownPage = (subpath) =>
    short === 'core' || subpath === '.' ? undefined : subpath.slice('./'.length);
  const page = (key) => {
    const there = pages.get(key) ?? { entries: [], alone: [] };
    pages.set(key, there);
    return there;
  };
  // The root comes first in a manifest, so that the others add what only they export.
  for (const { subpath, file } of subpaths) {
    const specifier = name + subpath.slice(1);
    const gathered = GATHERED[subpath];
    const entries = exportsOf(file).map((entry) => ({
      ...entry,
      id: `${entry.name} ${entry.from}`,
    }));
    const others = entries.filter(({ id }) => !seen.has(id));
    for (const { id } of entries) seen.add(id);
    // What a file behind a subpath exports beside a name of the root is for its neighbours.
    if (subpath === '.' || gathered || others.length === entries.length) {
      for (const entry of others) {
        const key = gathered ?? ownPage(subpath) ?? subjectOf(entry.from);
        page(key).entries.push({ ...entry, specifier });
      }
    }
    const shown = pages.get(subjectOf(file));
    if (others.length < entries.length && subpath !== '.' && !gathered)
      shown?.alone.push(specifier);
  }
  const titleOf = (key) => {
    if (key === '') return name;
    return SUBJECTS[key] ? `${name}: ${SUBJECTS[key]}` : `${name}/${key}`;
  };
  return [...pages].map(([key, { entries, alone }]) => ({
    key,
    path: key === '' ? short : `${short}/${key}`,
    title: titleOf(key),
    package: name,
    entries,
    alone,
  }));
}

function inOrder(pages) {
  const ranks = Object.keys(SUBJECTS);
  return pages.toSorted((a, b) => ranks.indexOf(a.key) - ranks.indexOf(b.key));
}

/** Every page of the reference: core first, since the others build on it. */
export const referencePages = () =>
  publicPackages()
    .toSorted((a, b) => Number(b.short === 'core') - Number(a.short === 'core'))
    .flatMap((each) => inOrder(pagesOf(each)));

/** Writes a module for each page into `folder`, for typedoc to read; answers their files. */
export function writeEntries(folder, pages) {
  rmSync(folder, { recursive: true, force: true });
  return pages.map((page) => {
    const file = join(folder, `${page.path}.ts`);
    const byFile = new Map();
    for (const { from, statement } of page.entries) {
      byFile.set(from, [...(byFile.get(from) ?? []), statement]);
    }
    const lines = [...byFile].map(
      ([from, names]) => `export { ${names.join(', ')} } from '${from}';\n`,
    );
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${preamble(page)}${lines.join('')}`);
    return file;
  });
}

/** Says where to import from; typedoc shows it above the page. */
function preamble({ path, package: root, entries, alone }) {
  const specifiers = [...new Set(entries.map(({ specifier }) => specifier))];
  const own = specifiers.filter((specifier) => specifier !== root);
  const sentences = own.map((specifier) => {
    const names = entries.filter((entry) => entry.specifier === specifier).map(({ name }) => name);
    return specifiers.length === 1
      ? `Import from \`${specifier}\`.`
      : `From \`${specifier}\` only: ${list(names)}.`;
  });
  if (specifiers.includes(root)) {
    const also = alone.filter((specifier) => !own.includes(specifier));
    sentences.unshift(
      `Import from \`${root}\`${also.length > 0 ? `, or one part alone from ${list(also)}` : ''}.`,
    );
  }
  return `/**\n${sentences.map((sentence) => ` * ${sentence}\n *\n`).join('')} * @module ${path}\n */\n`;
}

const list = (names) => names.map((name) => `\`${name}\``).join(', ');
