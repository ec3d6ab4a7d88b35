import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type AuditEvent,
  allowAnonymous,
  apiKeys,
  apiVersion,
  audit,
  authenticateJwt,
  coverage,
  guard,
  memoryApiKeyStore,
  memoryLimitStore,
  requireScopes,
  tokenBucket,
} from '@apisec/core';
import { testIssuer } from '@apisec/core/testing';
import { toNodeHandler } from '@apisec/oauth';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasChromium, launchChromium, testThatChromiumIsThere } from '../../../tooling/chromium.ts';
import { consoleFeed, consoleRoutes } from '../src/index.ts';

/** Where pictures of the page go; nowhere, unless somebody wants to look at them. */
const pictures = process.env['APISEC_SCREENSHOTS'];

testThatChromiumIsThere();

const HOSTILE = '<img src=x onerror="globalThis.pwned=1"><script>globalThis.pwned=2</script>';
let number = 0;
/** An event as `audit` makes them. */
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
    trace: ['audit', 'authenticateJwt', 'requireScopes: denied scope.missing'],
    principal: 'alice',
    requestId: `req-${number}`,
    ...values,
  };
}

const listen = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A TCP server that listens has an address with a port.
  return (server.address() as AddressInfo).port;
};

describe.runIf(hasChromium)('in a real browser', () => {
  const feed = consoleFeed();
  const acts: AuditEvent[] = [];
  const log = audit({ sinks: [feed, (each) => void acts.push(each)] });
  const anyone = guard().use(allowAnonymous());
  const versions = {
    '1': { deprecatedAt: '2020-01-01', sunsetAt: '2999-01-01', successor: '/v2' },
    '2': {},
  };
  const versioned = guard()
    .use(apiVersion({ from: 'path', versions }))
    .use(allowAnonymous());
  const reader = guard().use(authenticateJwt(testIssuer().trust)).use(requireScopes('read'));
  const keys = apiKeys({
    prefix: 'acme',
    environment: 'live',
    store: memoryApiKeyStore(),
    peppers: { current: 'v1', keys: { v1: crypto.getRandomValues(new Uint8Array(32)) } },
  });
  const limitStore = memoryLimitStore();
  const limit = tokenBucket({ capacity: 5, refillPerSecond: 0.001 });
  limitStore.consume([{ name: 'api', key: 'alice', limit, cost: 4 }]);
  const show = (...events: AuditEvent[]): void => feed.write(events);
  let browser: Browser;
  let context: BrowserContext;
  let origin: string;
  let evil: string;
  const servers: Server[] = [];

  beforeAll(async () => {
    let handle: ReturnType<typeof toNodeHandler>;
    const server = createServer((req, res) => void handle(req, res));
    servers.push(server);
    const port = await listen(server);
    origin = `http://127.0.0.1:${port}`;
    handle = toNodeHandler(
      consoleRoutes({
        origin,
        admission: anyone,
        manage: anyone,
        keys,
        limits: [{ store: limitStore, name: 'api', limits: [limit] }],
        coverage: {
          rest: coverage({
            'GET /open': anyone,
            [`GET /${HOSTILE}`]: anyone,
          }),
          versioned: coverage({ 'GET /old': versioned }),
          many: coverage(
            Object.fromEntries(
              Array.from({ length: 9_997 }, (_, index) => [`GET /many/${index}`, reader]),
            ),
          ),
        },
        feed,
        audit: log,
        interval: '100ms',
      }),
    );
    const stranger = createServer((_req, res) =>
      res.setHeader('content-type', 'text/html').end('<title>Evil</title>'),
    );
    servers.push(stranger);
    // Another site for browsers, which reaches the same machine.
    evil = `http://localhost:${await listen(stranger)}`;
    browser = await launchChromium();
    context = await browser.newContext();
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
  });

  async function visit(hash: string, run: (page: Page) => Promise<void>): Promise<void> {
    const page = await context.newPage();
    page.setDefaultTimeout(12_000);
    const faults: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text());
    });
    page.on('pageerror', (error) => faults.push(error.message));
    try {
      await page.goto(`${origin}/console/${hash}`);
      await run(page);
      expect(faults).toEqual([]);
    } finally {
      await page.close();
    }
  }
  const picture = async (page: Page, name: string): Promise<void> => {
    if (pictures) await page.screenshot({ path: `${pictures}/${name}.png` });
  };

  test('shows live who was denied, why, and by which policy', async () => {
    for (let at = 0; at < 40; at++) {
      const time = Date.now() - at * 2_500;
      show(
        event({ time }),
        event({ time, outcome: 'succeeded' }),
        event({ time, outcome: 'failed' }),
      );
    }
    await visit('', async (page) => {
      await page.getByText('Live').waitFor();
      await page.getByRole('img', { name: /Decisions in each/ }).waitFor();
      await picture(page, 'now');
      await page.getByRole('link', { name: 'Decisions' }).click();
      show(event({ operation: 'DELETE /orders/:id', requestId: 'the-one' }));
      const row = page.getByText('DELETE /orders/:id');
      await row.click();
      await page.getByText('expected orders:read, came with orders:write').waitFor();
      await page.getByText('requireScopes: denied scope.missing').waitFor();
      await picture(page, 'decisions');
      await page.setViewportSize({ width: 390, height: 800 });
      await picture(page, 'decisions-phone');
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(
        390,
      );
    });
  });

  test('shows one call by a link with its request', async () => {
    show(event({ operation: 'GET /one', requestId: 'one' }), event({ operation: 'GET /other' }));
    await visit('#decisions?request=one', async (page) => {
      await page.getByText('GET /one').waitFor();
      expect(await page.getByText('GET /other').count()).toBe(0);
    });
  });

  test('shows which operation is open, and what is left to a caller of a limit', async () => {
    await visit('#coverage', async (page) => {
      await page.getByLabel('Show').selectOption('open to everyone');
      await page.getByRole('cell', { name: 'GET /open' }).waitFor();
    });
    await visit('#limits', async (page) => {
      await page.getByRole('combobox').selectOption('api');
      await page.getByLabel('Caller, as the limit counts it').fill('alice');
      await page.locator('form').getByRole('button', { name: 'Look', exact: true }).click();
      await page.getByRole('heading', { name: 'api: alice' }).waitFor();
      await page.getByRole('row', { name: /bucket 1 5/ }).waitFor();
    });
  });

  test('shows what policies on trial would have denied, and the calls', async () => {
    const wouldDeny = ['requireScopes scope.missing'];
    show(event({ operation: 'GET /trial', outcome: 'succeeded', requestId: 'trial', wouldDeny }));
    await visit('#shadow', async (page) => {
      await page.getByText('policies on trial would have denied: 1.').waitFor();
      await page.getByRole('cell', { name: 'GET /trial' }).waitFor();
      await picture(page, 'shadow');
      await page.getByRole('link', { name: 'The calls' }).click();
      await page.getByText('GET /trial').waitFor();
      expect(await page.getByRole('listitem').count()).toBe(1);
    });
  });

  test('shows which version is deprecated, until when it is there, and who still calls it', async () => {
    show(
      event({ apiVersion: '2', client: 'new-app', outcome: 'succeeded' }),
      event({ apiVersion: '1', client: HOSTILE, outcome: 'succeeded' }),
    );
    await visit('#coverage', async (page) => {
      const versions = page.getByRole('region', { name: 'API versions' });
      const row = versions.getByRole('row').nth(1);
      await row.getByText('/v2').waitFor();
      expect(await row.textContent()).toMatch(/^1 versioneddeprecated since .*2020.*2999.*\/v21/);
      expect(await row.getByText('deprecated').evaluate((cell) => cell.tagName)).toBe('STRONG');
      expect(await versions.getByRole('row').nth(2).textContent()).toContain('current');
      const callers = page.getByRole('region', { name: 'Callers of versions' });
      expect(await callers.getByRole('row').nth(1).textContent()).toBe(`1deprecated${HOSTILE}1`);
      expect(await callers.locator('img, script').count()).toBe(0);
      await callers.scrollIntoViewIfNeeded();
      await picture(page, 'versions');
    });
  });

  const VIEWS = ['now', 'coverage', 'decisions', 'limits', 'shadow', 'keys'];

  /** Every text that is shown with a contrast of less than 4.5 to 1 (WCAG 2.2, 1.4.3) to what is painted behind it. */
  const faintTexts = (page: Page): Promise<readonly string[]> =>
    page.evaluate(() => {
      type Color = readonly [number, number, number, number];
      const colorOf = (value: string): Color => {
        const [red = 0, green = 0, blue = 0, alpha = 1] = (value.match(/[\d.]+/g) ?? []).map(
          Number,
        );
        return [red, green, blue, alpha];
      };
      const over = ([r, g, b, a]: Color, under: Color): Color => [
        r * a + under[0] * (1 - a),
        g * a + under[1] * (1 - a),
        b * a + under[2] * (1 - a),
        1,
      ];
      const luminance = ([r, g, b]: Color): number => {
        const [red = 0, green = 0, blue = 0] = [r, g, b].map((value) => {
          const part = value / 255;
          return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
      };
      const behind = (element: Element | null): Color => {
        if (element === null) return colorOf(getComputedStyle(document.body).backgroundColor);
        const color = colorOf(getComputedStyle(element).backgroundColor);
        return color[3] === 1 ? color : over(color, behind(element.parentElement));
      };
      const faint = new Set<string>();
      for (const element of document.querySelectorAll('body, body *')) {
        const hasText = Array.from(element.childNodes).some(
          (node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim() !== '',
        );
        const isOff = element.closest('[aria-disabled=true], :disabled, .hidden, .skip') !== null;
        if (!hasText || isOff || !element.checkVisibility()) continue;
        const ground = behind(element);
        const [one, other] = [
          luminance(over(colorOf(getComputedStyle(element).color), ground)),
          luminance(ground),
        ];
        const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
        if (contrast < 4.5) {
          const text = element.textContent?.trim().slice(0, 30);
          faint.add(`${element.tagName}.${element.className} ${text}: ${contrast.toFixed(2)}`);
        }
      }
      return [...faint];
    });

  test.each(['light', 'dark'] as const)(
    'every text can be read in %s mode, and fits a phone',
    async (colorScheme) => {
      show(
        event({ operation: `POST /${'long-'.repeat(40)}`, principal: 'x'.repeat(300) }),
        event({ outcome: 'failed', requestId: 'failed' }),
        event({ outcome: 'aborted' }),
        event({
          outcome: 'succeeded',
          apiVersion: '1',
          wouldDeny: ['requireScopes scope.missing'],
        }),
        event({ kind: 'act', act: 'api_key.rotated', outcome: 'succeeded', event: 'authz_admin' }),
        event({ event: 'sys_unavailable', code: 'limit.unavailable', degraded: ['limit.skipped'] }),
      );
      await keys.issue({ name: 'Billing', owner: { type: 'user', id: 'u3' } });
      await visit('#now', async (page) => {
        await page.emulateMedia({ colorScheme });
        const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
        expect(ground).toBe(colorScheme === 'dark' ? 'rgb(18, 22, 28)' : 'rgb(246, 247, 249)');
        for (const view of VIEWS) {
          await page.setViewportSize({ width: 1280, height: 900 });
          await page.evaluate((hash) => void (location.hash = hash), view);
          await page.locator('main h1').waitFor();
          await page.waitForFunction(
            () => !document.querySelector('main')?.textContent?.includes('Loading'),
          );
          expect(await faintTexts(page), view).toEqual([]);
          await picture(page, `${view}-${colorScheme}`);
          await page.setViewportSize({ width: 360, height: 740 });
          const widths = await page.evaluate(() => [
            document.documentElement.scrollWidth,
            document.body.scrollWidth,
          ]);
          expect(widths, view).toEqual([360, 360]);
          await picture(page, `${view}-${colorScheme}-phone`);
        }
      });
    },
  );

  /** Counts what is added to a list or table each time that script has run. */
  const watchRows = (page: Page, rows: string): Promise<void> =>
    page.evaluate((selector) => {
      const seen = { most: 0 };
      Object.assign(globalThis, { seen });
      new MutationObserver((records) => {
        const added = records.flatMap(({ addedNodes }) => Array.from(addedNodes));
        const elements = added.filter((node) => node instanceof Element);
        const found = elements.flatMap((node) => [
          ...(node.matches(selector) ? [node] : []),
          ...Array.from(node.querySelectorAll(selector)),
        ]);
        seen.most = Math.max(seen.most, found.length);
      }).observe(document.body, { childList: true, subtree: true });
    }, rows);
  const mostRows = (page: Page): Promise<number> =>
    page.evaluate(() => (Reflect.get(globalThis, 'seen') as { readonly most: number }).most);

  test('ten thousand operations are turned over by page, a few rows in each frame', async () => {
    await visit('#now', async (page) => {
      await page.getByText('Live').waitFor();
      await watchRows(page, 'tbody tr');
      await page.getByRole('link', { name: 'Coverage' }).click();
      const rows = page.locator('.lines tbody tr');
      await expect.poll(() => rows.count(), { timeout: 15_000 }).toBe(40);
      await page.getByText('1 to 40 of 10,000 operations').waitFor();
      const next = page.getByRole('button', { name: 'Next' });
      await next.press('Enter');
      await page.getByText('41 to 80 of 10,000 operations').waitFor();
      await expect.poll(() => rows.count(), { timeout: 15_000 }).toBe(40);
      // The button keeps the focus.
      await page.keyboard.press('Enter');
      await page.getByText('81 to 120 of 10,000 operations').waitFor();
      await page.getByRole('searchbox').fill('many/9996');
      await page.getByText('1 to 1 of 1 operations').waitFor();
      await expect.poll(() => rows.count(), { timeout: 15_000 }).toBe(1);
      expect(await next.isVisible()).toBe(false);
      expect(await page.locator('*').count()).toBeLessThan(1_000);
      expect(await mostRows(page)).toBeLessThanOrEqual(10);
    });
  }, 60_000);

  test('a flood of decisions makes a list of bounded length, a few rows in each frame', async () => {
    await visit('#decisions', async (page) => {
      await page.getByText('Live').waitFor();
      await watchRows(page, '.events > li');
      const rows = page.locator('.events > li');
      for (let tick = 0; tick < 5; tick++) {
        show(...Array.from({ length: 1_000 }, () => event()));
        await page.waitForTimeout(150);
      }
      show(event({ operation: 'the last one' }));
      await page.getByText('the last one').waitFor();
      await expect.poll(() => rows.count(), { timeout: 15_000 }).toBe(100);
      expect(await page.locator('*').count()).toBeLessThan(1_500);
      expect(await mostRows(page)).toBeLessThanOrEqual(10);
    });
  }, 60_000);

  test('hostile names are text', async () => {
    show(
      event({
        operation: HOSTILE,
        principal: HOSTILE,
        code: HOSTILE,
        cause: HOSTILE,
        trace: [HOSTILE],
      }),
    );
    await visit('#decisions', async (page) => {
      await page.locator('summary').first().click();
      expect(await page.locator('.full').first().textContent()).toContain(HOSTILE);
      await page.goto(`${origin}/console/#now`);
      await page.getByText(HOSTILE).first().waitFor();
      expect(await page.locator('main img, main script').count()).toBe(0);
      expect(await page.evaluate(() => Reflect.get(globalThis, 'pwned'))).toBeUndefined();
    });
  });

  test('an operator sees what is open, and rotates a key by keyboard', async () => {
    const issued = await keys.issue({ name: HOSTILE, owner: { type: 'user', id: 'u1' } });
    if (!issued.ok) throw new Error('not issued');
    await visit('#coverage', async (page) => {
      await page.getByText('open: allowAnonymous').first().waitFor();
      expect(await page.locator('main img, main script').count()).toBe(0);
      await picture(page, 'coverage');
      await page.goto(`${origin}/console/#keys`);
      await page.getByRole('button', { name: `Rotate … ${HOSTILE}` }).focus();
      await page.keyboard.press('Enter');
      await page.getByLabel('Hours for which').waitFor();
      await page.getByLabel('Hours for which').press('Enter');
      const secret = page.locator('dialog .secret');
      await secret.waitFor();
      await picture(page, 'keys');
      const key = (await secret.textContent()) ?? '';
      expect(await keys.verify(key)).toMatchObject({ ok: true });
      await page.keyboard.press('Escape');
      // Browsers tell that a dialog is closed a moment later.
      await page.locator('dialog').waitFor({ state: 'detached' });
      expect(await page.content()).not.toContain(key);
      expect(acts.map(({ act }) => act)).toContain('api_key.rotated');
    });
  });

  test('an act that the audit trail did not take is reported', async () => {
    const issued = await keys.issue({ name: 'Unrecorded', owner: { type: 'user', id: 'u4' } });
    if (!issued.ok) throw new Error('not issued');
    await visit('#keys', async (page) => {
      await page.route('**/keys/rotate', async (route) => {
        const response = await route.fetch();
        await route.fulfill({ response, json: { ...(await response.json()), recorded: false } });
      });
      await page.getByRole('button', { name: 'Rotate … Unrecorded' }).press('Enter');
      await page.getByLabel('Hours for which').press('Enter');
      await page.locator('dialog').getByText('the audit trail did not record it').waitFor();
    });
  });

  test('a stranger’s page frames nothing, reads nothing and changes nothing', async () => {
    const issued = await keys.issue({ name: 'Victim', owner: { type: 'user', id: 'u2' } });
    if (!issued.ok) throw new Error('not issued');
    const page = await context.newPage();
    page.setDefaultTimeout(12_000);
    await page.goto(evil);
    const revoke = JSON.stringify({ id: issued.info.id, reason: 'x' });
    const seen = await page.evaluate(
      async ([base, body]) => {
        const tries = [
          fetch(`${base}/coverage`),
          fetch(`${base}/keys/revoke`, { method: 'POST', mode: 'no-cors', body }),
          fetch(`${base}/keys/revoke`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body,
          }),
        ];
        const form = document.createElement('form');
        Object.assign(form, { method: 'post', enctype: 'text/plain', target: 'frame' });
        form.action = `${base}/keys/revoke`;
        const frame = document.createElement('iframe');
        frame.name = 'frame';
        document.body.append(frame, form);
        form.submit();
        await new Promise((resolve) => frame.addEventListener('load', resolve, { once: true }));
        const all = await Promise.allSettled(tries);
        return all.map((each) => (each.status === 'fulfilled' ? each.value.type : 'blocked'));
      },
      [`${origin}/console`, revoke] as const,
    );
    expect(seen[0]).toBe('blocked');
    expect(seen[2]).toBe('blocked');
    expect(await keys.verify(issued.key)).toMatchObject({ ok: true });
    await page.setContent(`<iframe src="${origin}/console/"></iframe>`);
    const frame = page.frames()[1];
    await frame?.waitForLoadState();
    expect(await frame?.title().catch(() => '')).not.toContain('apisec');
    await page.close();
  });
});
