import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { defineConfig } from 'vitepress';
import { compiledCode } from './compiled-code.ts';
import { measuredTables } from './measured.ts';
import { sourceLinks } from './source-links.ts';
import { standardTables } from './standards/tables.ts';

const docs = join(import.meta.dirname, '..');

/** Guides in the order of the menu. A guide that is not listed here is put at the end, so none is lost. */
const GUIDES: readonly (readonly [heading: string, names: readonly string[]])[] = [
  [
    'Who calls',
    [
      'providers',
      'api-keys',
      'callers',
      'service-tokens',
      'device',
      'mtls',
      'dpop',
      'revocation',
      'web-sockets',
    ],
  ],
  ['Signing in', ['login', 'bff', 'password-login', 'second-factors', 'passkeys']],
  ['Who may', ['roles', 'attributes', 'objects-and-lists', 'tenants']],
  ['What comes and goes', ['validation', 'requests', 'errors', 'versions', 'webhooks', 'ssrf']],
  ['Browsers', ['headers', 'cors', 'csrf']],
  [
    'GraphQL and gRPC',
    ['graphql-limits', 'field-authorization', 'subscriptions', 'trusted-documents', 'grpc'],
  ],
  [
    'Operation',
    [
      'logging',
      'incident',
      'metrics',
      'console',
      'coverage',
      'testing',
      'command-line',
      'scanners',
      'node-servers',
    ],
  ],
];

interface Item {
  readonly text: string;
  readonly link: string;
}

/** The menu shows a title as it is written, so without marks of code. */
const titleOf = (file: string): string =>
  /^# (.+)$/m.exec(readFileSync(file, 'utf8'))?.[1]?.replaceAll('`', '') ?? basename(file, '.md');

const pages = (folder: string): readonly string[] =>
  readdirSync(join(docs, folder))
    .filter((file) => file.endsWith('.md'))
    .map((file) => basename(file, '.md'))
    .toSorted();

const item = (folder: string, name: string): Item => ({
  text: titleOf(join(docs, folder, `${name}.md`)),
  link: `/${folder}/${name}`,
});

function guides() {
  const there = new Set(pages('guides'));
  const groups = GUIDES.map(([text, names]) => ({
    text,
    items: names.filter((name) => there.delete(name)).map((name) => item('guides', name)),
  }));
  const others = [...there].map((name) => item('guides', name));
  return [...groups, { text: 'More', items: others }].filter(({ items }) => items.length > 0);
}

const folder = (text: string, name: string) => ({
  text,
  collapsed: true,
  items: pages(name)
    .filter((page) => page !== 'index' && !page.startsWith('['))
    .map((page) => item(name, page)),
});

/** The pages that `docs/reference/build.mjs` has written. */
function reference(): readonly Item[] {
  const menu = join(docs, 'api/menu.json');
  return existsSync(menu) ? (JSON.parse(readFileSync(menu, 'utf8')) as Item[]) : [];
}

export default defineConfig({
  title: 'apisec',
  description: 'One API security policy, enforced the same way over REST, GraphQL and gRPC.',
  cleanUrls: true,
  // Fonts and everything else come from the site itself.
  appearance: true,
  markdown: {
    config: (md) => md.use(standardTables).use(measuredTables).use(sourceLinks, docs),
    codeTransformers: [compiledCode],
  },
  themeConfig: {
    search: { provider: 'local' },
    nav: [
      { text: 'Start here', link: '/start' },
      { text: 'Guides', link: '/guides/roles' },
      { text: 'Playground', link: '/playground/index.html', target: '_self' },
      { text: 'API', link: '/api/' },
      { text: 'Denials', link: '/denials/' },
      { text: 'Benchmarks', link: '/benchmarks' },
    ],
    sidebar: [
      {
        text: 'Begin',
        items: [
          { text: 'Start here', link: '/start' },
          { text: 'Requirements', link: '/requirements' },
          { text: 'Concepts', link: '/concepts' },
          { text: 'What the compiler tells you', link: '/compile-time' },
          { text: 'Troubleshooting', link: '/troubleshooting' },
          { text: 'Production checklist', link: '/checklist' },
        ],
      },
      ...guides(),
      {
        text: 'Proof',
        items: [
          { text: 'Beside the usual stacks', link: '/comparison' },
          { text: 'OWASP API Top 10', link: '/owasp' },
          { text: 'ASVS 5.0', link: '/asvs' },
          { text: 'Pitfalls, each with its test', link: '/pitfalls' },
          { text: 'Tried on real servers', link: '/tried' },
          { text: 'Mutation scores', link: '/mutation' },
          { text: 'Runtimes', link: '/runtimes' },
          { text: 'Benchmarks', link: '/benchmarks' },
          { text: 'Benchmarks: the latest runs', link: '/measured' },
          { text: 'Limits: what each admits', link: '/limits/README' },
        ],
      },
      {
        text: 'Reference',
        items: [
          { text: 'Denial codes', link: '/denials/' },
          { text: 'API: every name', link: '/api/' },
          { text: 'Glossary', link: '/glossary' },
          { text: 'Architecture', link: '/architecture' },
        ],
      },
      { text: 'API by package', collapsed: true, items: [...reference()] },
      folder('Moving over', 'migrating'),
      folder('Decisions', 'decisions'),
    ],
    socialLinks: [{ icon: 'github', link: 'https://github.com/apisec/apisec' }],
    outline: [2, 3],
  },
});
