import { run } from './run.ts';
import { serve } from './serve.ts';

const { stdout, argv, env } = process;
const write = (text: string): void => void stdout.write(text);

if (argv.includes('--serve')) {
  await serve(write);
} else {
  const color = stdout.isTTY && !env['NO_COLOR'];
  // A terminal that does not know its width says 0.
  const width = (stdout.isTTY && stdout.columns) || Number.POSITIVE_INFINITY;
  process.exitCode = (await run({ write, color, width })) ? 0 : 1;
}
