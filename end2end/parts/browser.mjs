// A real Chromium, and what is asked of every page in it.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { clone } from './cluster.mjs';
import { memory } from './figures.mjs';

/** Where pictures are kept; never in the repository. */
export const results = path.join(clone, 'end2end/results');
const axe = await readFile(path.join(clone, 'end2end/node_modules/axe-core/axe.min.js'), 'utf8');
const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const widths = [[360, 740], [1280, 800], [2560, 1300]];

/** One browser; `close` ends it. `args` are more of Chromium's own. */
export function openBrowser(...args) {
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-proxy-server', '--disable-dev-shm-usage', ...args],
  });
}

/** What each process that runs pages or their workers has for itself in memory, in bytes: what Chromium's task manager calls the memory of a tab. */
export async function memoryOfTabs(browser) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  const own = async ({ id }) => (await memory(id, 'RssAnon')) + (await memory(id, 'VmSwap'));
  return Promise.all(processInfo.filter(({ type }) => type === 'renderer').map(own));
}

/** A page of a person of their own. Whatever the page logs as an error, or a script throws, fails the test that looks at `page.troubles`. */
export async function openPage(browser, fairway, options = {}) {
  const context = await browser.newContext({ baseURL: fairway.url, viewport: { width: 1280, height: 800 }, ...options });
  // Of a machine that does a lot besides; who waits in vain learns it later.
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  page.troubles = [];
  page.flaws = [];
  page.on('pageerror', (error) => page.troubles.push(`${page.url()}: ${error.stack ?? error}`));
  page.on('console', (message) => {
    // A page that says why something isn't done has a status of 4xx, which Chromium logs too.
    if (message.type() === 'error' && !/status of (403|404|409|422)/.test(message.text())) page.troubles.push(`${page.url()}: ${message.text()}`);
  });
  return page;
}

/** Waits until the page's islands are alive. */
export const alive = (page) => page.locator('html[data-islands=live]').waitFor({ state: 'attached' });

/** Opens an address and waits until its islands are alive. */
export async function visit(page, address) {
  const response = await page.goto(address);
  await alive(page);
  return response;
}

/**
 * Pictures of a page at every width in both schemes, and axe's judgement of it; nothing is wider than the window. What is wrong is kept in
 * `page.flaws`, so that a walk goes on; the walk's last test looks there.
 */
export async function judge(page, name) {
  const before = page.viewportSize();
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    for (const [width, height] of widths) {
      await page.setViewportSize({ width, height });
      const wide = await page.evaluate(tooWide);
      if (wide.length) page.flaws.push(`${name}: wider than a window of ${width} px:\n    ${wide.join('\n    ')}`);
      await page.screenshot({ path: path.join(results, `${name}-${width}-${colorScheme}.png`), animations: 'disabled' });
      // What a scheme changes is colour, which doesn't depend on the width.
      if (width === 1280 || (width === 360 && colorScheme === 'light')) page.flaws.push(...(await inaccessible(page)).map((flaw) => `${name} at ${width} px, ${colorScheme}: ${flaw}`));
    }
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
  if (before) await page.setViewportSize(before);
}

/** The innermost elements that make the page scroll sideways. Runs in the page. */
function tooWide() {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const beyond = [...document.querySelectorAll('body *')].filter((element) => element.getBoundingClientRect().right > width + 1 && !element.parentElement.closest('.scroll, pre'));
  return beyond.filter((element) => !beyond.some((other) => other !== element && element.contains(other))).slice(0, 5).map((element) => element.outerHTML.slice(0, 160));
}

/** What axe finds. Its script comes through the debugger, so the page's own policy stands. */
async function inaccessible(page) {
  await page.evaluate(axe);
  const violations = await page.evaluate((tags) => globalThis.axe.run(document, { runOnly: tags, resultTypes: ['violations'] }).then(({ violations }) => violations), rules);
  return violations.map(({ id, help, nodes }) => `${id}: ${help}\n${nodes.slice(0, 3).map((node) => `    ${node.html.slice(0, 200)}\n      ${node.failureSummary?.replaceAll('\n', '\n      ')}`).join('\n')}`);
}
