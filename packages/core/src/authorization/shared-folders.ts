import { assertConfiguration } from '../lib/configuration-error.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { NOWHERE, type RelationContext } from './relation-info.ts';

/**
 * Options of {@link sharedFolders}. Each function gets the tenant of the call: if ids of folders or subjects are
 * unique within a tenant only, the same id in another one must not share anything.
 */
export interface SharedFoldersOptions<S extends string | number> {
  /** Whether a folder itself is shared with the subject. */
  readonly isShared: (
    subject: S,
    folder: string,
    context: RelationContext,
  ) => MaybePromise<boolean>;
  /** The folders that are themselves shared with the subject. */
  readonly sharedWith: (subject: S, context: RelationContext) => MaybePromise<readonly string[]>;
  /** The folder that a folder lies in. */
  readonly parentOf: (
    folder: string,
    context: RelationContext,
  ) => MaybePromise<string | null | undefined>;
  /** The folders that lie in any of these. */
  readonly childrenOf: (
    folders: readonly string[],
    context: RelationContext,
  ) => MaybePromise<readonly string[]>;
  /** How many levels a share reaches down. Default: 16. */
  readonly maxDepth?: number | undefined;
  /** More folders than this are not listed. Default: 10,000. */
  readonly maxFolders?: number | undefined;
}

/** Both sides of a relation, for `relation`. */
export interface FolderRelation<S extends string | number> {
  readonly check: (subject: S, folder: string, context?: RelationContext) => Promise<boolean>;
  readonly list: (subject: S, context?: RelationContext) => Promise<readonly string[]>;
}

/**
 * A share of a folder holds for the folders in it, down to a depth. Gives `check` (upwards from one folder) and
 * `list` (downwards from all shares) for a relation; both end where folders lie in each other in a circle.
 *
 * @throws ConfigurationError for a depth or number that is not a whole number above 0.
 * @example
 * const viewer = relation('viewer', sharedFolders({ isShared, sharedWith, parentOf, childrenOf }));
 * const view = rule.related(viewer, caller.id, document.folderId);
 */
export function sharedFolders<S extends string | number>(
  options: SharedFoldersOptions<S>,
): FolderRelation<S> {
  const where = 'sharedFolders';
  const callbacks = ['isShared', 'sharedWith', 'parentOf', 'childrenOf'] as const;
  assertKnownOptions(where, options, [...callbacks, 'maxDepth', 'maxFolders']);
  for (const name of callbacks) {
    assertConfiguration(
      typeof options[name] === 'function',
      `${where}: ${name} must be a function.`,
    );
  }
  const {
    isShared,
    sharedWith,
    parentOf,
    childrenOf,
    maxDepth = 16,
    maxFolders = 10_000,
  } = options;
  for (const [name, value, most] of [
    ['maxDepth', maxDepth, 64],
    ['maxFolders', maxFolders, 100_000],
  ] as const) {
    assertConfiguration(
      Number.isInteger(value) && value >= 1 && value <= most,
      `${where}: ${name} must be a whole number from 1 to ${most}.`,
    );
  }
  return Object.freeze({
    check: async (subject: S, folder: string, context: RelationContext = NOWHERE) => {
      const seen = new Set<string>();
      let at: string | null | undefined = folder;
      for (let depth = 0; depth <= maxDepth; depth++) {
        if (typeof at !== 'string' || at === '' || seen.has(at)) return false;
        seen.add(at);
        if ((await isShared(subject, at, context)) === true) return true;
        at = await parentOf(at, context);
      }
      return false;
    },
    list: async (subject: S, context: RelationContext = NOWHERE) => {
      const seen = new Set(asTexts(await sharedWith(subject, context)));
      let level = [...seen];
      for (let depth = 0; depth < maxDepth && level.length > 0; depth++) {
        if (seen.size > maxFolders)
          throw new RangeError(`${where}: more than ${maxFolders} folders`);
        level = asTexts(await childrenOf(level, context)).filter((each) => !seen.has(each));
        for (const each of level) seen.add(each);
      }
      if (seen.size > maxFolders) throw new RangeError(`${where}: more than ${maxFolders} folders`);
      return [...seen];
    },
  });
}

function asTexts(folders: readonly string[]): string[] {
  if (!Array.isArray(folders))
    throw new TypeError('sharedFolders: the list of folders is not a list');
  return folders.filter((each) => typeof each === 'string' && each !== '');
}
