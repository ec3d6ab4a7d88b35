import { boundedCache } from '@apisec/core/host';
import type { DocumentNode } from 'graphql';
import type { Plugin } from 'graphql-yoga';

/** Characters of documents that are left to the cache of Yoga. */
const SHORT = 1_000;
/** Characters of all longer ones that are kept here; each takes some hundred bytes of memory at worst. */
const MOST_CHARACTERS = 1_000_000;

type Init = Parameters<NonNullable<Plugin['onPluginInit']>>[0];

/** What was parsed, or why it was not. */
interface Hidden {
  readonly text: string;
  readonly result: unknown;
}

/**
 * Keeps long documents out of the cache of Yoga. That one holds the last 1,024 that were parsed, valid or not, and a
 * document of 100 kB takes up to 7 MB of memory: a few hundred of them would end the process. Here only valid ones are
 * kept, and their size counts.
 */
export function keepLongDocuments({ plugins }: Init): void {
  const at = plugins.findLastIndex(isCache);
  const [cache] = at < 0 ? [] : plugins.slice(at, at + 1);
  // Switched off by the user.
  if (!cache) return;
  const kept = boundedCache<DocumentNode>({ maxEntries: 2_000, maxBytes: MOST_CHARACTERS });
  const hidden = new WeakMap<object, Hidden>();
  const before: Plugin = {
    onParse: ({ context, params, setParsedDocument }) => {
      const text = String(params.source);
      if (text.length <= SHORT) return undefined;
      const known = kept.get(text);
      if (known) setParsedDocument(known);
      return ({ result, replaceParseResult }) => {
        hidden.set(context, { text, result });
        // Where there is nothing, the cache keeps nothing.
        replaceParseResult(null);
      };
    },
  };
  const behind: Plugin = {
    onParse:
      ({ context }) =>
      ({ result, replaceParseResult }) => {
        if (result === null) replaceParseResult(hidden.get(context)?.result);
      },
    onValidate:
      ({ context, params: { documentAST } }) =>
      ({ valid }) => {
        const long = hidden.get(context);
        if (valid && long) kept.set(long.text, documentAST as DocumentNode, long.text.length);
      },
  };
  plugins.splice(at, 1, before, cache, behind);
}

/** Yoga gives it no name; no other plugin of it has just these two members. */
function isCache(plugin: object | undefined | false): boolean {
  return plugin ? Object.keys(plugin).toSorted().join() === 'onParse,onValidate' : false;
}
