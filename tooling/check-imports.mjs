// Who may import what, as a table. Types count: a circle of types is a circle.
// Fails with one line for each import that the table does not allow, and for each circle.
import { join, relative } from 'node:path';
import { folderOf, importsOf, packageOf, packagesWithSource } from './imports.mjs';

const root = join(import.meta.dirname, '..');

/** Folders of core -> the other folders that they may import. Every folder may import `lib` and itself. */
const FOLDERS = {
  lib: [],
  engine: [],
  wire: ['engine'],
  // `audit` for the log that is loaded while developing.
  host: ['engine', 'wire', 'audit'],
  crypto: ['engine'],
  contracts: ['engine'],
  tokens: ['engine', 'crypto', 'contracts'],
  possession: ['engine', 'crypto', 'contracts', 'tokens'],
  signatures: ['engine', 'crypto', 'contracts', 'possession'],
  'api-keys': ['engine', 'crypto', 'contracts'],
  limits: ['engine', 'contracts', 'api-keys'],
  abuse: ['engine', 'crypto', 'contracts', 'limits'],
  http: ['engine'],
  authorization: ['engine', 'contracts'],
  tenancy: ['engine', 'contracts', 'authorization'],
  data: ['engine'],
  inventory: ['engine', 'audit'],
  audit: ['engine', 'contracts'],
};
/** What gathers the others, and so may import all of them. */
const GATHERS = new Set(['testing', 'index.ts', 'host.ts']);

/** Packages -> what they may import beside their own files and `node:` (where the second entry says so). */
const ANY_NODE = { node: true };
const WEB = { node: false };
const PACKAGES = {
  core: [['jose', 'kysely', 'drizzle-orm'], WEB],
  node: [['@apisec/core', 'undici'], ANY_NODE],
  express: [['@apisec/core', '@apisec/node', 'express'], ANY_NODE],
  fastify: [['@apisec/core', '@apisec/node', 'fastify'], ANY_NODE],
  grpc: [['@apisec/core', '@apisec/node', '@grpc/grpc-js'], ANY_NODE],
  hono: [['@apisec/core', 'hono'], WEB],
  graphql: [['@apisec/core', 'graphql', 'graphql-yoga', 'graphql-ws', 'graphql-sse'], WEB],
  apollo: [
    ['@apisec/core', '@apisec/graphql', '@apisec/node', '@apollo/server', 'graphql'],
    ANY_NODE,
  ],
  redis: [['@apisec/core', 'ioredis', 'cluster-key-slot'], ANY_NODE],
  postgres: [['@apisec/core'], WEB],
  otel: [['@apisec/core', '@opentelemetry/api'], WEB],
  insights: [['@apisec/core'], WEB],
  console: [['@apisec/core'], WEB],
  accounts: [['@apisec/core', '@simplewebauthn/server'], ANY_NODE],
  egress: [['@apisec/core', 'undici'], ANY_NODE],
  cli: [['@apisec/core', 'jose'], ANY_NODE],
  'create-apisec': [['apisec'], ANY_NODE],
  oauth: [['@apisec/core', 'oauth4webapi'], WEB],
};
/** Private packages that only tests and tools use. */
const FREE = new Set(['conformance']);

const problems = [];
const complain = (where, what) => problems.push(`${where}: ${what}`);

for (const name of packagesWithSource().filter((each) => !FREE.has(each))) {
  const rule = PACKAGES[name];
  if (rule === undefined) {
    complain(`packages/${name}`, 'has no row in the table of tooling/check-imports.mjs');
    continue;
  }
  const [allowed, { node }] = rule;
  const graph = new Map();
  for (const { file, files, others } of importsOf(name)) {
    graph.set(file, files);
    const where = `packages/${name}/src/${file}`;
    for (const target of files) {
      if (target.startsWith('..')) complain(where, `leaves its package for ${target}`);
      if (name === 'core') checkFolder(where, file, target);
    }
    for (const wanted of others) {
      if (wanted.startsWith('node:')) {
        if (!node) complain(where, `imports ${wanted}; this package knows web standards only`);
      } else if (!allowed.includes(packageOf(wanted))) {
        complain(where, `imports ${wanted}; allowed are ${allowed.join(', ')}`);
      }
    }
  }
  for (const circle of circles(graph)) {
    complain(`packages/${name}/src`, `a circle: ${circle.join(' -> ')}`);
  }
}

function checkFolder(where, file, target) {
  const [from, to] = [folderOf(file), folderOf(target)];
  if (GATHERS.has(from) || from === to || to === 'lib') return;
  const may = FOLDERS[from];
  if (may === undefined) complain(where, `the folder ${from} has no row in the table`);
  else if (!may.includes(to)) complain(where, `${from} must not import ${to} (${target})`);
}

/** One path for each circle, from the file where it was met first. */
function circles(graph) {
  const found = [];
  const done = new Set();
  const path = [];
  const visit = (file) => {
    if (done.has(file)) return;
    const at = path.indexOf(file);
    if (at >= 0) {
      found.push([...path.slice(at), file]);
      return;
    }
    path.push(file);
    for (const next of graph.get(file) ?? []) visit(next);
    path.pop();
    done.add(file);
  };
  for (const file of graph.keys()) visit(file);
  return found;
}

if (problems.length > 0) {
  console.error(problems.join('\n'));
  console.error(`\nimports: ${problems.length} problem(s)`);
  process.exitCode = 1;
} else {
  console.log(`imports: as the table says (${relative(root, import.meta.filename)})`);
}
