import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { consoleFeed, consoleRoutes } from '@apisec/console';
import {
  type AuditEvent,
  allowAnonymous,
  audit,
  authenticateJwt,
  coverage,
  guard,
  requireScopes,
} from '@apisec/core';
import { testIssuer } from '@apisec/core/testing';
import { toNodeHandler } from '@apisec/oauth';
import { chromium, type Page } from 'playwright-core';
import { type Frames, framesOf } from './frames.ts';

const OPERATIONS = 10_000;
const PER_SECOND = 1_000;
const BATCHES_PER_SECOND = 20;
const SECONDS = Number(process.env['APISEC_BENCH_SECONDS'] ?? 10);

/** What somebody does on each view while it is measured. */
const VIEWS: readonly (readonly [hash: string, act: (page: Page) => Promise<void>])[] = [
  ['now', (page) => page.waitForTimeout(SECONDS * 1_000)],
  [
    'decisions',
    async (page) => {
      await page.waitForTimeout((SECONDS * 1_000) / 2);
      await page.evaluate(() => document.querySelector('input')?.focus());
      await page.keyboard.type('orders/1', { delay: 150 });
      await scroll(page);
    },
  ],
  [
    'coverage',
    async (page) => {
      await page.waitForTimeout(2_000);
      await scroll(page);
      await page.evaluate(() => document.querySelector('input')?.focus());
      await page.keyboard.type('orders/77', { delay: 150 });
      await page.keyboard.press('Control+A');
      await page.keyboard.press('Delete');
      for (let pages = 0; pages < 10; pages++) {
        // Playwright's own look-ups would be measured as well.
        await page.evaluate(() => {
          document.querySelector<HTMLElement>('main .buttons button:last-child')?.click();
        });
        await page.waitForTimeout(100);
      }
      await scroll(page);
    },
  ],
];

async function scroll(page: Page): Promise<void> {
  for (let step = 0; step < 20; step++) {
    await page.mouse.wheel(0, 400);
    await page.waitForTimeout(50);
  }
}

/** An ordinary second: mostly admitted calls, with denials, faults and what policies on trial say. */
function event(number: number): AuditEvent {
  const denied = number % 5 === 0;
  return {
    schema: 'apisec.audit/1',
    id: `bench-${number}`,
    time: Date.now(),
    kind: 'decision',
    event: denied ? 'authz_fail' : 'authz_success',
    severity: denied ? 'critical' : 'info',
    outcome: denied ? 'denied' : number % 97 === 0 ? 'failed' : 'succeeded',
    protocol: 'http',
    operation: `GET /orders/${number % OPERATIONS}`,
    ...(denied && { code: `scope.problem_${number % 30}`, policy: 'requireScopes' }),
    trace: ['audit', 'authenticateJwt', 'requireScopes'],
    principal: `caller-${number % 5_000}`,
    requestId: `request-${number}`,
    latencyMs: 3,
  };
}

/** Shows the page of operators in Chromium under load, and prints how long its main thread works for each frame. */
export async function benchConsole(): Promise<void> {
  const feed = consoleFeed();
  const log = audit({ sinks: [feed] });
  const anyone = guard().use(allowAnonymous());
  const reader = guard().use(authenticateJwt(testIssuer().trust)).use(requireScopes('orders:read'));
  const table = coverage(
    Object.fromEntries(
      Array.from({ length: OPERATIONS }, (_, index) => [
        `GET /orders/${index}`,
        index % 50 === 0 ? anyone : reader,
      ]),
    ),
  );
  let handle: ReturnType<typeof toNodeHandler>;
  const server = createServer((req, res) => void handle(req, res));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A TCP server that listens has an address with a port.
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  handle = toNodeHandler(
    consoleRoutes({ origin, admission: anyone, coverage: { table }, feed, audit: log }),
  );
  let number = 0;
  const traffic = setInterval(() => {
    const batch = PER_SECOND / BATCHES_PER_SECOND;
    feed.write(Array.from({ length: batch }, () => event(number++)));
  }, 1_000 / BATCHES_PER_SECOND);
  const browser = await chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  });
  try {
    console.log(
      `The console with ${OPERATIONS} operations and ${PER_SECOND} decisions a second, in Chromium ${browser.version()}.`,
    );
    console.log('Work of the main thread in one task, in ms of processor time:');
    for (const [view, act] of VIEWS) {
      const page = await browser.newPage({ viewport: { width: 1_280, height: 800 } });
      await page.goto(`${origin}/console/`);
      await page.waitForTimeout(3_000);
      const frames = await framesOf(browser, page, async () => {
        await page.evaluate((hash) => {
          location.hash = hash;
        }, view);
        await act(page);
      });
      print(view, frames);
      console.log(`            elements: ${await page.locator('*').count()}`);
      await page.close();
    }
  } finally {
    clearInterval(traffic);
    await browser.close();
    server.close();
    server.closeAllConnections();
  }
}

function print(view: string, { tasks, median, p99, longest, over }: Frames): void {
  const ms = (value: number): string => value.toFixed(1).padStart(7);
  console.log(
    `  ${view.padEnd(10)} median ${ms(median)}   99 % ${ms(p99)}   longest ${ms(longest)}   above 16 ms ${over} of ${tasks}`,
  );
}
