import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import { expect, test } from 'vitest';

const executablePath = '/usr/bin/chromium';

/** Whether there is a browser on this machine. */
export const hasChromium: boolean = existsSync(executablePath);

/** Says in a visible line that there is no browser; where services are required, that fails. */
export function testThatChromiumIsThere(): void {
  if (!hasChromium) console.warn(`Chromium is missing (${executablePath}).`);
  test('a browser is there, or nobody needs it', () => {
    expect(hasChromium || process.env['APISEC_REQUIRE_SERVICES'] !== '1').toBe(true);
  });
}

/** Starts the browser, without a window. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  });
}
