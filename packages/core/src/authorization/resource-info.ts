import { assertConfiguration } from '../lib/configuration-error.ts';
import type { SourceInfo } from './attributes.ts';

/** What is known of a resource beside its fields. */
export interface ResourceInfo<Name extends string = string> extends SourceInfo {
  readonly name: Name;
  readonly id: string;
  readonly tenant: { readonly field: string; readonly of: (facts: object) => unknown } | undefined;
  readonly hidden: boolean;
}

const infos = new WeakMap<object, ResourceInfo>();
const bySource = new WeakMap<SourceInfo, ResourceInfo>();

/** Keeps what `resource` has made, for those who are handed its selectors. */
export function keepResource(attributes: object, source: SourceInfo, info: ResourceInfo): void {
  infos.set(attributes, info);
  bySource.set(source, info);
}

/** The resource that a source is, if it is one. */
export function resourceOf(source: SourceInfo): ResourceInfo | undefined {
  return bySource.get(source);
}

/** @throws ConfigurationError for anything that `resource` did not make. */
export function resourceInfo(where: string, of: unknown): ResourceInfo {
  const info = typeof of === 'object' && of !== null ? infos.get(of) : undefined;
  assertConfiguration(
    info !== undefined,
    `${where}: the resource must be made by resource({ name, fields, id, tenant }).`,
  );
  return info;
}
