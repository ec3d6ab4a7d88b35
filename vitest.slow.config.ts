import { defineConfig } from 'vitest/config';

const root = import.meta.dirname;
const source = {
  resolve: { conditions: ['@apisec/source'], externalConditions: ['@apisec/source'] },
};

/** What starts many processes or runs for long: `npm run test:slow`. */
export default defineConfig({
  test: {
    projects: [
      {
        ssr: source,
        test: {
          name: 'slow',
          include: ['{packages,examples}/*/test/**/*.slow.ts', 'docs/test/**/*.slow.ts'],
          testTimeout: 60_000,
        },
      },
      {
        // What is tested with graphql 16 everywhere else, with 17.
        root: `${root}/packages/graphql`,
        ssr: source,
        resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql-17' }] },
        test: {
          name: 'graphql-17',
          include: ['{src,test}/**/*.test.ts'],
          testTimeout: 30_000,
          // Otherwise Node would load them beside the other graphql.
          server: { deps: { inline: [/graphql|@envelop/] } },
        },
      },
    ],
    reporters: ['default', './tooling/count-reporter.ts'],
  },
});
