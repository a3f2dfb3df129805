import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import sharp from 'sharp';
import type { APIResponse, Browser, BrowserContext, Page, Request } from 'playwright-core';
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

// Each looks at several pages, at both widths, light and dark.
jest.setTimeout(180_000);

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
    await page.getByLabel('Begins').fill(laterToday());
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

  test('a screening in the past is refused at its field', async () => {
    await page.goto('/staff/screenings/new');
    await page.getByLabel('Title').fill('The General');
    await page.getByLabel('Begins').fill('1926-12-31T19:30');
    await page.getByLabel('Room').fill('Large hall');
    await page.getByRole('button', { name: 'Add the screening' }).click();
    await page.getByText('Has passed; choose a moment to come.').waitFor();
    troubles.length = 0; // The browser reports the 400 itself.
    await look('editor-refused');
  });

  test('a poster is made while its page is watched, and is shown in the list', async () => {
    await editSteamboat();
    await page
      .getByLabel('Image')
      .setInputFiles({ name: 'poster.jpg', mimeType: 'image/jpeg', buffer: await poster() });
    await page.getByRole('button', { name: 'Add the poster' }).click();
    await page.waitForURL('**/tasks/*');
    // The page follows the task by itself.
    await page.locator('.state-done').waitFor();
    await page.getByText('3 of 3 pictures').waitFor();
    await look('task-done');
    await page.getByRole('link', { name: 'Back to the screening' }).click();
    await page.goto('/?query=steamboat');
    const shown = page.locator('.screenings img');
    await shown.waitFor();
    expect(
      await shown.evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth),
    ).toBeGreaterThan(0);
  });

  test('what is no image ends with that reason, and staff can retry it', async () => {
    await editSteamboat();
    const text = { name: 'notes.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('no picture at all') };
    await page.getByLabel('Image').setInputFiles(text);
    await page.getByRole('button', { name: 'Replace the poster' }).click();
    await page.locator('.state-dead').waitFor();
    const reason = await page.locator('.reason').first().textContent();
    expect(reason).toContain('image');
    await look('task-dead');
    await page.goto('/admin');
    await look('admin');
    await page.goto('/admin/dead');
    await page
      .getByText(reason ?? '')
      .first()
      .waitFor();
    await look('admin-dead');
    await page.getByRole('button', { name: /^Retry task/ }).click();
    await page.getByText(/is queued again/).waitFor();
    // It is no image this time either; the list says so by itself.
    await page
      .getByText(reason ?? '')
      .first()
      .waitFor();
    await page.getByRole('link', { name: 'Overview' }).click();
    await page.getByText('Live', { exact: true }).waitFor();
    await accept('browser-live');
    // A queue that was not there before, without a click.
    await page.getByRole('heading', { name: 'browser-live' }).waitFor();
    await page.getByRole('button', { name: 'Pause updates' }).click();
    await page.getByText('Paused', { exact: true }).waitFor();
    await page.goto('/admin/schedules');
    await look('admin-schedules');
  });

  test('staff decide what nobody else knows', async () => {
    await post('/api/probes', { count: 1, outcome: 'external', onUnknown: 'park', failTimes: 1 });
    await page.goto('/admin/parked');
    await page.getByText('Did “probe” happen?').waitFor();
    await look('admin-parked');
    await page.getByRole('button', { name: /^It was not sent/ }).click();
    await page.getByText(/The task goes on\.$/).waitFor();
  });

  test('the page of a task hears of its end, also when its last question was cut', async () => {
    // Nobody serves this queue, so the task ends when it is cancelled.
    const id = await accept('browser-cut');
    const goOn = await cutFrom('**/tasks/*');
    await page.goto(`/tasks/${id}`);
    await page.locator('.state-queued').waitFor();
    await post(`/api/tasks/${id}/cancel`);
    await goOn();
    await page.locator('.state-cancelled').waitFor();
  });

  test('a reader signs up with the code of a message and is reminded once', async () => {
    const context = await browser.newContext({ viewport: WIDE, colorScheme: 'light', baseURL: app.url });
    const reader = await context.newPage();
    watch(reader);
    await reader.goto('/?query=steamboat');
    await reader.getByRole('link', { name: 'Steamboat Bill, Jr.' }).click();
    await look('sign-up', reader);
    await reader.getByLabel('E-mail', { exact: true }).check();
    await reader.getByLabel('E-mail address or mobile number').fill('ada@example.org');
    await reader.getByRole('button', { name: 'Send me a code' }).click();
    await reader.getByLabel('Code').waitFor();
    await look('code', reader);
    const codePage = reader.url();
    const [, code] = await until('the code is sent', async () => /(\d{6}) is your code/.exec(await outbox(reader)));
    await look('outbox', reader);
    await reader.goto(codePage);
    await reader.getByLabel('Code').fill(code!);
    await reader.getByRole('button', { name: 'Remind me' }).click();
    await reader.getByText(/You will be reminded/).waitFor();
    // The schedule looks once a minute.
    await until('the reminder is sent', async () => ((await messagesAbout(reader)).length > 0 ? true : undefined));
    await reader.goto('/dev/outbox');
    const link = reader.locator('.outbox a[href*="/reminders/"]').first();
    await link.click();
    await look('end-reminder', reader);
    await reader.getByRole('button', { name: 'Do not remind me' }).click();
    await reader.getByRole('heading', { name: 'No reminder' }).waitFor();
    expect(await messagesAbout(reader)).toHaveLength(1);
    await context.close();
  }, 180_000);

  test('the news of the sample feeds are shown', async () => {
    await page.goto('/');
    await page.getByRole('navigation').getByRole('link', { name: 'News' }).click();
    await page.getByRole('heading', { name: 'News', exact: true }).waitFor();
    await until('the feeds are read', async () => {
      await page.reload();
      const count = await page.locator('.news > li').count();
      return count > 0 ? count : undefined;
    });
    await page.getByText('Town news').first().waitFor();
    await look('news');
  });

  test('staff delete the screening', async () => {
    await editSteamboat();
    page.once('dialog', (dialog) => void dialog.accept());
    await page.getByRole('button', { name: 'Delete the screening' }).click();
    await page.getByText('“Steamboat Bill, Jr.” is deleted.').waitFor();
    await page.goto('/?query=steamboat');
    await page.getByText('Nothing that is planned contains “steamboat”.').waitFor();
    await look('nothing');
  });

  async function editSteamboat(): Promise<void> {
    await page.goto('/staff/screenings');
    await page.getByRole('link', { name: 'Steamboat Bill, Jr.' }).click();
  }

  /**
   * Cuts the questions of the pages' scripts at this address.
   * @returns ends it, once the page's event stream is over and a question about it has been cut.
   */
  async function cutFrom(pattern: string): Promise<() => Promise<void>> {
    let cuts = 0;
    await page.route(pattern, (route) => {
      if (route.request().resourceType() !== 'fetch') return route.continue();
      cuts += 1;
      return route.abort();
    });
    const isStream = (request: Request) => request.url().endsWith('/events');
    const over = Promise.race([
      page.waitForEvent('requestfinished', isStream),
      page.waitForEvent('requestfailed', isStream),
    ]);
    return async () => {
      await over;
      await until('a question is cut', () => Promise.resolve(cuts > 0 ? true : undefined));
      await page.unroute(pattern);
      // The browser reports each cut itself, and after it.
      const isCut = (trouble: string): boolean => trouble.endsWith('net::ERR_FAILED');
      await until('each cut is reported', () => Promise.resolve(troubles.filter(isCut).length === cuts || undefined));
      troubles.splice(0, troubles.length, ...troubles.filter((trouble) => !isCut(trouble)));
    };
  }

  function post(url: string, data?: object): Promise<APIResponse> {
    return page.request.post(url, { headers: { authorization: `Bearer ${app.adminToken}` }, data });
  }

  /** A task in a queue of its own, which no worker serves. */
  async function accept(queue: string): Promise<string> {
    const answer = await post('/api/probes', { count: 1, queue });
    expect(answer.status()).toBe(202);
    return ((await answer.json()) as { taskIds: [string] }).taskIds[0];
  }

  interface Message {
    readonly subject: string;
    readonly text: string;
  }

  async function messagesAbout(reader: Page): Promise<Message[]> {
    const answer = await reader.request.get('/dev/outbox.json');
    const { messages } = (await answer.json()) as { messages: Message[] };
    return messages.filter(({ text }) => text.includes('Steamboat'));
  }

  async function outbox(reader: Page): Promise<string> {
    await reader.goto('/dev/outbox');
    return (await reader.locator('main').textContent()) ?? '';
  }

  /** Noise is what makes an image take a while. */
  function poster(): Promise<Buffer> {
    const noise = { type: 'gaussian', mean: 128, sigma: 60 } as const;
    return sharp({ create: { width: 2000, height: 3000, channels: 3, background: 'black', noise } })
      .jpeg()
      .toBuffer();
  }

  /** Asks again and again, for two minutes at most. */
  async function until<T>(what: string, ask: () => Promise<T | null | undefined>): Promise<T> {
    const end = performance.now() + 120_000;
    for (;;) {
      const answer = await ask();
      if (answer !== null && answer !== undefined) return answer;
      if (performance.now() > end) throw new Error(`${what}: not within two minutes`);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }

  /** What a `datetime-local` field holds four hours from now, in the library's zone. */
  function laterToday(): string {
    const at = new Date(Date.now() + 4 * 3_600_000);
    return new Intl.DateTimeFormat('sv-SE', { timeZone: app.timeZone, dateStyle: 'short', timeStyle: 'short' })
      .format(at)
      .replace(' ', 'T');
  }
});
