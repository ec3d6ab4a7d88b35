#!/usr/bin/env node
import { main } from 'apisec';

let problem;
process.stdout.on('error', (error) => {
  problem = error;
  // The reader has gone, as with `head`, so waiting for further writes would never end.
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? 2);
});
process.exitCode = await main(process.argv.slice(2));
// A module that was looked at may have opened sockets, which would keep the process alive.
process.stdout.write('', (error) => {
  const failed = problem ?? error;
  // An unwritten report is a failure, unless the reader has left with what it wanted.
  if (failed && failed.code !== 'EPIPE') {
    process.exitCode = 2;
    console.error(`apisec: the output could not be written (${failed.code}).`);
  }
  process.stderr.write('', () => process.exit());
});
