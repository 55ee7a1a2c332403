// Proves the log view is a page that a person can read and work in: with all the lines held that it promises, and few of them drawn.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { Fairway, inCluster, kubectl, pause, until } from './harness.mjs';
import { alive, judge, memoryOfTabs, openBrowser, openPage, visit } from './parts/browser.mjs';
import { story } from './parts/story.mjs';

/** How many lines a view holds: as `app/src/islands/logs/held.rs` says. */
const HELD = 200_000;
/** For how many milliseconds a page may be blocked while somebody types, on a machine that does a lot besides. */
const BLOCKED = 400;

let fairway, browser, page, name, pod;
const step = story(() => page);

/** Writes what it is told to, and very many numbered lines when it is told to. */
const SPEAKING = `
import os
import threading
import time

from app.service import app as service

written = 0


@service.get("/say")
def say(text: str):
    os.write(1, text.encode() + b"\\n")
    return "said"


@service.get("/long")
def long():
    line = b"a long line " + b"y" * 200_000
    os.write(1, line + b"\\n")
    return len(line)


@service.get("/pour/{seconds}")
def pour(seconds: int):
    threading.Thread(target=poured, args=[seconds]).start()
    return "begun"


def poured(seconds: int):
    for turn in range(seconds * 20):
        begun = time.monotonic()
        os.write(1, b"".join(b"poured %d\\n" % (turn * 250 + at) for at in range(250)))
        time.sleep(max(0, 0.05 - (time.monotonic() - begun)))


@service.get("/widely/{count}")
def widely(count: int):
    threading.Thread(target=wrote_widely, args=[count]).start()
    return "begun"


def wrote_widely(count: int):
    for first in range(0, count, 500):
        os.write(1, b"".join(b"wide %d %s\\n" % (first + at, b"w" * 1000) for at in range(500)))
        time.sleep(0.05)


@service.get("/write/{count}")
def write(count: int):
    global written
    while count > 0:
        some = min(count, 200)
        os.write(1, b"".join(b"number %d\\n" % (written + at) for at in range(some)))
        written += some
        count -= some
    return written
`;

before(async () => {
  [fairway, browser] = await Promise.all([Fairway.start(), openBrowser()]);
  name = await fairway.create('view');
  const namespace = fairway.namespaces.staging;
  const build = await fairway.alsoRunning(name, SPEAKING);
  await fairway.deployed(name, 'staging', build.id);
  pod = await until('only the new pod is left', 60, async () => {
    const names = (await kubectl('--namespace', namespace, 'get', 'pods', '--selector', `app.kubernetes.io/name=${name}`, '--output', 'name')).trim().split('\n');
    return names.length === 1 && names[0].replace('pod/', '');
  });
  page = await openPage(browser, fairway, { permissions: ['clipboard-read', 'clipboard-write'], timezoneId: 'Asia/Tokyo' });
});
after(async () => {
  await browser?.close();
  await fairway?.remove();
});

const ask = (path) => inCluster(fairway.namespaces.staging, pod, `http://127.0.0.1:8080${path}`);
const say = (text) => ask(`/say?text=${encodeURIComponent(text)}`);
const list = () => page.locator('.log-list');
const rows = () => page.locator('.log-rows > .row');
/** The first row that says this; where the pod couldn't be asked at once, it was told twice. */
const row = (text) => rows().filter({ hasText: text }).first();
const texts = () => rows().locator('.text').allInnerTexts();
const status = () => page.locator('.log-status').innerText();
/** So many lines are more than a kubelet leaves in one file, and of what it may lose when it begins another the view tells. */
const accounted = / · (none lost|lines may be missing at \d+ places?, marked in the list)/;
const number = (text) => Number(text.replaceAll(',', ''));
const copied = () => page.evaluate(() => navigator.clipboard.readText());
/** The numbers of the lines that are drawn, in the order of the page. */
const drawn = async () => (await texts()).map((text) => /^number (\d+)$/.exec(text)?.[1]).filter(Boolean).map(Number);
/** The list drew what it is scrolled to: the last line that is drawn is `last`. */
const endsWith = (last) => until(`number ${last} is drawn`, 120, async () => (await drawn()).at(-1) === last);

/** Lines in portions, each of them on the page before the next is written: no reader is outrun, however slow the machine. */
async function write(count) {
  for (let left = count; left > 0; left -= 5_000) {
    const written = Number(await ask(`/write/${Math.min(left, 5_000)}`));
    await endsWith(written - 1);
  }
}

step('a structured line is its message, and opens to its fields and where it came from', async () => {
  await visit(page, `/services/${name}/logs?environment=staging`);
  await say('{"level":"error","message":"no route: <b>redis</b>","port":6379,"user":"ada l"}');
  const failed = row('no route');
  await failed.waitFor();
  assert.equal(await failed.locator('.text').innerText(), 'no route: <b>redis</b>', 'what was written is never markup');
  assert.equal(await failed.locator('.level').innerText(), 'ERROR');
  assert.match(await failed.locator('.fields').innerText(), /port=6379/);
  await failed.locator('.text').click();
  await page.locator('.log-status', { hasText: 'paused' }).waitFor();
  assert.deepEqual(await failed.locator('dt').allInnerTexts(), ['port', 'user']);
  assert.deepEqual(await failed.locator('dd').allInnerTexts(), ['6379', 'ada l']);
  assert.match(await failed.locator('.facts').innerText(), new RegExp(`pod ${pod} · container app · revision \\d+`));
  await failed.getByRole('button', { name: 'Copy as JSON' }).click();
  await failed.getByRole('button', { name: 'Copied' }).waitFor();
  const { pod: from, level, message, fields } = JSON.parse(await copied());
  assert.deepEqual({ from, level, message, fields }, { from: pod, level: 'error', message: 'no route: <b>redis</b>', fields: { port: '6379', user: 'ada l' } });
  await failed.getByRole('button', { name: 'Copy as JSON' }).waitFor();
  await failed.getByRole('button', { name: 'Copy', exact: true }).click();
  await until('the line is copied', 10, async () => /Z \S+ app ERROR no route: <b>redis<\/b> port=6379 user="ada l"$/.test(await copied()));
  await page.keyboard.press('Escape');
});

step('a row stays the same element while lines come, so that what is marked stays marked', async () => {
  await page.keyboard.press('Shift+G');
  const failed = await row('no route').elementHandle();
  await say('another line');
  await row('another line').waitFor();
  assert.ok(await failed.evaluate((element) => element.isConnected));
});

step('a long line is wrapped or not, and cut where it is very long until it is opened', async () => {
  await say(`long ${'word '.repeat(100)}end`);
  await say(`huge ${'x'.repeat(30_000)}`);
  const long = row('long word');
  await long.waitFor();
  const height = () => long.evaluate((element) => element.offsetHeight);
  assert.equal(await height(), 20);
  await page.getByLabel('Wrap').check();
  await until('the line takes several rows', 10, async () => (await height()) > 20);
  const huge = row('huge xxx');
  assert.match(await huge.locator('.chip').innerText(), /30 KB in all/);
  assert.ok((await huge.locator('.text').innerText()).length < 5_000);
  await huge.locator('.text').click();
  await until('all of it is shown', 10, async () => (await huge.locator('.text').innerText()).length === 30_005);
  await huge.locator('.text').click();
  await page.keyboard.press('Escape');
  await until('no line is meant any more', 10, async () => !page.url().includes('at='));
});

step('times are UTC, local or by age, and that is remembered', async () => {
  const time = row('another line').locator('time');
  const utc = await time.innerText();
  assert.match(utc, /^\d\d:\d\d:\d\d\.\d{3}$/);
  await page.getByLabel('Times').selectOption('Local time');
  const hour = (text) => Number(text.slice(0, 2));
  await until('the time is that of Tokyo', 10, async () => hour(await time.innerText()) === (hour(utc) + 9) % 24);
  await page.getByLabel('Times').selectOption('How long ago');
  await until('the time is an age', 10, async () => /ago$|just now/.test(await time.innerText()));
  await page.reload();
  await alive(page);
  await row('another line').waitFor();
  assert.match(await row('another line').locator('time').innerText(), /ago$|just now/);
  assert.ok(await page.getByLabel('Wrap').isChecked());
  await judge(page, 'logs');
  await page.getByLabel('Wrap').uncheck();
  await page.getByLabel('Times').selectOption('UTC');
});

step('keys lead from error to error, open a line and copy it', async () => {
  await say('{"level":"error","message":"it failed again"}');
  await row('it failed again').waitFor();
  await list().focus();
  await page.keyboard.press('Shift+N');
  await until('the last error is meant', 10, async () => /it failed again/.test(await page.locator('.row.selected').innerText()));
  await page.keyboard.press('Shift+N');
  await until('the one before is meant', 10, async () => /no route/.test(await page.locator('.row.selected').innerText()));
  await page.keyboard.press('n');
  await page.keyboard.press('Enter');
  await page.locator('.row.selected.open').waitFor();
  await page.keyboard.press('c');
  await until('it is copied', 10, async () => /it failed again$/.test(await copied()));
});

step('keys pause, wrap, lead from line to line and say which there are; lines have the colours that they gave themselves', async () => {
  await say('\u001b[1;31mred\u001b[0m and plain');
  const [red, text] = [row('red and plain').locator('.ansi-red'), row('red and plain').locator('.text')];
  assert.equal(await red.innerText(), 'red');
  const colour = (element) => element.evaluate((one) => getComputedStyle(one).color);
  assert.notEqual(await colour(red), await colour(text));

  await page.keyboard.press('Escape');
  await page.keyboard.press('Shift+G');
  await list().focus();
  await page.keyboard.press(' ');
  await page.locator('.log-status', { hasText: 'paused' }).waitFor();
  await page.keyboard.press(' ');
  await until('the end is followed again', 10, async () => !/paused/.test(await status()));
  await page.keyboard.press('?');
  await page.locator('.log-keys[open] dl').waitFor();
  await page.keyboard.press('?');
  await page.locator('.log-keys[open]').waitFor({ state: 'detached' });
  for (const wrapped of [true, false]) {
    await page.keyboard.press('w');
    await until('lines are wrapped, or not', 10, async () => (await page.getByLabel('Wrap').isChecked()) === wrapped);
  }
  const meant = () => page.locator('.row.selected').innerText();
  await page.keyboard.press('k');
  const lower = await meant();
  await page.keyboard.press('k');
  await until('the line above is meant', 10, async () => (await meant()) !== lower);
  await page.keyboard.press('j');
  await until('the line below is meant', 10, async () => (await meant()) === lower);
});

step('a line that is opened at the end of the list is brought into sight', async () => {
  await page.keyboard.press('Shift+G');
  await say('{"level":"error","message":"opened at the end","code":7}');
  await row('opened at the end').waitFor();
  await page.keyboard.press('Shift+N');
  await page.locator('.row.selected', { hasText: 'opened at the end' }).waitFor();
  await page.keyboard.press('Enter');
  await until('all of it is seen', 10, async () => {
    const [opened, seen] = await Promise.all([page.locator('.row.selected.open').boundingBox(), list().boundingBox()]);
    return opened && opened.y >= seen.y && opened.y + opened.height <= seen.y + seen.height;
  });
  await page.locator('.log-status', { hasText: 'paused' }).waitFor();
});

step('menus stay within the window, which wraps lines where it is small', async () => {
  const small = await openPage(browser, fairway);
  for (const width of [360, 700, 1280]) {
    await small.setViewportSize({ width, height: 800 });
    await visit(small, `/services/${name}/logs?environment=staging`);
    assert.equal(await small.getByLabel('Wrap').isChecked(), width === 360, `lines are wrapped at ${width} px`);
    for (const menu of await small.locator('.tool').all()) {
      await menu.locator('summary').click();
      await until(`a menu is within ${width} px`, 10, async () => {
        const { x, width: wide } = await menu.locator('> :not(summary)').boundingBox();
        return x >= 0 && x + wide <= width;
      });
      await menu.locator('summary').click();
    }
  }
  assert.deepEqual(small.troubles, []);
  await small.context().close();
});

step('the address says which line is meant, and leads a colleague to it among those around it', async () => {
  await say('before the failure');
  await say('{"level":"error","message":"the failure to talk about"}');
  await say('after the failure');
  await row('after the failure').waitFor();
  await page.getByLabel('Filter').fill('to talk about');
  await until('only what matches is left', 30, async () => (await row('after the failure').count()) === 0 && (await row('to talk about').count()) > 0);
  const link = row('the failure to talk about').getByRole('button', { name: 'Copy link' });
  await row('the failure to talk about').locator('.text').click();
  await link.waitFor();
  // A new line that matches comes only once what the server found has taken the place of what was held.
  await say('more to talk about');
  await row('more to talk about').waitFor();
  assert.ok(await link.isVisible(), 'what was opened stays open');
  await page.waitForURL(/at=[0-9a-f.]+/);
  await link.click();
  await until('the address is copied', 10, async () => (await copied()) === page.url());
  const shared = new URL(page.url());
  assert.equal(shared.searchParams.get('filter'), 'to talk about');

  shared.searchParams.delete('filter');
  const colleague = await openPage(browser, fairway);
  await visit(colleague, `${shared.pathname}${shared.search}`);
  const meant = colleague.locator('.row.selected');
  await meant.filter({ hasText: 'the failure to talk about' }).waitFor();
  const around = await colleague.locator('.log-rows .text').allInnerTexts();
  const at = around.indexOf('the failure to talk about');
  assert.ok(around.slice(0, at).includes('before the failure') && around.slice(at).includes('after the failure'), around.join('\n'));
  await colleague.locator('.log-status', { hasText: 'paused' }).waitFor();
  assert.deepEqual(colleague.troubles, []);
  await colleague.context().close();

  await page.getByLabel('Filter').fill('');
  await row('before the failure').waitFor();
  assert.match(await page.locator('.row.selected').innerText(), /the failure to talk about/, 'without the filter the line is still meant, among those around it');
  await page.getByRole('button', { name: 'Follow' }).click();
  await until('no line is meant any more', 10, async () => !page.url().includes('at='));
});

step('a range of time is in the address, drawn over the histogram or typed, with and without JavaScript', async () => {
  await page.locator('.histogram').waitFor();
  // Some seconds after the others, so that a range can end before them although it is of whole seconds.
  await pause(4_000);
  const drawnLines = () => page.locator('.histogram svg').getAttribute('aria-label');
  // Read before the line comes: the histogram may have it as soon as the list does.
  const before = await drawnLines();
  await say('the line after a while');
  await row('the line after a while').waitFor();
  await until('the histogram has it too', 20, async () => (await drawnLines()) !== before);
  const { x, y, width, height } = await page.locator('.histogram').boundingBox();
  await page.mouse.move(x + width * 0.02, y + height / 2);
  await page.mouse.down();
  await page.mouse.move(x + width * 0.35, y + height / 2);
  await page.mouse.up();
  await page.waitForURL(/from=.+&until=/);
  const { searchParams } = new URL(page.url());
  const ends = ['from', 'until'].map((end) => searchParams.get(end).slice(11));
  assert.equal(await page.locator('.range summary').innerText(), `Range ${ends.join(' – ')}`);
  const [from, until_] = ['from', 'until'].map((end) => Date.parse(`${searchParams.get(end)}Z`));
  assert.ok(from < until_, page.url());
  const times = async () => (await rows().locator('time').evaluateAll((all) => all.map((time) => time.title))).map((time) => Date.parse(time.replace(' UTC', 'Z').replace(' ', 'T')));
  await until('only lines of the range are left', 30, async () => (await rows().count()) > 0 && (await times()).every((at) => at >= from - 1000 && at <= until_));

  const plain = await openPage(browser, fairway, { javaScriptEnabled: false });
  await plain.goto(page.url());
  const text = await plain.locator('pre.plain-log').innerText();
  const told = text.split('\n').map((line) => Date.parse(`${searchParams.get('from').slice(0, 11)}${line.slice(0, 12)}Z`)).filter(Boolean);
  assert.ok(told.length > 0 && told.every((at) => at >= from && at <= until_), text);
  // The field itself leaves out seconds that are none.
  assert.equal(await plain.getByLabel('From (UTC)').inputValue(), searchParams.get('from').replace(/:00$/, ''));
  await plain.context().close();

  await page.locator('summary', { hasText: 'Range' }).click();
  await page.getByLabel('Until (UTC)').fill('');
  await page.getByLabel('From (UTC)').fill('');
  await row('after the failure').waitFor();
  await page.locator('summary', { hasText: 'Range' }).click();
  await page.getByLabel('Since').selectOption('Last hour');
  await page.waitForURL(/since=3600/);
  await row('no route').waitFor();
});

step('a click on the histogram leads to its time, and what another revision wrote is told apart', async () => {
  await ask('/write/200');
  await page.locator('.row .text', { hasText: 'number 199' }).waitFor();
  await until('the histogram has all of them', 10, async () => /^[2-9]\d\d lines/.test(await page.locator('.histogram svg').getAttribute('aria-label')));
  const revisions = () => page.locator('.log-list.revisions .row .revision').evaluateAll((all) => all.filter((one) => one.checkVisibility()).map((one) => one.textContent));
  const { x, y, width, height } = await page.locator('.histogram').boundingBox();
  const top = () => list().evaluate((element) => element.scrollTop);
  assert.ok((await revisions()).includes('r2'));
  await page.mouse.click(x + 1, y + height / 2);
  await page.locator('.log-status', { hasText: 'paused' }).waitFor();
  await until('the beginning is shown', 10, async () => (await top()) < 200 && (await revisions()).includes('r1'));
  await page.mouse.click(x + width - 2, y + height / 2);
  // It leads to the first line of its time, of which there may be many.
  await until('the end is shown', 10, async () => (await top()) > 200);
  await page.keyboard.press('Shift+G');
});

/** What a link leads to, as it is saved. */
async function saved(label) {
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: label }).click()]);
  const parts = [];
  for await (const part of await download.createReadStream()) parts.push(part);
  return { name: download.suggestedFilename(), text: Buffer.concat(parts).toString() };
}

step('what matches, or every line of the time, is saved as text or JSON lines, however long a line is', async () => {
  const length = Number(await ask('/long'));
  await row('a long line yyy').waitFor();
  await page.getByLabel('Filter').fill('a long line');
  await until('only what matches is left', 30, async () => (await row('after the failure').count()) === 0 && (await row('a long line').count()) > 0);
  await page.locator('summary', { hasText: 'Download' }).click();
  const matching = await saved('What matches, as text');
  assert.equal(matching.name, `${name}-staging.log`);
  const long = matching.text.split('\n').find((line) => line.includes(' app a long line yyy'));
  assert.equal(long.length - long.indexOf('a long line'), length, 'the line is whole');
  assert.doesNotMatch(matching.text, /after the failure/);
  const json = await saved('What matches, as JSON lines');
  assert.equal(json.name, `${name}-staging.jsonl`);
  const entries = json.text.trimEnd().split('\n').map((line) => JSON.parse(line));
  assert.equal(entries.find(({ text }) => text.startsWith('a long line')).text.length, length);
  const everything = await saved('Every line of that time, as text');
  assert.match(everything.text, /after the failure/);
  await page.locator('summary', { hasText: 'Download' }).click();
  const opened = row('a long line yyy');
  await opened.locator('.text').click();
  const [one] = await Promise.all([page.waitForEvent('download'), opened.getByRole('link', { name: /Download the whole line \(\d+ KB\)/ }).click()]);
  assert.match(one.suggestedFilename(), /\.log$/);
  await page.keyboard.press('Escape');
  await page.getByLabel('Filter').fill('');
  await page.getByLabel('Since').selectOption('Newest lines');
});

step('a view that was sent more lines than it holds lets the oldest go, and counts them', async () => {
  // Anew: a view that is still asking for other lines begins with the newest of those that are written meanwhile.
  await visit(page, `/services/${name}/logs?environment=staging`);
  await until('lines are held', 30, async () => /[1-9][\d,]* lines? held from /.test(await status()));
  await list().focus();
  await page.keyboard.press('Shift+G');
  await write(HELD + 20_000);
  const said = await status();
  assert.match(said, /200,000 lines held from /);
  assert.match(said, accounted);
  const gone = number(/([\d,]+) older lines no longer held/.exec(said)[1]);
  assert.ok(gone >= 20_000, `${said}: all that were written are counted`);
});

step('of the lines that are held only those in sight are in the page, and none is missing at any place', async () => {
  assert.ok(await rows().count() < 200, 'some rows, not all');
  await list().focus();
  await page.keyboard.press('g');
  await until('the oldest line is drawn', 30, async () => (await drawn())[0] > 0 && (await list().evaluate((element) => element.scrollTop)) === 0);
  const height = await list().evaluate((element) => element.scrollHeight);
  for (const part of [0, 0.2, 0.4, 0.6, 0.8, 1]) {
    await list().evaluate((element, to) => (element.scrollTop = to), Math.floor(height * part));
    await until(`the rows at ${part} are drawn`, 30, async () => {
      const [seen, shown] = await page.evaluate(() => ['.log-list', '.log-rows'].map((which) => document.querySelector(which).getBoundingClientRect()));
      return shown.top <= seen.top + 1 && shown.bottom >= seen.bottom - 21;
    });
    const numbers = await drawn();
    assert.ok(numbers.length > 10 && numbers.length < 200, `${numbers.length} rows at ${part}`);
    for (const [at, one] of numbers.entries()) assert.equal(one, numbers[0] + at, `at ${part}`);
  }
});

step('paused, what comes is counted and moves nothing; following again shows all of it', async () => {
  await page.keyboard.press('Shift+G');
  const last = Number(await ask('/write/1'));
  await endsWith(last - 1);
  await list().hover();
  await page.mouse.wheel(0, -4_000);
  await page.getByRole('button', { name: 'Follow' }).waitFor();
  await until('the list rests', 10, async () => {
    const [one, other] = [await drawn(), await drawn()];
    return one.at(-1) < last - 100 && one.join() === other.join();
  });
  const before = await drawn();
  await ask('/write/3000');
  await page.locator('.log-status', { hasText: /3,00\d new lines below/ }).waitFor({ timeout: 60_000 });
  // Twenty rows are drawn above those in sight; of those below, a part of a pixel decides of the last.
  const inSight = (rows) => rows.slice(20, 40);
  assert.deepEqual(inSight(await drawn()), inSight(before), 'the lines that are read stay where they are, also when older ones go');
  await page.keyboard.press('Shift+G');
  await endsWith(last + 2_999);
  assert.doesNotMatch(await status(), /paused/);
});

step('who reads the oldest lines keeps them: more come once they follow again, and none is missing', async () => {
  await page.keyboard.press('g');
  const before = await until('the oldest line is drawn', 30, async () => {
    if (await list().evaluate((element) => element.scrollTop)) return false;
    const [one, other] = [await drawn(), await drawn()];
    return one.join() === other.join() && one;
  });
  const last = Number(await ask('/write/5000'));
  await page.locator('.log-status', { hasText: 'no room for more until you follow' }).waitFor({ timeout: 60_000 });
  assert.deepEqual((await drawn())[0], before[0], 'the lines that are read are still there');
  await page.keyboard.press('Shift+G');
  await endsWith(last - 1);
  const said = await status();
  assert.match(said, /200,000 lines held/);
  assert.match(said, accounted);
  await list().evaluate((element) => (element.scrollTop = element.scrollHeight - element.clientHeight - 5_000 * 20));
  await until('the lines that came then are drawn', 30, async () => Math.abs((await drawn())[0] - (last - 5_000)) < 200);
  const numbers = await drawn();
  for (const [at, one] of numbers.entries()) assert.equal(one, numbers[0] + at);
});

/** From now on, keeps how long each task of the page took that took longer than 50 ms, in milliseconds. Runs in the page. */
function watchTasks() {
  globalThis.tasks = [];
  new PerformanceObserver((list) => globalThis.tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: 'longtask' });
}

/** Types, and says for how long the page was blocked at most while that was. */
async function typed(t, text, options) {
  await list().focus();
  await page.keyboard.press('/');
  await page.evaluate(watchTasks);
  await page.keyboard.type(text, options);
  await pause(200);
  const longest = Math.max(0, ...(await page.evaluate(() => globalThis.tasks)));
  assert.equal(await page.getByLabel('Filter').inputValue(), text);
  t.diagnostic(`blocked for ${longest} ms at most`);
  assert.ok(longest < BLOCKED, `no key waits long: ${longest} ms`);
}

step('typing a filter is never blocked by what is held, and what is held answers at once', async (t) => {
  await list().focus();
  await page.keyboard.press('Shift+G');
  const last = Number(await ask('/write/1')) - 1;
  await endsWith(last);
  // So old that the kubelet has rotated it away: only the tab still holds it.
  const wanted = `number ${last - HELD + 5_000}`;
  await typed(t, `"${wanted}"`);
  await until('only what matches is left', 120, async () => (await texts()).filter((text) => text.startsWith('number')).join() === wanted);
  await page.locator('.log-status', { hasText: 'searched all there is' }).waitFor({ timeout: 120_000 });
  assert.deepEqual((await texts()).filter((text) => text.startsWith('number')), [wanted], 'what is held stays, though it cannot be read again');
});

step('a filter can be typed while 5,000 lines a second arrive, and shows what matches of all of them', async (t) => {
  await page.getByLabel('Filter').fill('');
  await until('all lines are read again', 60, async () => (await drawn()).length > 10);
  await ask('/pour/6');
  await row('poured').waitFor();
  await typed(t, '"poured 29999"', { delay: 40 });
  await until('only what matches is left', 120, async () => new Set((await texts()).filter((text) => /^(poured|number)/.test(text))).size === 1 && (await row('poured 29999').count()) === 1);
  assert.match(await status(), accounted);
});

/** The page hears nothing while something else happens, as if it were asleep: Chromium freezes none that is in sight. */
async function asleep(happens) {
  const session = await page.context().newCDPSession(page);
  await session.send('Debugger.enable');
  await session.send('Debugger.pause');
  try {
    await happens();
  } finally {
    await session.send('Debugger.resume');
    await session.detach();
  }
}

step('a tab that was asleep for a while shows what came meanwhile, each line once', async () => {
  await page.getByLabel('Filter').fill('number');
  const begun = Number(await ask('/write/1'));
  await endsWith(begun - 1);
  await asleep(async () => {
    await ask('/write/3000');
    await pause(3_000);
  });
  await endsWith(begun + 2_999);
  for (const back of [0, 1_000, 2_000, 2_900]) {
    await list().evaluate((element, rows) => (element.scrollTop = element.scrollHeight - element.clientHeight - rows * 20), back);
    await until(`the lines ${back} before the end are drawn`, 30, async () => Math.abs((await drawn()).at(-1) - (begun + 2_999 - back)) < 100);
    const numbers = await drawn();
    for (const [at, one] of numbers.entries()) assert.equal(one, numbers[0] + at, `${back} before the end`);
  }
  assert.match(await status(), accounted);
  await list().focus();
  await page.keyboard.press('Shift+G');
});

step('a tab that is asleep is sent only so much, and afterwards the rest', async (t) => {
  const wide = 60_000;
  await page.getByLabel('Filter').fill('"wide "');
  await page.locator('.log-status', { hasText: 'searched all there is' }).waitFor({ timeout: 120_000 });
  const used = async () => (await memoryOfTabs(browser)).reduce((sum, bytes) => sum + bytes, 0);
  const last = `/api/v1/services/${name}/environments/staging/logs?since=20&filter=${encodeURIComponent(`"wide ${wide - 1} "`)}`;
  await asleep(async () => {
    const before = await used();
    await ask(`/widely/${wide}`);
    await until('all is written', 90, async () => JSON.stringify((await fairway.rest.get(last)).body).includes('wide'), 2_000);
    await pause(2_000);
    const more = (await used()) - before;
    t.diagnostic(`${Math.round(more / 1e6)} MB more for ${wide / 1000} MB of lines`);
    assert.ok(more < 35e6, `${more} bytes wait in the browser`);
  });
  await row(`wide ${wide - 1} `).waitFor();
  const said = await status();
  assert.match(said, accounted);
  const lines = number(/([\d,]+) lines held/.exec(said)[1]);
  assert.ok(said.includes('none lost') ? lines === wide : lines < wide, said);
});

step('a filter without a match says so, and how far back was looked; a search can be stopped and goes on', async () => {
  await page.getByLabel('Filter').fill('/nobody wrote \\d/');
  const none = page.locator('.log-none');
  await none.filter({ hasText: /^No line matches “\/nobody wrote \\d\/” since .+; looking further back …$/ }).waitFor();
  await page.locator('.log-status').getByRole('button', { name: 'Stop' }).click();
  await page.locator('.log-status', { hasText: /searched back to .+ UTC/ }).waitFor();
  assert.match(await none.innerText(), /^No line matches “.+” since [\d:]+ UTC$/);
  await page.locator('.log-status').getByRole('button', { name: 'Search further back' }).click();
  await page.locator('.log-status', { hasText: 'searched all there is' }).waitFor({ timeout: 120_000 });
  assert.match(await none.innerText(), /in all that there is$/);
  assert.equal(await page.locator('.log-status').getByRole('button').count(), 0);
});

step('a line that came late stands at its time, and a search that comes no further says why', async () => {
  // Told by hand: nobody can choose that a kubelet is late, or that a search fails.
  await page.evaluate(() => {
    const { follow } = globalThis.fairway;
    globalThis.told = {};
    globalThis.fairway.follow = (topic, heard, after) => {
      const [kind] = topic.split('/');
      globalThis.told[kind] = (message) => heard('message', JSON.stringify(message), '');
      return kind === 'log-search' ? 0 : follow(topic, heard, after);
    };
  });
  await page.getByLabel('Filter').fill('told by hand');
  await page.waitForFunction(() => globalThis.told['log-search']);
  await page.evaluate(() => globalThis.told['log-search']({ trouble: 'the cluster is away' }));
  await page.locator('.log-status', { hasText: /searching, looked back to .+: the cluster is away/ }).waitFor();
  await page.evaluate(() => {
    const line = (number, more) => ({ at: Date.now() + 1000 * number, pod: 'one', text: `told by hand ${number}`, ...more });
    globalThis.told.logs({ now: { lines: [line(1), line(3), line(2, { late: true })] } });
  });
  await row('told by hand 2').locator('.chip', { hasText: 'late' }).waitFor();
  assert.deepEqual(await texts(), ['told by hand 1', 'told by hand 2', 'told by hand 3']);
  assert.equal(await rows().locator('.chip').count(), 1, 'the others came in time');
});

step('while Fairway doesn\'t answer, what the tab holds does, however the filter is changed', async () => {
  await visit(page, `/services/${name}/logs?environment=staging`);
  for (const text of ['one that is held', 'another that is held']) {
    await say(text);
    await row(text).waitFor();
  }
  const shown = async (wanted, other) => {
    await page.getByLabel('Filter').fill(wanted);
    await until(`what has “${wanted}” is shown`, 20, async () => (await row(wanted).count()) > 0 && (await row(other).count()) === 0);
  };
  fairway.child.kill('SIGSTOP');
  try {
    await shown('one that', 'another that');
    await shown('another that', 'one that');
    await page.getByLabel('Filter').fill('');
    await row('one that is held').waitFor();
    await row('another that is held').waitFor();
    await shown('another that', 'one that');
  } finally {
    fairway.child.kill('SIGCONT');
  }
  await page.locator('.log-status', { hasText: 'searched' }).waitFor({ timeout: 60_000 });
  assert.equal(await row('one that').count(), 0);
  assert.ok((await row('another that').count()) > 0);
});

step('without JavaScript the newest lines are in sight', async () => {
  await say('the newest line');
  const plain = await openPage(browser, fairway, { javaScriptEnabled: false });
  const end = await until('the line is there', 30, async () => {
    await plain.goto(`/services/${name}/logs?environment=staging`);
    const [text, end] = await plain.locator('.plain-log').evaluate((log) => {
      const all = document.createRange();
      all.selectNodeContents(log);
      return [log.textContent, all.getBoundingClientRect().bottom - log.getBoundingClientRect().bottom];
    });
    return text.includes('the newest line') && [end];
  });
  assert.ok(end[0] <= 0, `the end is ${end[0]} px below what is seen`);
  await plain.context().close();
});

step('what was looked for is marked, keys lead through it, and terms needn\'t be typed', async () => {
  await say('{"level":"error","message":"redis is gone"}');
  await say('{"level":"error","message":"something to talk about"}');
  await page.getByLabel('Filter').fill('"redis is  gone" or redis or /to  ?(talk)/');
  await row('something to talk about').waitFor({ timeout: 60_000 });
  assert.deepEqual(await row('something to talk about').locator('mark').allInnerTexts(), ['to talk']);
  assert.deepEqual(await row('redis is gone').locator('.text mark').allInnerTexts(), ['redis']);
  await page.getByLabel('Filter').press('Enter');
  await page.keyboard.press('Shift+N');
  const last = await page.locator('.row.selected .text').innerText();
  await page.keyboard.press('Shift+N');
  await until('the match before is meant', 10, async () => (await page.locator('.row.selected .text').innerText()) !== last);
  await page.keyboard.press('Escape');

  await page.locator('summary', { hasText: 'Only' }).press('Enter');
  await page.getByRole('button', { name: 'Errors', exact: true }).click();
  assert.equal(await page.getByLabel('Filter').inputValue(), '"redis is  gone" or redis or /to  ?(talk)/ level>=error');
  await page.getByRole('button', { name: 'Warnings and errors' }).click();
  assert.equal(await page.getByLabel('Filter').inputValue(), '"redis is  gone" or redis or /to  ?(talk)/ level>=warn', 'it takes the place of the other');
  await page.getByRole('button', { name: 'Errors', exact: true }).click();
  const short = pod.split('-').at(-1);
  await page.getByRole('button', { name: `pod:${short}` }).click();
  await page.waitForURL(new RegExp(`level%3E%3Derror%20pod%3A${short}`));
  assert.equal(await page.getByRole('button', { name: 'Errors', exact: true }).getAttribute('aria-pressed'), 'true');
  await page.getByRole('button', { name: 'Errors', exact: true }).click();
  await page.getByRole('button', { name: `pod:${short}` }).click();
  assert.equal(await page.getByLabel('Filter').inputValue(), '"redis is  gone" or redis or /to  ?(talk)/');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Errors', exact: true }).waitFor({ state: 'hidden' });
  await page.keyboard.press('/');
  assert.ok(await page.getByLabel('Filter').evaluate((field) => field === document.activeElement), 'keys act from where a menu was closed');
  assert.deepEqual(page.troubles, []);
  assert.deepEqual(page.flaws, []);
});
