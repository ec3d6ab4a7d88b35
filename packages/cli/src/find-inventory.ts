import { stat } from 'node:fs/promises';
import type { ServedOperation } from '@apisec/core';
import { isObject } from '@apisec/core/host';
import { UsageError } from './command.ts';
import { finished, type LoadedModule, loadModule } from './load-module.ts';
import { nextInventory } from './next-inventory.ts';

type Inventory = readonly ServedOperation[];

/**
 * What an application serves. Of a module: what it exports as `inventory` (a list, or a function that answers one), or
 * what the adapter finds in the application that it exports as `app`, `server` or by default. Of a folder: the route
 * handlers of Next in it.
 *
 * @throws UsageError when it exports neither, and where it serves nothing: that would be found to lack nothing.
 */
export async function findInventory(path: string | undefined): Promise<Inventory> {
  const isFolder = path !== undefined && (await isDirectory(path));
  const inventory = isFolder
    ? await nextInventory(path)
    : await inventoryIn(await loadModule(path));
  if (inventory.length > 0) return inventory;
  throw new UsageError(
    'the application serves no operation yet: export it once its routes and services are there.',
  );
}

async function inventoryIn(module: LoadedModule): Promise<Inventory> {
  const own = module.pick('inventory');
  if (own !== undefined) {
    const list: unknown = await finished(typeof own === 'function' ? own() : own, 'inventory');
    if (!Array.isArray(list) || !list.every(isServed))
      throw new UsageError('inventory must be a list of operations, like inventoryOf(app).');
    return list;
  }
  const app = await finished(module.pick('app', 'server', 'default'), 'the application');
  const adapter = adapterOf(app);
  if (adapter === undefined) {
    throw new UsageError(
      'the module must export app (Express, Fastify, Hono), server (gRPC), or inventory: a list or a function.',
    );
  }
  // What the adapter takes for granted of its own framework was looked at by adapterOf.
  if (adapter === '@apisec/fastify') {
    await finished((app as { ready: () => Promise<unknown> }).ready(), 'the application');
  }
  const { inventoryOf } = await module.require(adapter);
  if (typeof inventoryOf !== 'function') {
    throw new UsageError(`${adapter} is too old: it has no inventoryOf.`);
  }
  return (inventoryOf as (app: unknown) => Inventory)(app);
}

function isServed(value: unknown): value is ServedOperation {
  return (
    isObject(value) && typeof value['operation'] === 'string' && Array.isArray(value['admissions'])
  );
}

async function isDirectory(path: string): Promise<boolean> {
  // The import reports what is missing.
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

function adapterOf(app: unknown): string | undefined {
  if (app === null || (typeof app !== 'object' && typeof app !== 'function')) return undefined;
  const has = (...names: readonly string[]): boolean =>
    names.every((name) => typeof Reflect.get(app, name) === 'function');
  if (has('addService', 'bindAsync')) return '@apisec/grpc';
  if (has('printRoutes', 'ready', 'addHook')) return '@apisec/fastify';
  if (has('fetch', 'route') && Array.isArray(Reflect.get(app, 'routes'))) return '@apisec/hono';
  return typeof app === 'function' && has('use', 'handle') ? '@apisec/express' : undefined;
}
