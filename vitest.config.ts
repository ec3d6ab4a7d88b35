import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

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

const STATELESS = new Set([
  'accounts',
  'apollo',
  'cli',
  'core',
  'create-apisec',
  'egress',
  'express',
  'fastify',
  'graphql',
  'grpc',
  'hono',
  'insights',
  'node',
  'oauth',
  'otel',
  'postgres',
  'redis',
]);

export default defineConfig({
  test: {
    projects: [
      ...workspaces.map(({ name, dir }) => ({
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
          include: ['{src,test}/**/*.test.ts'],
          // These keep no state outside of what their factories return, and loading them for each file takes half of
          // the time.
          isolate: !STATELESS.has(name),
          testTimeout: 30_000,
          hookTimeout: 60_000,
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
    reporters: ['default', './tooling/count-reporter.ts'],
    coverage: {
      provider: 'v8',
      include: ['packages/*/src/**/*.ts'],
      exclude: ['**/*.test.ts', '**/*.test-d.ts', 'packages/conformance/**'],
      reporter: ['text', 'lcov', 'json-summary'],
    },
  },
});
