import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** One block of code of a page, as a module that compiles. */
export interface Snippet {
  readonly file: string;
  readonly text: string;
}

const FENCE = /^ *```(?:ts|js|tsx)\b[^\n]*\n([^]*?)^ *```$/gm;
const DECLARED =
  /^(?:export )?(?:declare )?(?:const|let|function|async function|class|interface|type) (\w+)/gm;
const DESTRUCTURED = /^const [{[]([^]*?)[}\]] = /gm;
const IMPORTED = /^import (?:type )?(?:\* as )?(\w+)?,? ?(?:\{([^}]*)\})?/gm;

/** The names that a package exports, each as an import names it: `type Policy`. */
function exportsOf(folder: string): ReadonlyMap<string, string> {
  const index = readFileSync(join(folder, 'src/index.ts'), 'utf8');
  const lists = [...index.matchAll(/^export (type )?\{([^}]*)\}/gm)];
  return new Map(
    lists.flatMap(([, isType = '', names = '']) =>
      namesIn(names).map((name) => [bare(name), isType + name] as const),
    ),
  );
}

const namesIn = (list: string): string[] =>
  list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
const bare = (name: string): string => /(\w+)$/.exec(name)?.[1] ?? name;

/** What each name of our packages is imported from; a name that two packages have is left to the page. */
export function importable(root: string): ReadonlyMap<string, string> {
  const found = new Map<string, string | undefined>();
  const packages = join(root, 'packages');
  for (const name of readdirSync(packages)) {
    if (!existsSync(join(packages, name, 'src/index.ts'))) continue;
    for (const [exported, written] of exportsOf(join(packages, name))) {
      const line = `import { ${written} } from '@apisec/${name}';`;
      found.set(exported, found.has(exported) ? undefined : line);
    }
  }
  return new Map([...found].flatMap(([name, line]) => (line === undefined ? [] : [[name, line]])));
}

/** The names that a block declares or imports itself, at its top level. */
function declaredIn(text: string): { readonly own: Set<string>; readonly all: Set<string> } {
  const own = new Set([...text.matchAll(DECLARED)].map(([, name = '']) => name));
  for (const [, names = ''] of text.matchAll(DESTRUCTURED)) {
    for (const name of namesIn(names)) own.add(bare(name.replace(/ = .*$/, '')));
  }
  const all = new Set(own);
  for (const [, name = '', names = ''] of text.matchAll(IMPORTED)) {
    for (const each of [name, ...namesIn(names)]) all.add(bare(each));
  }
  return { own, all };
}

const isType = (text: string, name: string): boolean =>
  new RegExp(`^(?:interface|type) ${name}\\b`, 'm').test(text);

/** What a file of settings exports, each as an import. */
function namesOf(setting: string): ReadonlyMap<string, string> {
  const from = `from '../src/${basename(dirname(setting))}/${basename(setting)}';`;
  const text = readFileSync(setting, 'utf8');
  const declared = [...text.matchAll(/^export (?:declare )?(?:const|let|type|interface) (\w+)/gm)];
  const listed = [...text.matchAll(/^export (type )?\{([^}]*)\};$/gm)];
  return new Map([
    ...declared.map(([, name = '']) => [name, `import { ${name} } ${from}`] as const),
    ...listed.flatMap(([, isType = '', names = '']) =>
      namesIn(names).map((name) => [name, `import { ${isType}${name} } ${from}`] as const),
    ),
  ]);
}

/**
 * The blocks of a page as modules. A block may use, beside what it imports: names of earlier blocks of its page, names
 * that `setting` exports (what a reader has already, like an application or a database), and names of our packages.
 */
export function snippetsOf(
  page: string,
  settings: readonly string[],
  packages: ReadonlyMap<string, string>,
): readonly Snippet[] {
  const markdown = readFileSync(page, 'utf8');
  const base = page.split(/[\\/]/).slice(-2).join('-').replace('.md', '');
  const given = new Map(settings.flatMap((setting) => [...namesOf(setting)]));
  const earlier = new Map<string, string>();
  return [...markdown.matchAll(FENCE)].map(([, text = ''], at) => {
    const file = `${base}-${at}.ts`;
    const { own, all } = declaredIn(text);
    const code = text.replace(/'[^'\n]*'|\/\/.*$/gm, '');
    const used = new Set(code.match(/(?<!\w|(?<!\.)\.)[A-Za-z_]\w*/g) ?? []);
    const lines = [...used].flatMap((name) => {
      if (all.has(name)) return [];
      const from = earlier.get(name);
      if (from !== undefined) return [`import { ${name} } from './${from}';`];
      return given.get(name) ?? packages.get(name) ?? [];
    });
    for (const name of own) earlier.set(name, file);
    const shared = [...own].filter(
      (name) => !new RegExp(`^export (?:\\w+ )+${name}\\b`, 'm').test(text),
    );
    const exported = shared.map((name) => (isType(text, name) ? `type ${name}` : name)).join(', ');
    return { file, text: `${lines.join('\n')}\n${text}\nexport { ${exported} };\n` };
  });
}
