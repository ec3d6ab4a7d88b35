import { createRequire } from 'node:module';
import { basename } from 'node:path';
import { DIALECTS, type Dialect, type Template } from './template.ts';
import { apollo } from './templates/apollo.ts';
import { express } from './templates/express.ts';
import { fastify } from './templates/fastify.ts';
import { fetch } from './templates/fetch.ts';
import { grpc } from './templates/grpc.ts';
import { hono } from './templates/hono.ts';

/** What there are projects for. */
export const TEMPLATES: ReadonlyMap<string, Template> = new Map(
  Object.entries({ express, fastify, hono, apollo, grpc, fetch }),
);

/** A project to write. */
export interface Scaffold {
  readonly template: Template;
  readonly language: keyof typeof DIALECTS;
  /** Its folder, absolute, after which it is named. */
  readonly folder: string;
}

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

// Packing replaces what the workspace says by the versions that this package was tested with.
const own = createRequire(import.meta.url)('../../package.json') as Manifest;

/** The files of a project, by their paths below its folder. */
export function filesOf({ template, language, folder }: Scaffold): ReadonlyMap<string, string> {
  const dialect = DIALECTS[language];
  const sources = Object.entries({ ...template.files(dialect), ...starters(template, dialect) });
  return new Map([
    ['package.json', json(manifest(template, dialect, nameOf(folder, template)))],
    ...(dialect.ext === 'ts' ? [['tsconfig.json', json(TSCONFIG)] as const] : []),
    ['.gitignore', 'node_modules/\ndist/\n.env\n'],
    ['README.md', readme(template, dialect, nameOf(folder, template))],
    ...sources.map(([path, text]) => {
      const file = path.endsWith('.proto') ? path : `${path}.${dialect.ext}`;
      return [file, text] as const;
    }),
  ]);
}

/** What npm takes as a name, from the name of a folder, and what is not the name of something that it depends on. */
function nameOf(folder: string, { dependencies, types }: Template): string {
  const name = basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 100);
  return [...dependencies, ...types].includes(name) ? `${name}-api` : name || 'api';
}

function manifest(
  { dependencies, types }: Template,
  { ext }: Dialect,
  name: string,
): Readonly<Record<string, unknown>> {
  const isTyped = ext === 'ts';
  const run = isTyped ? 'node --import tsx' : 'node';
  return {
    name,
    version: '0.0.0',
    private: true,
    type: 'module',
    engines: { node: '>=20.19' },
    scripts: {
      dev: `${run} src/dev.${ext}`,
      test: `${run} --test test/server.test.${ext}`,
      ...(isTyped
        ? { build: 'tsc', start: 'node dist/main.js', typecheck: 'tsc --noEmit -p tsconfig.json' }
        : { start: 'node src/main.js' }),
    },
    dependencies: versions(dependencies),
    ...(isTyped && { devDependencies: versions(['@types/node', 'tsx', 'typescript', ...types]) }),
  };
}

function versions(names: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(names.toSorted().map((name) => [name, versionOf(name)]));
}

function versionOf(name: string): string {
  const version = own.dependencies[name] ?? own.devDependencies[name] ?? '';
  if (/^\d/.test(version)) return `^${version}`;
  return /^[\^~]\d/.test(version) ? version : 'latest';
}

const TSCONFIG = {
  compilerOptions: {
    target: 'es2023',
    module: 'nodenext',
    strict: true,
    verbatimModuleSyntax: true,
    erasableSyntaxOnly: true,
    rewriteRelativeImportExtensions: true,
    skipLibCheck: true,
    types: ['node'],
    rootDir: 'src',
    outDir: 'dist',
  },
  include: ['src'],
};

/** What starts the server: in production, and to try it out. */
function starters({ call }: Template, { ext }: Dialect): Readonly<Record<string, string>> {
  const printed = call
    .replaceAll('`', '\\`')
    .replaceAll('$URL', '${url}')
    .replaceAll('$TOKEN', '${token}');
  return {
    'src/main': `import { start } from './server.${ext}';

const { ISSUER: issuer, AUDIENCE: audience, HOST: host = '127.0.0.1', PORT = '3000' } = process.env;
if (!issuer || !audience) {
  throw new Error(
    'Set ISSUER and AUDIENCE as the access tokens of your provider have them. To try it without: npm run dev',
  );
}
// Most providers write their tokens in a way of their own: put their preset here, like auth0({ domain, audience }).
const { url } = await start({ issuer, audience }, { host, port: Number(PORT) });
console.log(\`Orders on \${url}, for access tokens of \${issuer}\`);
`,
    'src/dev': `// Tries it out with an issuer of tokens in this process. Never in production:
// it signs whatever it is told to.
import { testIssuer } from '@apisec/core/testing';
import { start } from './server.${ext}';

const issuer = testIssuer();
const { PORT = '3000' } = process.env;
const { url } = await start(issuer.trust, { host: '127.0.0.1', port: Number(PORT) });
const token = await issuer.token({ scope: 'orders:read' }, { expiresIn: '1h' });
console.log(\`Orders on \${url}. Allowed for an hour, and denied without the token:\\n\\n${printed}\\n\`);
`,
  };
}

function readme({ title }: Template, { ext }: Dialect, name: string): string {
  return `# ${name}

An API on ${title}, secured by [apisec](https://github.com/apisec/apisec). \`src/policy.${ext}\` says who may do what.

    npm install
    npm run dev     # prints a call that is allowed, with a token of an issuer in the same process
    npm test        # 200 with a token, 401 without

With your own provider:

    ${ext === 'ts' ? 'npm run build\n    ' : ''}ISSUER=https://id.example.com AUDIENCE=https://api.example.com npm start

\`HOST\` and \`PORT\` say where it listens; by default on this machine alone.
`;
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
