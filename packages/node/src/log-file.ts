import { closeSync, createWriteStream, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import type { Writable } from 'node:stream';

/**
 * A file that lines are appended to, for `jsonLines`. A process that is killed in the middle of a write leaves half a
 * line: the next line begins after it, so that no whole event is appended to the rest of a torn one. A file that it
 * creates is readable only by its owner (0600): a trail says who calls what.
 *
 * The file is opened once, and not again after a rotation: rotate it by copying and truncating (`copytruncate`).
 *
 * @throws Error of `node:fs` if the file cannot be opened.
 * @example
 * const log = audit({ sinks: [jsonLines(logFile('audit.log'))] });
 */
export function logFile(path: string): Writable {
  const descriptor = openSync(path, 'a', 0o600);
  if (isTorn(path, descriptor)) writeSync(descriptor, '\n');
  return createWriteStream(path, { fd: descriptor });
}

/** Whether the file ends in the middle of a line. What cannot be read may: an empty line too many does no harm. */
function isTorn(path: string, descriptor: number): boolean {
  const stats = fstatSync(descriptor);
  // Pipes and terminals have no end that could be looked at.
  if (!stats.isFile() || stats.size === 0) return false;
  let reading: number | undefined;
  try {
    reading = openSync(path, 'r');
    const last = new Uint8Array(1);
    readSync(reading, last, 0, 1, stats.size - 1);
    return last[0] !== LINE_FEED;
  } catch {
    return true;
  } finally {
    if (reading !== undefined) closeSync(reading);
  }
}

const LINE_FEED = 0x0a;
