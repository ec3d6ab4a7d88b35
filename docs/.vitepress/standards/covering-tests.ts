import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/** A test that shows a requirement. */
export interface CoveringTest {
  /** From the root of the repository. */
  readonly file: string;
  /** The title in full, with those of the groups that it stands in. */
  readonly title: string;
}

/** `// Covers: API2:2023, V9.2.3` above a test, a group of tests or a row of a table of tests. */
const MARK = /^[ \t]*\/\/ Covers: (.+)$/gm;

const root = join(import.meta.dirname, '../../..');

/** The marked tests of the repository by the id that they name, in the order of their files. */
export function coveringTests(): ReadonlyMap<string, readonly CoveringTest[]> {
  const found = new Map<string, CoveringTest[]>();
  for (const file of testFiles()) {
    for (const { ids, title } of marksOf(readFileSync(join(root, file), 'utf8'), file)) {
      for (const id of ids) found.set(id, [...(found.get(id) ?? []), { file, title }]);
    }
  }
  return found;
}

function* testFiles(): Generator<string> {
  for (const folder of ['packages', 'examples']) {
    for (const name of readdirSync(join(root, folder)).toSorted()) {
      for (const inner of ['src', 'test']) yield* testFilesIn(`${folder}/${name}/${inner}`);
    }
  }
  yield* testFilesIn('bench/test');
}

function testFilesIn(folder: string): readonly string[] {
  try {
    return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.test.ts'))
      .map((file) => `${folder}/${file.replaceAll('\\', '/')}`)
      .toSorted();
  } catch {
    return []; // Not every workspace has both folders.
  }
}

/** Each mark of one file: what it names, and the title of what stands under it. */
export function marksOf(
  text: string,
  file: string,
): readonly { readonly ids: readonly string[]; readonly title: string }[] {
  const marks = [...text.matchAll(MARK)];
  if (marks.length === 0) return [];
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  return marks.map(({ 0: mark, 1: ids = '', index }) => {
    const node = nodeBehind(source, index + mark.length);
    const title = node === undefined ? undefined : titleOf(node, source);
    if (title === undefined) throw new Error(`${file}: no test stands under "${mark.trim()}"`);
    return { ids: ids.split(',').map((id) => id.trim()), title };
  });
}

/** The largest node that begins with the first token behind a position. */
function nodeBehind(source: ts.SourceFile, position: number): ts.Node | undefined {
  const visit = (node: ts.Node): ts.Node | undefined => {
    if (node.getStart(source) >= position) return node;
    return node.end <= position ? undefined : ts.forEachChild(node, visit);
  };
  return ts.forEachChild(source, visit);
}

function titleOf(node: ts.Node, source: ts.SourceFile): string | undefined {
  const call = ts.isExpressionStatement(node) ? node.expression : undefined;
  if (call !== undefined && ts.isCallExpression(call)) {
    const title = textOf(call.arguments[0]);
    return title === undefined ? undefined : [...groupsOf(node), anyRow(title)].join(' > ');
  }
  const row = firstText(node);
  const table = row === undefined ? undefined : callOfTable(node, source);
  const title = textOf(table?.arguments[0]);
  if (row === undefined || table === undefined || title === undefined) return undefined;
  return [...groupsOf(table), withRow(title, row)].join(' > ');
}

/** A title for every row of a table. */
const anyRow = (title: string): string => title.replace(/: %\w$/, '').replace(/%\w|\$\w+/g, '…');

const withRow = (title: string, row: string): string =>
  anyRow(title.replace(/%\w|\$\w+/, () => row));

/** The call that makes a test of each row of the table in which a node stands. */
function callOfTable(node: ts.Node, source: ts.SourceFile): ts.CallExpression | undefined {
  for (let each = node.parent; each !== undefined; each = each.parent) {
    if (ts.isCallExpression(each) && ts.isCallExpression(each.parent)) return each.parent;
    if (ts.isVariableDeclaration(each)) return callOver(each.name.getText(source), source);
  }
  return undefined;
}

/** `test.each(name)('…')`, wherever it stands. */
function callOver(name: string, source: ts.SourceFile): ts.CallExpression | undefined {
  const visit = (node: ts.Node): ts.CallExpression | undefined => {
    const isIt =
      ts.isCallExpression(node) &&
      ts.isCallExpression(node.expression) &&
      node.expression.expression.getText(source).endsWith('.each') &&
      node.expression.arguments.some((argument) => argument.getText(source).includes(name));
    return isIt ? node : ts.forEachChild(node, visit);
  };
  return visit(source);
}

/** The titles of the groups around a node, the outermost first. */
function groupsOf(node: ts.Node): readonly string[] {
  const titles: string[] = [];
  for (let each = node.parent; each !== undefined; each = each.parent) {
    if (!ts.isCallExpression(each) || !/^describe\b/.test(each.expression.getText())) continue;
    const title = textOf(each.arguments[0]);
    if (title !== undefined && anyRow(title) !== '…') titles.unshift(anyRow(title));
  }
  return titles;
}

function textOf(node: ts.Node | undefined): string | undefined {
  if (node === undefined) return undefined;
  if (ts.isStringLiteralLike(node)) return node.text;
  if (!ts.isTemplateExpression(node)) return undefined;
  return [node.head, ...node.templateSpans.map(({ literal }) => literal)]
    .map(({ text }) => text)
    .join('…');
}

const firstText = (node: ts.Node): string | undefined =>
  textOf(node) ?? ts.forEachChild(node, firstText);
