// The tests of core in the sandbox of Stryker, as the project "core" of the root runs them, but only those that
// main.mjs chose for the file that is mutated.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  ssr: { resolve: { conditions: ['@apisec/source'], externalConditions: ['@apisec/source'] } },
  test: {
    include: (process.env['MUTATION_TESTS'] ?? 'src/**/*.test.ts').split(','),
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
