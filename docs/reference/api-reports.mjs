// Keeps packages/*/api.md: every exported name with its signature, so that a change of the public surface shows in a
// review. `npm run api` writes them, `npm run api -- --check` says what differs.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { exportsOf, publicPackages } from './entries.mjs';

const check = process.argv.includes('--check');
const printer = ts.createPrinter({ removeComments: true, newLine: ts.NewLineKind.LineFeed });
const { factory } = ts;
const parsed = new Map();

function sourceOf(file) {
  const known = parsed.get(file);
  if (known) return known;
  const text = readFileSync(file, 'utf8');
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  parsed.set(file, source);
  return source;
}

const named = (statement, name) =>
  ts.isVariableStatement(statement)
    ? statement.declarationList.declarations.some((each) => each.name.getText() === name)
    : statement.name?.getText() === name;

const isPrivate = (node) =>
  (node.name && ts.isPrivateIdentifier(node.name)) ||
  ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword) === true;

/** A declaration without its body: what a `.d.ts` says of it. */
function withoutBody(node) {
  if (ts.isFunctionDeclaration(node)) {
    const { modifiers, name, typeParameters, parameters, type } = node;
    const undefaulted = parameters.map(withoutDefault);
    return factory.createFunctionDeclaration(
      modifiers,
      undefined,
      name,
      typeParameters,
      undefaulted,
      type,
      undefined,
    );
  }
  if (ts.isClassDeclaration(node)) {
    const members = node.members.filter((each) => !isPrivate(each)).map(memberWithoutBody);
    const { modifiers, name, typeParameters, heritageClauses } = node;
    return factory.createClassDeclaration(
      modifiers,
      name,
      typeParameters,
      heritageClauses,
      members,
    );
  }
  if (!ts.isVariableStatement(node)) return node;
  const declarations = node.declarationList.declarations.map((each) =>
    each.type
      ? factory.createVariableDeclaration(each.name, undefined, each.type, undefined)
      : each,
  );
  return factory.createVariableStatement(
    node.modifiers,
    factory.createVariableDeclarationList(declarations, node.declarationList.flags),
  );
}

/** A parameter with a default may be left out; which one it is stands in its doc comment. */
function withoutDefault(node) {
  const { modifiers, dotDotDotToken, name, questionToken, type, initializer } = node;
  const optional = initializer ? factory.createToken(ts.SyntaxKind.QuestionToken) : questionToken;
  return factory.createParameterDeclaration(
    modifiers,
    dotDotDotToken,
    name,
    optional,
    type,
    undefined,
  );
}

function memberWithoutBody(node) {
  if (ts.isMethodDeclaration(node)) {
    const { modifiers, name, questionToken, typeParameters, parameters, type } = node;
    const undefaulted = parameters.map(withoutDefault);
    return factory.createMethodDeclaration(
      modifiers,
      undefined,
      name,
      questionToken,
      typeParameters,
      undefaulted,
      type,
      undefined,
    );
  }
  if (ts.isConstructorDeclaration(node)) {
    return factory.createConstructorDeclaration(
      node.modifiers,
      node.parameters.map(withoutDefault),
      undefined,
    );
  }
  if (ts.isGetAccessor(node)) {
    return factory.createGetAccessorDeclaration(
      node.modifiers,
      node.name,
      node.parameters,
      node.type,
      undefined,
    );
  }
  if (ts.isPropertyDeclaration(node) && node.type) {
    return factory.createPropertyDeclaration(
      node.modifiers,
      node.name,
      node.questionToken,
      node.type,
      undefined,
    );
  }
  return node;
}

/** Functions with several signatures have as many declarations, of which the one with a body is not seen. */
function signaturesOf({ original, name, from }) {
  if (!from.startsWith('/')) return [`// ${name} is of ${from}`];
  const source = sourceOf(from);
  const declarations = source.statements.filter((each) => named(each, original ?? name));
  const overloads = declarations.filter((each) => !ts.isFunctionDeclaration(each) || !each.body);
  return (overloads.length > 0 ? overloads : declarations).map((each) =>
    printer
      .printNode(ts.EmitHint.Unspecified, withoutBody(each), source)
      .replace(/^export (?:declare )?/, '')
      .replaceAll(/^\s*\n/gm, ''),
  );
}

function reportOf({ name, subpaths }) {
  const home = new Map();
  const parts = subpaths.map(({ subpath, file }) => {
    const lines = exportsOf(file)
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map((entry) => {
        const id = `${entry.name} ${entry.from}`;
        const before = home.get(id);
        home.set(id, before ?? subpath);
        return before ? `// ${entry.name}: see ${before}` : signaturesOf(entry).join('\n');
      });
    return `## ${name}${subpath.slice(1)}\n\n\`\`\`ts\n${lines.join('\n')}\n\`\`\`\n`;
  });
  return `# What ${name} exports\n\nWritten by \`npm run api\`.\n\n${parts.join('\n')}`;
}

let stale = 0;
for (const each of publicPackages()) {
  const file = join(each.folder, 'api.md');
  const report = reportOf(each);
  const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
  if (report === before) continue;
  stale++;
  if (check)
    console.error(`api: the exports of ${each.name} changed: ${firstDifference(before, report)}`);
  else writeFileSync(file, report);
}
if (check && stale > 0) {
  console.error('api: npm run api writes them down; the difference belongs into the review');
  process.exitCode = 1;
} else console.log(check ? 'api: the reports are up to date' : `api: ${stale} report(s) changed`);

function firstDifference(before, after) {
  const old = before.split('\n');
  const index = after.split('\n').findIndex((line, at) => line !== old[at]);
  return after.split('\n')[index] ?? 'something is gone';
}
