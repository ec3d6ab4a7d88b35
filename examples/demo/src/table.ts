/** A cell: what was answered, and whether that was right. */
export interface Cell {
  readonly text: string;
  readonly ok: boolean;
  /** The text where a line has little room. Absent: the same. */
  readonly short?: string;
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
  /** Characters in a line. Where the table would be wider, cells are shorter; then denials get lines of their own. */
  readonly width: number;
}

/** Draws rows as aligned text. */
export function drawTable(
  rows: readonly Row[],
  { transports, color, width }: TableOptions,
): string {
  const draw = (
    heads: readonly string[],
    textOf: (cell: Cell) => string,
    gap?: string,
  ): readonly string[] =>
    align(
      [
        ['scenario', 'decision', ...heads],
        ...rows.map(({ name, decision, cells }) => [name, decision, ...cells.map(textOf)]),
      ],
      gap,
    );
  const layouts = [
    draw(transports, cellText),
    draw(transports.map(shortHead), shortText, ' '),
    align([['scenario', ...transports], ...rows.flatMap(twoLines)]),
  ];
  const lines = layouts.find((each) => each.every((line) => line.length <= width)) ?? layouts[2];
  const text = (lines ?? []).join('\n');
  return color ? text.replace(/✓/g, GREEN).replace(/✗/g, RED) : text;
}

const GREEN = '\x1b[32m✓\x1b[0m';
const RED = '\x1b[31m✗\x1b[0m';

function twoLines({ name, decision, cells }: Row): readonly (readonly string[])[] {
  const first = [name, ...cells.map(cellText)];
  return decision === 'allowed' ? [first] : [first, [`  ${decision}`]];
}

/** "Express" is "Expr.", above cells as wide as "200 ✓". */
function shortHead(name: string): string {
  return name.length > 6 ? `${name.slice(0, 4)}.` : name;
}

function shortText({ text, short = text, ok }: Cell): string {
  return `${short} ${ok ? '✓' : '✗'}`.trimStart();
}

function cellText({ text, ok }: Cell): string {
  return `${text} ${ok ? '✓' : '✗'}`;
}

function align(lines: readonly (readonly string[])[], gap = '  '): readonly string[] {
  const columns = Math.max(...lines.map((line) => line.length));
  const widths = Array.from({ length: columns }, (_, at) =>
    Math.max(...lines.map((line) => line[at]?.length ?? 0)),
  );
  return lines.map((line) =>
    line
      .map((text, at) => text.padEnd(widths[at] ?? 0))
      .join(gap)
      .trimEnd(),
  );
}
