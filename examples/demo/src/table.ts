/** A cell: what was answered, and whether that was right. */
export interface Cell {
  readonly text: string;
  readonly ok: boolean;
}

export interface Row {
  readonly name: string;
  /** What the policy should decide: `allowed`, or the code of the denial. */
  readonly decision: string;
  readonly cells: readonly Cell[];
}

export interface TableOptions {
  /** Above the cells. */
  readonly transports: readonly string[];
  readonly color: boolean;
  /** Characters in a line. Where the table would be wider, each denial gets a line of its own. */
  readonly width: number;
}

/** Draws rows as aligned text. */
export function drawTable(
  rows: readonly Row[],
  { transports, color, width }: TableOptions,
): string {
  const wide = align([
    ['scenario', 'decision', ...transports],
    ...rows.map(({ name, decision, cells }) => [name, decision, ...cells.map(cellText)]),
  ]);
  const fits = wide.every((line) => line.length <= width);
  const lines = fits ? wide : align([['scenario', ...transports], ...rows.flatMap(twoLines)]);
  const text = lines.join('\n');
  return color ? text.replace(/✓/g, GREEN).replace(/✗/g, RED) : text;
}

const GREEN = '\x1b[32m✓\x1b[0m';
const RED = '\x1b[31m✗\x1b[0m';

function twoLines({ name, decision, cells }: Row): readonly (readonly string[])[] {
  const first = [name, ...cells.map(cellText)];
  return decision === 'allowed' ? [first] : [first, [`  ${decision}`]];
}

function cellText({ text, ok }: Cell): string {
  return `${text} ${ok ? '✓' : '✗'}`;
}

function align(lines: readonly (readonly string[])[]): readonly string[] {
  const columns = Math.max(...lines.map((line) => line.length));
  const widths = Array.from({ length: columns }, (_, at) =>
    Math.max(...lines.map((line) => line[at]?.length ?? 0)),
  );
  return lines.map((line) =>
    line
      .map((text, at) => text.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
