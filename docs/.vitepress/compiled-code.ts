import { join } from 'node:path';
import { rendererRich, transformerTwoslash } from '@shikijs/twoslash';
import { createTwoslasher } from 'twoslash';
import { ModuleKind, ModuleResolutionKind, ScriptTarget } from 'typescript';

/**
 * Compiles the blocks that say `twoslash`, as users do, and writes types and errors into them. A block whose errors are
 * not those that it names fails the build.
 */
export const compiledCode = transformerTwoslash({
  explicitTrigger: true,
  renderer: rendererRich(),
  // Packages are looked up from there.
  twoslasher: createTwoslasher({ vfsRoot: join(import.meta.dirname, '..') }),
  twoslashOptions: {
    compilerOptions: {
      target: ScriptTarget.ES2022,
      module: ModuleKind.NodeNext,
      moduleResolution: ModuleResolutionKind.NodeNext,
      lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: true,
      customConditions: ['@apisec/source'],
      allowImportingTsExtensions: true,
      noEmit: true,
      types: ['node'],
    },
  },
});
