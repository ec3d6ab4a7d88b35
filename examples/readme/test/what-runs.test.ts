import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { importable, snippetsOf } from '../src/snippets.ts';

const root = join(import.meta.dirname, '../../..');
const packages = importable(root);

/** Blocks of guides that are compiled and not run, each with a test that runs the same calls. */
const COMPILED: Readonly<Record<string, string>> = {
  'console 1': 'packages/console/test/console.test.ts',
  'errors 1': 'packages/node/src/client-errors.test.ts',
  'grpc 0': 'packages/grpc/test/secure.test.ts',
  'grpc 1': 'packages/grpc/test/secure-server-options.test.ts',
  'grpc 2': 'packages/grpc/test/secure-client.test.ts',
  'logging 1': 'packages/postgres/src/audit/audit-chain.test.ts',
  'logging 2': 'packages/core/src/audit/audit.test.ts',
  'logging 3': 'packages/core/src/api-keys/api-keys.test.ts',
  'logging 4': 'packages/postgres/src/audit/audit-chain.test.ts',
  'logging 5': 'packages/postgres/src/audit/chain-lines.test.ts',
  'metrics 2': 'packages/insights/src/usage-history.test.ts',
  'mtls 0': 'packages/grpc/test/tls-files.test.ts',
  'mtls 2': 'packages/grpc/test/tls-files.test.ts',
  'node-servers 0': 'packages/node/src/server-options.test.ts',
  'ssrf 2': 'packages/egress/src/consume/consume.test.ts',
  'tenants 0': 'packages/core/src/tenancy/require-tenant.test.ts',
  'tenants 1': 'packages/core/src/tenancy/resolve-tenant.test.ts',
  'tenants 2': 'packages/postgres/src/tenants/with-tenant.test.ts',
  'tenants 3': 'packages/core/src/tenancy/tenant-scope.test.ts',
  'tenants 4': 'packages/core/src/tenancy/tenant-pools.test.ts',
  'webhooks 1': 'examples/webhooks/test/webhooks.test.ts',
};
/** Their blocks are whole files, which pages.test.ts runs. */
const WHOLE = ['callers', 'coverage', 'web-sockets'];

/** Guides and blocks, as tests name them for `runGuide`. */
const run = new Set(
  readdirSync(import.meta.dirname)
    .filter((file) => file.startsWith('running-'))
    .map((file) => readFileSync(join(import.meta.dirname, file), 'utf8'))
    .flatMap((text) => [...text.matchAll(/runGuide\(\s*'([\w-]+)',\s*\[([\d, ]+)\]/g)])
    .flatMap(([, guide, list = '']) => list.split(',').map((at) => `${guide} ${Number(at)}`)),
);

test('every block of code in the guides is run, or says which test runs the same', () => {
  const blocks = readdirSync(join(root, 'docs/guides'))
    .map((page) => page.replace('.md', ''))
    .filter((guide) => !WHOLE.includes(guide))
    .flatMap((guide) =>
      snippetsOf(join(root, `docs/guides/${guide}.md`), [], packages).map(
        (_snippet, at) => `${guide} ${at}`,
      ),
    );
  expect(blocks.filter((block) => !run.has(block))).toEqual(Object.keys(COMPILED));
  expect([...run].filter((block) => !blocks.includes(block))).toEqual([]);
  for (const file of Object.values(COMPILED)) expect(existsSync(join(root, file)), file).toBe(true);
});
