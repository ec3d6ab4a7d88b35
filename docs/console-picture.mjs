// Takes the picture of the console that the README shows, from the demo: node docs/console-picture.mjs
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { chromium } from 'playwright-core';

const root = join(import.meta.dirname, '..');
/** Until there is something to see. */
const TRAFFIC_MS = 40_000;

const args = [
  '--conditions=@apisec/source',
  '--import',
  'tsx',
  'examples/demo/src/main.ts',
  '--serve',
];
const demo = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
let output = '';
const link = await new Promise((resolve, reject) => {
  demo.once('exit', (code) => reject(new Error(`The demo ended with ${code}.`)));
  demo.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
    const found = /^(http:\S*\/console\S*|http:\S+#?\S*)$/m.exec(output)?.[0];
    if (found) resolve(found);
  });
});
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox'],
});
try {
  const page = await browser.newPage({ viewport: { width: 1180, height: 760 } });
  await page.goto(link);
  await setTimeout(TRAFFIC_MS);
  await page.screenshot({ path: join(root, 'docs/public/console.png') });
} finally {
  await browser.close();
  demo.kill();
}
