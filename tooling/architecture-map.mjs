// Draws docs/public/packages.svg and docs/public/core.svg from what the sources import: `node
// tooling/architecture-map.mjs` writes them, `--check` fails where they no longer show what the sources do.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { folderOf, importsOf, packageOf, packagesWithSource } from './imports.mjs';
import { publicPackages } from './public-packages.mjs';

const root = join(import.meta.dirname, '..');
const byText = (one, other) => (one < other ? -1 : 1);

const LINE = 18;
const GAP = { x: 14, y: 60, margin: 12 };

const maps = [
  {
    file: 'docs/public/packages.svg',
    title: 'Packages, and which imports which',
    graph: packages(),
  },
  {
    file: 'docs/public/core.svg',
    title: 'Folders of core, and which imports which',
    graph: core(),
  },
];
const stale = maps.filter(({ file, title, graph }) => {
  const [path, drawn] = [join(root, file), draw(title, graph)];
  if (existsSync(path) && readFileSync(path, 'utf8') === drawn) return false;
  if (!process.argv.includes('--check')) writeFileSync(path, drawn);
  return true;
});
if (process.argv.includes('--check')) {
  for (const { file } of stale) console.error(`${file} is old: node tooling/architecture-map.mjs`);
  process.exitCode = stale.length > 0 ? 1 : 0;
}

/** Public packages -> the packages of this repository that they import. */
function packages() {
  // Those without sources are no libraries: what begins projects, for one.
  const sources = new Set(packagesWithSource());
  const found = publicPackages().filter(({ folder }) => sources.has(folder));
  const known = new Map(found.map(({ folder, manifest }) => [manifest.name, folder]));
  const targets = (folder) =>
    importsOf(folder).flatMap(({ others }) => others.map((other) => known.get(packageOf(other))));
  return graphOf(found.map(({ folder }) => [folder, targets(folder)]));
}

/** Folders of core -> the folders that they import. What gathers all of them (index.ts, testing) is left out. */
function core() {
  const files = importsOf('core').filter(
    ({ file }) => file.includes('/') && !file.startsWith('testing/'),
  );
  const names = [...new Set(files.map(({ file }) => folderOf(file)))];
  const targets = (name) =>
    files.filter(({ file }) => folderOf(file) === name).flatMap((each) => each.files.map(folderOf));
  return graphOf(names.map((name) => [name, targets(name)]));
}

function graphOf(entries) {
  const names = new Set(entries.map(([name]) => name));
  return new Map(
    entries.map(([name, targets]) => [
      name,
      [...new Set(targets)]
        .filter((target) => names.has(target) && target !== name)
        .toSorted(byText),
    ]),
  );
}

/** Whether `to` is imported by `from` through others, so that an arrow of its own would show nothing new. */
function isReachedThroughOthers(graph, from, to) {
  const reach = (name) => name === to || graph.get(name).some(reach);
  return graph.get(from).some((via) => via !== to && reach(via));
}

/** The arrows to draw: without those that others already show. */
function reduced(graph) {
  return new Map(
    [...graph].map(([from, targets]) => [
      from,
      targets.filter((to) => !isReachedThroughOthers(graph, from, to)),
    ]),
  );
}

/** Boxes: what nothing imports and what imports the same shares one. */
function boxesOf(graph) {
  const imported = new Set([...graph.values()].flat());
  const boxes = new Map();
  for (const [name, targets] of [...graph].toSorted(([one], [other]) => byText(one, other))) {
    const key = imported.has(name) ? name : `* ${targets.join()}`;
    boxes.set(key, { names: [...(boxes.get(key)?.names ?? []), name], targets });
  }
  return [...boxes.values()].map(({ names, targets }) => {
    const lines = chunks(names, 4).map((line) => line.join(', '));
    const longest = Math.max(...lines.map(({ length }) => length));
    return { names, targets, lines, width: 24 + 7 * longest, height: 12 + LINE * lines.length };
  });
}

/** Rows from the top: each box stands above all that it imports. */
function rowsOf(graph, boxes) {
  const depth = (name) => 1 + Math.max(-1, ...graph.get(name).map(depth));
  const rows = [];
  for (const box of boxes) {
    const at = depth(box.names[0]);
    rows[at] = [...(rows[at] ?? []), box];
  }
  return rows.toReversed();
}

/** In pieces of at most so many, as equal as can be. */
function chunks(list, most) {
  const count = Math.ceil(list.length / most);
  const size = Math.ceil(list.length / count);
  return Array.from({ length: count }, (_, index) => list.slice(index * size, (index + 1) * size));
}

function draw(title, graph) {
  const shown = reduced(graph);
  const rows = rowsOf(shown, boxesOf(shown));
  const widthOf = (row) => row.reduce((sum, { width }) => sum + width + GAP.x, -GAP.x);
  const width = Math.max(...rows.map(widthOf)) + 2 * GAP.margin;
  let y = GAP.margin;
  const place = new Map();
  for (const row of rows) {
    const height = Math.max(...row.map((box) => box.height));
    let x = (width - widthOf(row)) / 2;
    for (const box of row) {
      const at = { x, y: y + (height - box.height) / 2, width: box.width, height: box.height };
      for (const name of box.names) place.set(name, at);
      Object.assign(box, at);
      x += box.width + GAP.x;
    }
    y += height + GAP.y;
  }
  const boxes = rows.flat();
  const arrows = boxes.flatMap((box) => box.targets.map((to) => arrow(box, place.get(to))));
  const drawn = boxes.map(
    ({ x, y: top, width: wide, height, lines }) =>
      `  <rect x="${x}" y="${top}" width="${wide}" height="${height}"/>` +
      lines
        .map((line, at) => `<text x="${x + wide / 2}" y="${top + 19 + at * LINE}">${line}</text>`)
        .join(''),
  );
  const told = [...graph].map(([name, to]) => `${name}: ${to.join(', ') || 'nothing'}`).join('; ');
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" viewBox="0 0 ${width} ${y - GAP.y + GAP.margin}" role="img" aria-labelledby="t d" font-family="system-ui, sans-serif" font-size="13">
  <title id="t">${title}</title>
  <desc id="d">${told}.</desc>
  <style>
    rect { fill: #ffffff; stroke: #6b7280; stroke-width: 1.5; rx: 6 }
    text { fill: #374151; text-anchor: middle }
    path { fill: none; stroke: #9ca3af; stroke-width: 1.2; marker-end: url(#a) }
  </style>
  <defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" style="fill:#9ca3af;stroke:none;marker-end:none"/></marker></defs>
${[...arrows, ...drawn].join('\n')}
</svg>
`;
}

/** From the lower edge of one box to the upper edge of another. */
function arrow(from, to) {
  const [x1, y1] = [from.x + from.width / 2, from.y + from.height];
  const [x2, y2] = [to.x + to.width / 2, to.y - 1];
  const bend = (y2 - y1) / 2;
  return `  <path d="M${x1} ${y1}C${x1} ${y1 + bend} ${x2} ${y2 - bend} ${x2} ${y2}"/>`;
}
