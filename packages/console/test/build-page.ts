// Bundles src/page into src/assets.ts, so that users build nothing. A test holds the two together.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const page = join(import.meta.dirname, '../src/page');

/** The text of `src/assets.ts`. */
export async function assets(): Promise<string> {
  const bundle = async (entry: string): Promise<string> => {
    const { outputFiles } = await build({
      entryPoints: [join(page, entry)],
      bundle: true,
      minify: true,
      format: 'esm',
      target: ['chrome109', 'firefox115', 'safari16.4'],
      write: false,
      legalComments: 'none',
      charset: 'ascii',
      // What the machine that builds has set must not change what is built.
      tsconfigRaw: '{}',
    });
    return outputFiles[0]?.text ?? '';
  };
  const values = {
    PAGE: readFileSync(join(page, 'page.html'), 'utf8'),
    ICON: readFileSync(join(page, 'icon.svg'), 'utf8'),
    STYLE: await bundle('console.css'),
    SCRIPT: await bundle('main.ts'),
  };
  const lines = Object.entries(values).map(
    ([name, text]) => `export const ${name}: string =\n${literal(text)};\n`,
  );
  return `// Made of src/page by test/build-page.ts: pnpm --filter @apisec/console page\n${lines.join('')}`;
}

/** Lines of at most 100 columns. */
function literal(text: string): string {
  const parts = text.match(/[^]{1,60}/g) ?? [''];
  return parts.map((part) => `  ${JSON.stringify(part)}`).join(' +\n');
}

if (import.meta.filename === process.argv[1]) {
  writeFileSync(join(import.meta.dirname, '../src/assets.ts'), await assets());
}
