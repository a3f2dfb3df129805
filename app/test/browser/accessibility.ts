import axe from 'axe-core';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';

/**
 * Fails when axe finds a serious or critical violation of WCAG 2.2 A and AA on the page as it is.
 * https://github.com/dequelabs/axe-core/blob/develop/doc/API.md
 */
export async function expectAccessible(page: Page): Promise<void> {
  // Evaluated by the browser's debugger: the page's own policy would block an injected script.
  await page.evaluate(axe.source);
  const { violations, passes } = await page.evaluate<AxeResults>(
    `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] })`,
  );
  const serious = violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, help, nodes }) => ({ page: page.url(), id, help, where: nodes.map(({ html }) => html) }));
  expect(serious).toEqual([]);
  expect(passes.length).toBeGreaterThan(5);
}
