const { stdout, stderr, argv, env } = process;
const write = (text: string): void => void stdout.write(text);
const [flag] = argv.slice(2);

if (flag !== undefined && flag !== '--serve') {
  stderr.write(`The demo takes no argument, or --serve, and does not know ${flag}.\n`);
  process.exitCode = 2;
} else {
  // Said before the rest is loaded, which takes a few seconds.
  write('\nStarting two identity providers and a shop on six transports ...\n');
  if (flag === '--serve') {
    const { serve } = await import('./serve.ts');
    await serve(write);
  } else {
    const { run } = await import('./run.ts');
    const color = stdout.isTTY && !env['NO_COLOR'];
    // A terminal that does not know its width says 0, a pipe says nothing.
    process.exitCode = (await run({ write, color, width: stdout.columns || 80 })) ? 0 : 1;
  }
}
