import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import LongestFirst from './tooling/longest-first.ts';

const root = import.meta.dirname;

const workspaces = ['packages', 'examples'].flatMap((folder) =>
  existsSync(`${root}/${folder}`)
    ? readdirSync(`${root}/${folder}`, { withFileTypes: true })
        .filter(
          (entry) =>
            entry.isDirectory() && existsSync(`${root}/${folder}/${entry.name}/package.json`),
        )
        .map((entry) => ({
          name: folder === 'packages' ? entry.name : `example-${entry.name}`,
          dir: `${root}/${folder}/${entry.name}`,
        }))
    : [],
);
workspaces.push({ name: 'bench', dir: `${root}/bench` });

const testsIn = ({ dir }: { readonly dir: string }) =>
  `${dir.slice(root.length + 1)}/{src,test}/**/*.test.ts`;

/**
 * A whole run is one project, since each project reads and compiles every file of its own: one by one, core would be
 * compiled for forty of them. Whoever asks for some by name, `--project core`, gets workspaces by themselves.
 */
const isWhole = !process.argv.some((argument) => argument.startsWith('--project'));
const projects = isWhole
  ? [{ name: 'all', dir: root, include: workspaces.flatMap(testsIn) }]
  : workspaces.map(({ name, dir }) => ({ name, dir, include: ['{src,test}/**/*.test.ts'] }));

// A shared machine may pause for seconds. What is wrong is wrong twice, and what passed only then is named at the end.
const retry = process.env['CI'] === undefined ? 0 : 1;

export default defineConfig({
  test: {
    projects: [
      ...projects.map(({ name, dir, include }) => ({
        root: dir,
        // Tests run from source: no build comes first, and a stack trace shows the line that was written.
        ssr: {
          resolve: { conditions: ['@apisec/source'], externalConditions: ['@apisec/source'] },
        },
        // The file that Node takes: with the other one there would be a second graphql beside Apollo's.
        resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
        // A bound against hanging, not a measurement: machines that run the tests may be busy.
        test: {
          name,
          include,
          // Files share a process: what a module keeps is left to the next file, and all is loaded once, in a third of
          // the time. `kept-globals` names the file that leaves what it replaced.
          isolate: false,
          retry,
          testTimeout: 60_000,
          hookTimeout: 120_000,
          expect: { poll: { timeout: 20_000 } },
          setupFiles: [`${root}/tooling/kept-globals.ts`],
        },
      })),
      {
        test: {
          name: 'types',
          include: [],
          typecheck: {
            enabled: true,
            only: true,
            include: ['packages/*/{src,test}/**/*.test-d.ts', 'examples/*/test/**/*.test-d.ts'],
            tsconfig: './tsconfig.types.json',
          },
        },
      },
    ],
    // One more than there are cores, since many wait for servers; with more, tests of limits and deadlines get flaky.
    maxWorkers: Math.min(4, availableParallelism() + 1),
    sequence: { sequencer: LongestFirst },
    reporters: ['default', './tooling/count-reporter.ts'],
    coverage: {
      provider: 'v8',
      include: ['packages/*/src/**/*.ts'],
      exclude: [
        '**/*.test.ts',
        '**/*.test-d.ts',
        'packages/conformance/**',
        // Written by a program: one function, 40 times.
        'packages/core/src/data/copy-sites.ts',
      ],
      reporter: ['text', 'lcov', 'json-summary'],
    },
  },
});
