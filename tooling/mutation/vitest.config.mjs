// The tests of core as the project "core" of the root runs them, with the changed source in the place of the one under
// test: main.mjs writes it, and chooses the tests.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

const job = JSON.parse(readFileSync(process.env['MUTATION_JOB'], 'utf8'));

export default defineConfig({
  root: join(import.meta.dirname, '../../packages/core'),
  ssr: { resolve: { conditions: ['@apisec/source'], externalConditions: ['@apisec/source'] } },
  plugins: [
    {
      name: 'changes',
      enforce: 'pre',
      load: (id) => (id === job.file ? job.instrumented : undefined),
    },
  ],
  test: {
    include: [job.test],
    runner: join(import.meta.dirname, 'runner.mjs'),
    // Threads end with the process, also when a change makes one loop for ever.
    pool: 'threads',
    maxWorkers: 1,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A change may leave a promise behind that nobody awaits.
    dangerouslyIgnoreUnhandledErrors: true,
  },
});
