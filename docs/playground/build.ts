// Builds the playground into docs/public/playground: a page, and a frame that holds everything it runs.
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const here = import.meta.dirname;

async function bundle(file: string, format: 'esm' | 'iife'): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(here, file)],
    bundle: true,
    minify: true,
    write: false,
    format,
    platform: 'browser',
    target: 'es2022',
    conditions: ['@apisec/source', 'browser', 'import'],
    logLevel: 'error',
  });
  // Nothing in a script element may look like its end, or like a comment.
  return (outputFiles[0]?.text ?? '').replaceAll('</', '<\\/').replaceAll('<!--', '\\x3c!--');
}

/** Writes all of it into `out`. */
export async function buildPlayground(out: string): Promise<void> {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  for (const file of ['index.html', 'page.css']) cpSync(join(here, file), join(out, file));
  writeFileSync(join(out, 'page.js'), await bundle('page.ts', 'esm'));
  const script = await bundle('frame.ts', 'iife');
  const hash = createHash('sha256').update(script).digest('base64');
  // Its one script by its hash, the visitor's code, and no way out: no connection, picture or form.
  const policy = `default-src 'none'; script-src 'sha256-${hash}' 'unsafe-eval'; form-action 'none'`;
  writeFileSync(
    join(out, 'frame.html'),
    `<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy}">
<title>Runs the policy</title><script>${script}</script>\n`,
  );
}

if (process.argv[1] === import.meta.filename) {
  await buildPlayground(join(here, '../public/playground'));
}
