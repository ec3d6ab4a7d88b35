import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import {
  type AuditEvent,
  allowAnonymous,
  apiKeys,
  audit,
  coverage,
  guard,
  memoryApiKeyStore,
  memoryLimitStore,
  tokenBucket,
} from '@apisec/core';
import { usage } from '@apisec/insights';
import { toNodeHandler } from '@apisec/oauth';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasChromium, launchChromium } from '../../../tooling/chromium.ts';
import { consoleFeed, consoleRoutes } from '../src/index.ts';

const htmlcs = readFileSync(
  createRequire(import.meta.url).resolve('html_codesniffer/build/HTMLCS.js'),
  'utf8',
);
const VIEWS = ['now', 'coverage', 'decisions', 'limits', 'shadow', 'keys'];
/** What is used of HTML_CodeSniffer. */
interface CodeSniffer {
  readonly ERROR: number;
  readonly process: (
    standard: string,
    document: Document,
    done: () => void,
    failed: () => void,
  ) => void;
  readonly getMessages: () => readonly {
    type: number;
    code: string;
    msg: string;
    element: Element;
  }[];
}

/** What is no fault here: views are chosen by the fragment, and a filter works while one types. */
const NO_FAULTS = ['2_4_1.G1,G123,G124.NoSuchID', '3_2_2.H32.2'];
/** Where pictures of the page go; nowhere, unless somebody wants to look at them. */
const pictures = process.env['APISEC_SCREENSHOTS'];

let number = 0;
function event(values: Partial<AuditEvent> = {}): AuditEvent {
  number++;
  return {
    schema: 'apisec.audit/1',
    id: `test-${number}`,
    time: Date.now(),
    kind: 'decision',
    event: 'authz_fail',
    severity: 'critical',
    outcome: 'denied',
    protocol: 'http',
    operation: 'GET /orders',
    code: 'scope.missing',
    policy: 'requireScopes',
    denialKind: 'forbidden',
    cause: 'expected orders:read, came with orders:write',
    trace: ['audit', 'requireScopes: denied scope.missing'],
    principal: 'alice',
    requestId: `req-${number}`,
    ...values,
  };
}

describe.runIf(hasChromium)(
  'the console with a screen reader or without a mouse',
  // Each test opens every view, one after the other.
  { timeout: 120_000 },
  () => {
    const feed = consoleFeed();
    const used = usage();
    const log = audit({ sinks: [feed, used] });
    const anyone = guard().use(allowAnonymous());
    const keys = apiKeys({
      prefix: 'acme',
      environment: 'live',
      store: memoryApiKeyStore(),
      peppers: { current: 'v1', keys: { v1: crypto.getRandomValues(new Uint8Array(32)) } },
    });
    const store = memoryLimitStore();
    const limit = tokenBucket({ capacity: 5, refillPerSecond: 0.001 });
    store.consume([{ name: 'api', key: 'alice', limit, cost: 4 }]);
    const show = (...events: AuditEvent[]): void => feed.write(events);
    let browser: Browser;
    let server: Server;
    let origin: string;

    beforeAll(async () => {
      let handle: ReturnType<typeof toNodeHandler>;
      server = createServer((req, res) => void handle(req, res));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      // A TCP server that listens has an address with a port.
      origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      handle = toNodeHandler(
        consoleRoutes({
          origin,
          admission: anyone,
          manage: anyone,
          keys,
          limits: [{ store, name: 'api', limits: [limit] }],
          coverage: { rest: coverage({ 'GET /orders': anyone, 'GET /open': anyone }) },
          feed,
          usage: used,
          audit: log,
          interval: '100ms',
        }),
      );
      for (const id of ['u1', 'u2', 'u3'])
        await keys.issue({ name: `Key of ${id}`, owner: { type: 'user', id } });
      show(
        ...Array.from({ length: 20 }, () => event()),
        event({ outcome: 'failed' }),
        event({ outcome: 'aborted' }),
        event({ outcome: 'succeeded', wouldDeny: ['requireScopes scope.missing'] }),
        event({ kind: 'act', act: 'api_key.rotated', outcome: 'succeeded', event: 'authz_admin' }),
        event({ event: 'sys_unavailable', code: 'limit.unavailable', degraded: ['limit.skipped'] }),
      );
      browser = await launchChromium();
    }, 60_000);
    afterAll(async () => {
      await browser?.close();
      server.close();
      server.closeAllConnections();
    });

    async function visit(view: string, run: (page: Page) => Promise<void>): Promise<void> {
      const page = await browser.newPage();
      page.setDefaultTimeout(12_000);
      try {
        await page.goto(`${origin}/console/#${view}`);
        await settled(page);
        await run(page);
      } finally {
        await page.close();
      }
    }
    const settled = async (page: Page): Promise<void> => {
      await page.getByText('Live').waitFor();
      await page.locator('main h1').waitFor();
      await page.waitForFunction(
        () => !document.querySelector('main')?.textContent?.includes('Loading'),
      );
    };

    /** Rules of WCAG 2 A and AA that the page breaks, as HTML_CodeSniffer sees them; each with where. */
    const broken = async (page: Page): Promise<readonly string[]> => {
      await page.evaluate(htmlcs);
      return page.evaluate(
        (noFaults) =>
          new Promise<string[]>((resolve, reject) => {
            const { HTMLCS: checker } = globalThis as never as { HTMLCS: CodeSniffer };
            checker.process(
              'WCAG2AA',
              document,
              () =>
                resolve(
                  checker
                    .getMessages()
                    .filter(
                      ({ type, code }) =>
                        type === checker.ERROR && !noFaults.some((each) => code.endsWith(each)),
                    )
                    .map(({ code, msg, element }) => `${code}: ${element.outerHTML} ${msg}`),
                ),
              () => reject(new Error('HTML_CodeSniffer did not run.')),
            );
          }),
        NO_FAULTS,
      );
    };

    describe.each(['light', 'dark'] as const)('in %s colours', (colorScheme) => {
      test.each(VIEWS)('the view %s breaks no rule of WCAG 2 A and AA', async (view) => {
        await visit(view, async (page) => {
          await page.emulateMedia({ colorScheme });
          expect(await broken(page)).toEqual([]);
        });
      });

      test('an open decision, form, dialog or one-time secret breaks no rule either', async () => {
        await visit('decisions', async (page) => {
          await page.emulateMedia({ colorScheme });
          await page.locator('summary').first().click();
          expect(await broken(page)).toEqual([]);
        });
        await visit('limits', async (page) => {
          await page.emulateMedia({ colorScheme });
          await page.getByLabel('Caller, as the limit counts it').fill('alice');
          await page.locator('form').getByRole('button', { name: 'Look', exact: true }).click();
          await page.getByRole('heading', { name: 'api: alice' }).waitFor();
          expect(await broken(page)).toEqual([]);
        });
        await visit('keys', async (page) => {
          await page.emulateMedia({ colorScheme });
          // A key that was rotated just now is not rotated again.
          const name = `Rotate … Key of ${colorScheme === 'light' ? 'u1' : 'u2'}`;
          await page.getByRole('button', { name }).click();
          await page.getByLabel('Hours for which').waitFor();
          expect(await broken(page)).toEqual([]);
          await page.getByLabel('Hours for which').press('Enter');
          await page.locator('dialog .secret').waitFor();
          expect(await broken(page)).toEqual([]);
        });
      });
    });

    test.each(VIEWS)(
      'the view %s can be read at 400 per cent, without scrolling in two directions',
      async (view) => {
        await visit(view, async (page) => {
          await page.setViewportSize({ width: 320, height: 256 });
          expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(320);
          const cut = await page.evaluate(() =>
            Array.from(document.querySelectorAll('a, button, input, select, summary'))
              .filter((element) => element.checkVisibility())
              .map(
                (element) =>
                  [element.outerHTML.slice(0, 80), element.getBoundingClientRect()] as const,
              )
              .filter(([, { left, right }]) => right > 321 || left < -1)
              .map(([html]) => html),
          );
          expect(cut.filter((html) => !html.includes('skip'))).toEqual([]);
          if (pictures) await page.screenshot({ path: `${pictures}/${view}-400.png` });
        });
      },
    );

    test.each(VIEWS)(
      'every control of the view %s has a name, a role and a visible focus',
      async (view) => {
        await visit(view, async (page) => {
          const seen: string[] = [];
          for (let step = 0; step < 80; step++) {
            await page.keyboard.press('Tab');
            const at = await page.evaluate(() => {
              const element = document.activeElement;
              if (element === null || element === document.body) return undefined;
              const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
              return {
                html: element.outerHTML.slice(0, 120),
                isVisible:
                  (outlineStyle !== 'none' && outlineWidth !== '0px') || boxShadow !== 'none',
              };
            });
            if (at === undefined) break;
            expect(at.isVisible, at.html).toBe(true);
            seen.push(at.html);
          }
          expect(seen.length).toBeGreaterThan(6);
          expect(seen[0]).toContain('skip');
          const client = await page.context().newCDPSession(page);
          const { nodes } = await client.send('Accessibility.getFullAXTree');
          const controls =
            /^(button|link|textbox|searchbox|combobox|checkbox|spinbutton|DisclosureTriangle|tab|region|dialog|img|image|table)$/;
          const nameless = nodes
            .filter(({ ignored, role }) => !ignored && controls.test(String(role?.value)))
            .filter(({ name }) => String(name?.value ?? '').trim() === '')
            .map(({ role, backendDOMNodeId }) => `${String(role?.value)} ${backendDOMNodeId}`);
          expect(nameless).toEqual([]);
          const headless = await page.evaluate(
            () => document.querySelectorAll('th:not([scope]), table:not(:has(th))').length,
          );
          expect(headless).toBe(0);
        });
      },
    );

    test.each(['now', 'decisions', 'coverage', 'shadow'])(
      'a flood of decisions says nothing aloud in the view %s, and the focus stays where it is',
      async (view) => {
        await visit(view, async (page) => {
          await page.evaluate(() => {
            const told: string[] = [];
            Object.assign(globalThis, { told });
            const live =
              '[aria-live]:not([aria-live=off]), [role=status], [role=alert], [role=log]';
            new MutationObserver((records) => {
              for (const { target } of records) {
                const element = target instanceof Element ? target : target.parentElement;
                const region = element?.closest(live);
                if (region) told.push(region.outerHTML.slice(0, 100));
              }
            }).observe(document.body, { childList: true, characterData: true, subtree: true });
          });
          const focusable = page.locator(
            'main :is(summary, button, input, select, a, [tabindex="0"])',
          );
          const visible = await focusable.all();
          for (const each of visible.toReversed()) {
            if (!(await each.isVisible())) continue;
            await each.focus();
            break;
          }
          await page.evaluate(() => Object.assign(globalThis, { before: document.activeElement }));
          for (let tick = 0; tick < 5; tick++) {
            show(...Array.from({ length: 30 }, () => event({ wouldDeny: ['x y.z'] })));
            await page.waitForTimeout(200);
          }
          const [isKept, told] = await page.evaluate(() => {
            const { before, told } = globalThis as never as { before: Element; told: string[] };
            return [document.activeElement === before && before !== document.body, told] as const;
          });
          expect(told).toEqual([]);
          expect(isKept).toBe(true);
        });
      },
    );

    test('what a filter leaves is said aloud', async () => {
      await visit('decisions', async (page) => {
        const said = page.locator('main [role=status]');
        expect(await said.textContent()).toBe('');
        await page.getByLabel('Filter').fill('no such decision');
        await expect.poll(() => said.textContent()).toMatch(/^0 of 0 shown/);
      });
    });

    test('the focus returns to the control that opened a dialog, even if the list was redrawn meanwhile', async () => {
      await visit('keys', async (page) => {
        const opener = page.getByRole('button', { name: 'Rotate … Key of u3' });
        const name = await opener.getAttribute('aria-label');
        await opener.press('Enter');
        await page.getByLabel('Hours for which').waitFor();
        await page.keyboard.press('Escape');
        await page.locator('dialog').waitFor({ state: 'detached' });
        const focused = () =>
          page.evaluate(() => document.activeElement?.getAttribute('aria-label'));
        expect(await focused()).toBe(name);
        // The list is drawn anew behind what was done, so what opened the dialog is gone.
        await opener.press('Enter');
        await page.getByLabel('Hours for which').press('Enter');
        await page.locator('dialog .secret').waitFor();
        await page.keyboard.press('Escape');
        await page.locator('dialog').waitFor({ state: 'detached' });
        await page.waitForTimeout(300);
        expect(await focused()).toBe(name);
      });
    });

    test('nothing moves with reduced motion', async () => {
      await visit('now', async (page) => {
        await page.emulateMedia({ reducedMotion: 'reduce' });
        show(...Array.from({ length: 30 }, () => event()));
        await page.waitForTimeout(300);
        const moving = await page.evaluate(() => document.getAnimations().length);
        const timed = await page.evaluate(
          () =>
            Array.from(document.querySelectorAll('*')).filter((element) => {
              const { transitionDuration, animationName } = getComputedStyle(element);
              return !/^(0s(, )?)+$/.test(transitionDuration) || animationName !== 'none';
            }).length,
        );
        expect([moving, timed]).toEqual([0, 0]);
      });
    });

    test('bars, borders and the open view can be recognised with forced colours', async () => {
      for (const view of VIEWS) {
        await visit(view, async (page) => {
          await page.emulateMedia({ forcedColors: 'active' });
          expect(await broken(page)).toEqual([]);
          const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
          // What is drawn by its background alone is gone there, unless it keeps its own colours.
          const gone = await page.evaluate((color) => {
            const shapes = Array.from(document.querySelectorAll('svg rect, svg path, svg line'));
            return shapes
              .filter((shape) => shape.checkVisibility() && getComputedStyle(shape).fill === color)
              .map((shape) => shape.outerHTML.slice(0, 100));
          }, ground);
          expect(gone).toEqual([]);
          const current = await page.evaluate(() => {
            const of = (selector: string): string => {
              const element = document.querySelector(selector);
              if (element === null) return '';
              const { borderBottom, textDecorationLine, fontWeight, outline } =
                getComputedStyle(element);
              return [borderBottom, textDecorationLine, fontWeight, outline].join();
            };
            return [of('nav a[aria-current]'), of('nav a:not([aria-current])')];
          });
          expect(current[0]).not.toBe(current[1]);
          if (pictures) await page.screenshot({ path: `${pictures}/${view}-forced.png` });
        });
      }
    });
  },
);
