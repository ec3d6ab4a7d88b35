import { defineConfig } from 'vitest/config';

/** What starts many processes or runs for long: `npm run test:slow`. */
export default defineConfig({
  ssr: {
    resolve: { conditions: ['@apisec/source'], externalConditions: ['@apisec/source'] },
  },
  test: {
    include: ['{packages,examples}/*/test/**/*.slow.ts'],
    testTimeout: 60_000,
    reporters: ['default', './tooling/count-reporter.ts'],
  },
});
