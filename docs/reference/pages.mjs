import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const ANCHOR = /\{#([^}]+)\}|<a id="([^"]+)"/g;
const NAME = /^### ~*(\w+)(?:\(\))?~* \{#([^}]+)\}$/gm;

/** Writes the first page: every exported name, page by page. */
export function writeIndex(out, pages) {
  const parts = pages.map(({ path, title }) => {
    const text = readFileSync(join(out, `${path}.md`), 'utf8');
    const names = [...text.matchAll(NAME)].map(
      ([, name, anchor]) => `[${name}](./${path}.md#${anchor})`,
    );
    return `## [${title}](./${path}.md)\n\n${names.join(' · ')}\n`;
  });
  const first = `Every exported name, from the doc comments of the sources: what it denies or grants, its options with units
and defaults, and the codes that it gives.`;
  writeFileSync(join(out, 'index.md'), `# API reference\n\n${first}\n\n${parts.join('\n')}`);
}

/** Links to sources count from the entries that typedoc was given; here they count from the repository. */
export function mendSourceLinks(out) {
  for (const file of readdirSync(out, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.md')) continue;
    const path = join(out, file);
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replaceAll(/(\/blob\/main\/)(?:\.\.\/)+/g, '$1'));
  }
}

/** Links within the reference to a heading or a row that is not there; the site builder finds only missing pages. */
export function deadAnchors(out) {
  const files = readdirSync(out, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.md'),
  );
  const texts = new Map(files.map((file) => [file, readFileSync(join(out, file), 'utf8')]));
  const anchors = new Map(
    [...texts].map(([file, text]) => [
      file,
      new Set([...text.matchAll(ANCHOR)].map(([, heading, row]) => heading ?? row)),
    ]),
  );
  return [...texts].flatMap(([file, text]) =>
    [...text.matchAll(/\]\(([^)#:]*)#([^)]+)\)/g)]
      .filter(([, path = '', anchor]) => {
        const target = path === '' ? file : normalize(join(dirname(file), path));
        return anchors.get(target)?.has(anchor) !== true;
      })
      .map(([link]) => `${file} links to ${link.slice(2, -1)}, which is not there`),
  );
}
