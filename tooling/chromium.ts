import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import { expect, test } from 'vitest';

/** The browser without what draws windows, which takes half of the time and processor, and the whole one. */
const PLACES = [
  '/usr/bin/chromium-headless-shell',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];
const executablePath = process.env['CHROMIUM'] ?? PLACES.find((place) => existsSync(place));

/** Whether there is a browser on this machine. */
export const hasChromium: boolean = executablePath !== undefined;

/** Says in a visible line that there is no browser; where services are required, that fails. */
export function testThatChromiumIsThere(): void {
  if (!hasChromium) console.warn(`Chromium is missing (${PLACES.join(', ')}).`);
  test('a browser is there, or nobody needs it', () => {
    expect(hasChromium || process.env['APISEC_REQUIRE_SERVICES'] !== '1').toBe(true);
  });
}

/** Starts the browser, without a window. */
export function launchChromium(): Promise<Browser> {
  if (executablePath === undefined) throw new Error(`Chromium is missing (${PLACES.join(', ')}).`);
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  });
}
