import { join } from 'node:path';
import { allowAnonymous, coverageReport, definePolicy, guard, pass } from '@apisec/core';
import { documentedOperations, guardService, inventoryOf, secure } from '@apisec/grpc';
import { Server } from '@grpc/grpc-js';
import { fromJSON, loadSync } from '@grpc/proto-loader';
import { expect, test } from 'vitest';
import { adminService, shopService } from './shop.ts';

const limit = definePolicy({
  name: 'limit',
  role: 'check',
  purposes: ['limit'],
  check: () => pass(),
});
const open = guard().use(allowAnonymous());
const limited = guard().use(limit).use(allowAnonymous());
const methods = { ...guardService(shopService, limited), ...guardService(adminService, open) };

function problemsOf(server: Server): readonly string[] {
  return coverageReport(inventoryOf(server), { require: ['grant', 'limit'] }).problems;
}

function shop(...interceptors: ReturnType<typeof secure>[]): Server {
  const server = new Server({ interceptors });
  server.addService(shopService, {});
  server.addService(adminService, {});
  return server;
}

test('each method is reported with its guard, however it was mounted', () => {
  const covered = shop();
  secure(covered, { methods });
  const told = problemsOf(covered);
  expect(told).toEqual(Object.values(adminService).map(({ path }) => `${path} lacks limit.`));
  expect(problemsOf(shop(secure({ methods })))).toEqual(told);
});

test('a server that nothing covers is open', () => {
  const count = [...Object.values(shopService), ...Object.values(adminService)].length;
  const told = problemsOf(shop());
  expect(told).toHaveLength(count);
  expect(told[0]).toMatch(/has no guard/);
});

test('served operations are compared with a proto file', () => {
  const documented = documentedOperations(loadSync(join(import.meta.dirname, 'shop.proto')));
  const server = shop();
  secure(server, { methods });
  expect(coverageReport(inventoryOf(server), { documented }).differences?.missing).toEqual([]);
  const old = fromJSON({
    nested: {
      a: {
        nested: {
          M: { fields: {} },
          S: {
            methods: {
              Get: {
                requestType: 'M',
                responseType: 'M',
                options: { deprecated: true },
                parsedOptions: [{ deprecated: true }],
                comment: '',
              },
            },
          },
        },
      },
    },
  });
  expect(documentedOperations(old)).toEqual([{ operation: '/a.S/Get', deprecated: true }]);
});
