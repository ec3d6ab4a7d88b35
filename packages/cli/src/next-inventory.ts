import { readdir } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import type { ServedOperation } from '@apisec/core';
import { withoutNames } from '@apisec/core/host';
import { loadModule } from './load-module.ts';

/** What Next calls in a route file. */
const METHODS = ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
const ROUTE = /^route\.(ts|mts|js|mjs)$/;

/**
 * The route handlers of Next's App Router below its folder (`app`), each with the guard that `protect` put in front of
 * it. Imports each of the files, which runs their code. What stands in front of all of them (`middleware.ts`) is not
 * looked at: a handler is guarded by itself, or not at all.
 */
export async function nextInventory(folder: string): Promise<readonly ServedOperation[]> {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && ROUTE.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !segmentsOf(folder, file).some(isPrivate))
    .toSorted();
  const served: ServedOperation[] = [];
  for (const file of files) {
    const { pick } = await loadModule(file);
    const path = pathOf(segmentsOf(folder, file));
    for (const method of METHODS) {
      const handler = pick(method);
      if (handler === undefined) continue;
      const operation = `${method} ${path}`;
      served.push({ operation, protocol: 'http', admissions: admissionsOf(handler) });
    }
  }
  return served;
}

function segmentsOf(folder: string, file: string): readonly string[] {
  const below = relative(folder, dirname(file));
  return below === '' ? [] : below.split(sep);
}

/** Next routes nothing to these folders. */
function isPrivate(segment: string): boolean {
  return segment.startsWith('_') || segment === 'node_modules';
}

/** As other adapters write paths: `[id]` is `:id`, `[...rest]` is `*rest`. Groups and slots are not part of a path. */
function pathOf(segments: readonly string[]): string {
  const parts = segments
    .filter((segment) => !/^\(.*\)$|^@/.test(segment))
    .map((segment) =>
      segment
        .replace(/^\[\[\.\.\.(.+)\]\]$/, '*$1')
        .replace(/^\[\.\.\.(.+)\]$/, '*$1')
        .replace(/^\[(.+)\]$/, ':$1')
        // Written so where a folder could not begin with an underscore otherwise.
        .replace(/^%5F/i, '_'),
    );
  return `/${parts.join('/')}`;
}

function admissionsOf(handler: unknown): readonly object[] {
  if (typeof handler !== 'function' || !('admission' in handler)) return [];
  const { admission } = handler;
  // A table names operations by the path of each call, which no file says: what all of its entries have counts.
  return typeof admission === 'object' && admission !== null ? [withoutNames(admission)] : [];
}
