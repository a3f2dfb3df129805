import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { expectAccessible } from './accessibility';
import { findChromium } from './chromium';
import { startLocalApp } from './local-app';
import type { LocalApp } from './local-app';

const executablePath = findChromium();
if (executablePath === undefined) {
  console.log('The browser test is skipped: there is no chromium on the PATH; on Debian: apt-get install chromium.');
}
/** A folder for pictures of every page at both widths, to be looked at. */
const screenshots = process.env['HOLDFAST_SCREENSHOTS'];

const WIDE = { width: 1280, height: 900 };
const SMALL = { width: 375, height: 800 };

(executablePath === undefined ? describe.skip : describe)('the app in a browser', () => {
  let app: LocalApp;
  let browser: Browser;
  let staff: BrowserContext;
  let page: Page;
  const troubles: string[] = [];

  beforeAll(async () => {
    app = await startLocalApp();
    browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox'] });
    staff = await browser.newContext({ viewport: WIDE, colorScheme: 'light', baseURL: app.url });
    page = await staff.newPage();
    watch(page);
  }, 180_000);
  afterAll(async () => {
    await browser.close();
    await app.stop();
  });
  afterEach(() => expect(troubles.splice(0)).toEqual([]));

  /** What the browser complains about is a mistake of ours: scripts that fail, or that the policy blocks. */
  function watch(watched: Page): void {
    watched.on('pageerror', (error) => troubles.push(String(error)));
    watched.on('console', (message) => {
      if (message.type() === 'error') troubles.push(message.text());
    });
  }

  /** Accessible, and nothing to scroll sideways, at both widths, light and dark. */
  async function look(name: string, shown: Page = page): Promise<void> {
    for (const [size, viewport] of Object.entries({ wide: WIDE, small: SMALL })) {
      await shown.setViewportSize(viewport);
      for (const colorScheme of ['light', 'dark'] as const) {
        await shown.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        await expectAccessible(shown);
        const overflow = await shown.evaluate('document.documentElement.scrollWidth - window.innerWidth');
        expect([name, size, overflow]).toEqual([name, size, 0]);
        if (screenshots === undefined) continue;
        mkdirSync(screenshots, { recursive: true });
        await shown.screenshot({ path: join(screenshots, `${name}-${size}-${colorScheme}.png`), fullPage: true });
      }
    }
    await shown.setViewportSize(WIDE);
    await shown.emulateMedia({ colorScheme: 'light' });
  }

  test('staff sign in and add a screening, which readers find', async () => {
    await page.goto('/');
    await look('list');
    await page.getByRole('link', { name: 'Staff' }).click();
    await look('sign-in');
    await page.getByLabel('Password').fill('wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('Is wrong.').waitFor();
    troubles.length = 0; // The browser reports the 400 itself.
    await page.getByLabel('Password').fill(app.adminToken);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Screenings' }).waitFor();
    await look('staff-list');
    await page.getByRole('link', { name: 'New screening' }).click();
    await look('editor');
    await page.getByLabel('Title').fill('Steamboat Bill, Jr.');
    await page.getByLabel('Begins').fill(inOneHour());
    await page.getByLabel('Room').fill('Large hall');
    await page.getByLabel('Description').fill('Buster Keaton, 1928.\n\nA storm.');
    await page.getByRole('button', { name: 'Add the screening' }).click();
    await page.getByText('“Steamboat Bill, Jr.” is in the list.').waitFor();
    await look('screening');
    await page.goto('/');
    await page.getByLabel('Search the screenings').fill('steamboat');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByRole('link', { name: 'Steamboat Bill, Jr.' }).click();
    await page.getByRole('heading', { name: 'Steamboat Bill, Jr.' }).waitFor();
  });

  /** What a `datetime-local` field holds an hour from now, in the library's zone, which is London by default. */
  function inOneHour(): string {
    const at = new Date(Date.now() + 3_600_000);
    return new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/London', dateStyle: 'short', timeStyle: 'short' })
      .format(at)
      .replace(' ', 'T');
  }
});
