import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { ProcessOptions } from './compile.ts';
import { GROWTH, type GrowthGroup, isGrowthGroup } from './growth.ts';

/** The cost of one decision where there is so much of something. */
export interface GrowthRow {
  readonly group: GrowthGroup;
  readonly size: number;
  readonly cpuMicros: number;
}

/** Measures every kind of growth at both its ends, each in a fresh process. */
export async function measureGrowth(options: ProcessOptions): Promise<readonly GrowthRow[]> {
  const rows: GrowthRow[] = [];
  for (const group of Object.keys(GROWTH).filter(isGrowthGroup)) {
    for (const size of GROWTH[group].sizes) {
      rows.push({ group, size, cpuMicros: await measure(group, size, options) });
    }
  }
  return rows;
}

async function measure(
  group: GrowthGroup,
  size: number,
  { folder, extension, nodeOptions }: ProcessOptions,
): Promise<number> {
  const child = spawn(
    process.execPath,
    [...nodeOptions, join(folder, `growth-process${extension}`), group, String(size)],
    { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] },
  );
  let best: number | undefined;
  child.on('message', (value: number) => {
    best = value;
  });
  await once(child, 'exit');
  if (best === undefined) throw new Error(`Growth of ${group} to ${size} was not measured.`);
  return best;
}
