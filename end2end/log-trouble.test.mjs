// Proves what a reader sees of a log in Chromium when the network, the tab or the containers fail: every line once and in order, and what happened between them.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { Fairway, inCluster, kubectl, pause, servicePods, until } from './harness.mjs';
import { openBrowser, openPage, visit } from './parts/browser.mjs';
import { story } from './parts/story.mjs';
import { Wire } from './parts/wire.mjs';

let fairway, wire, browser, page, name, namespace, pod;
const step = story(() => page);

/** Writes twenty numbered lines a second, and more when it is told to; doesn't live any more when it is told so, or says one thing and exits. */
const COUNTING = `
import itertools
import os
import sys
import threading
import time

from fastapi.responses import PlainTextResponse

from app.service import app as service

if "EXITS" in os.environ:
    os.write(2, b"that was all\\n")
    os._exit(1)

numbers = itertools.count()
writing = threading.Lock()
sick = threading.Event()


def write(count):
    with writing:
        os.write(1, b"".join(b"number %d\\n" % next(numbers) for _ in range(count)))


@service.middleware("http")
async def answer(request, call_next):
    if sick.is_set() and request.url.path == "/healthz":
        return PlainTextResponse("sick", 503)
    return await call_next(request)


@service.get("/sicken")
def sicken():
    sick.set()


@service.get("/write/{count}")
def write_many(count: int):
    for _ in range(count // 100):
        write(100)


def go_on():
    while True:
        write(1)
        time.sleep(0.05)


threading.Thread(target=go_on, daemon=True).start()
`;

/** The kubelet asks for the container's health each second and believes the first answer. */
const PROBED = [
  { op: 'add', path: '/spec/template/spec/containers/0/livenessProbe', value: { httpGet: { path: '/healthz', port: 'http' }, periodSeconds: 1, failureThreshold: 1, timeoutSeconds: 20 } },
  { op: 'remove', path: '/spec/template/spec/containers/0/lifecycle' },
];

before(async () => {
  fairway = await Fairway.start({ variables: { FAIRWAY_HEARTBEAT_SECONDS: '2' } });
  wire = await Wire.to(fairway.port);
  // Fairway answers no request that names another host: the browser is led through the wire to the one that it names.
  browser = await openBrowser(`--host-resolver-rules=MAP 127.0.0.1:${fairway.port} 127.0.0.1:${wire.port}`);
  namespace = fairway.namespaces.staging;
  name = await fairway.create('trouble');
  const { id } = await fairway.alsoRunning(name, COUNTING);
  await fairway.deployed(name, 'staging', id);
  await kubectl('--namespace', namespace, 'patch', 'deployment', name, '--type', 'json', '--patch', JSON.stringify(PROBED));
  pod = await until('only a pod that is probed is left', 60, async () => {
    const [{ metadata, spec, status }, ...others] = await servicePods(namespace, name);
    const ready = status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');
    return ready && others.length === 0 && spec.containers[0].livenessProbe.periodSeconds === 1 && metadata.name;
  });
  page = await openPage(browser, fairway, { viewport: { width: 1280, height: 6_000 } });
});
after(async () => {
  await browser?.close();
  wire?.close();
  await fairway?.remove();
});

const ask = (path) => inCluster(namespace, pod, `http://127.0.0.1:8080${path}`);
const list = () => page.locator('.log-list');
const status = () => page.locator('.log-status').innerText();
/** Opens the log of what is written from now on. */
async function open() {
  await visit(page, `/services/${name}/logs?environment=staging&tail=1`);
  await page.locator('.row .text', { hasText: /^number/ }).first().waitFor();
}
const last = async () => Number((await page.locator('.log-rows > .row .text').allInnerTexts()).findLast((text) => text.startsWith('number'))?.slice(7) ?? NaN);
/** The newest line in the page is one that isn't written yet. */
async function goesOn(by = 10) {
  const before = await last();
  await until('the view goes on', 60, async () => (await last()) >= before + by);
}

/** All rows that the view holds: what kind each is, and its text. */
async function all() {
  const rows = await page.evaluate(readAll);
  await list().focus();
  await page.keyboard.press('Shift+G');
  return rows;
}

/** Scrolls through the list. Runs in the page. */
async function readAll() {
  const list = document.querySelector('.log-list');
  const room = list.querySelector('.log-height');
  const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  const rows = new Map();
  // A list that follows may be led to its end once more before it hears of the scrolling.
  do {
    list.scrollTop = 0;
    await frame();
  } while (list.scrollTop > 0);
  // To where it ends now: it grows meanwhile, on a busy machine more quickly than it is read.
  const end = list.scrollHeight - list.clientHeight;
  for (let place = 0; ; place += list.clientHeight) {
    list.scrollTop = place;
    await frame();
    await frame();
    const { top } = room.getBoundingClientRect();
    for (const row of list.querySelectorAll('.log-rows > .row')) {
      rows.set(Math.round((row.getBoundingClientRect().top - top) / 20), { kind: row.classList.contains('marker') ? row.className : 'line', text: row.querySelector('.text').textContent });
    }
    if (place >= end) break;
  }
  const places = [...rows.keys()].sort((a, b) => a - b);
  if (places.some((place, at) => place !== at)) throw new Error(`rows are missing: ${places}`);
  return places.map((place) => rows.get(place));
}

/** The numbers in rows, in their order: each once, none missing. */
function counted(rows, what) {
  const numbers = rows.map(({ text }) => /^number (\d+)$/.exec(text)?.[1]).filter(Boolean).map(Number);
  for (const [at, number] of numbers.entries()) assert.equal(number, numbers[0] + at, `${what}: ${numbers[at - 1]} is followed by ${number}`);
  return numbers;
}

step('a network that is away for a second, ten times, costs no line and repeats none', async () => {
  await open();
  for (let time = 0; time < 10; time += 1) {
    wire.cut();
    await page.locator('.log-status', { hasText: 'Connection lost' }).waitFor();
    await pause(1_000);
    wire.restore();
    await goesOn();
  }
  const numbers = counted(await all(), 'after ten cuts');
  assert.ok(numbers.length > 300, `${numbers.length} lines in ten seconds without a network and some with one`);
  const said = await until('the connection stands', 20, async () => !/Connection lost/.test(await status()) && status());
  assert.match(said, / · none lost/);
});

step('a connection that says nothing any more is made anew, and costs no line', async () => {
  await open();
  wire.swallow();
  await page.locator('.log-status', { hasText: 'Connection lost' }).waitFor();
  wire.restore();
  await goesOn();
  counted(await all(), 'after the silence');
  assert.match(await status(), / · none lost/);
});

step('a tab that was hidden while more was written than Fairway has at hand, and the network away, has each line once', async () => {
  await open();
  const begun = await last();
  const session = await page.context().newCDPSession(page);
  await session.send('Page.setWebLifecycleState', { state: 'frozen' });
  wire.cut();
  // More than a hub's ring holds, as `crates/kubernetes/src/logs/hub.rs` says.
  await ask('/write/25000');
  await pause(1_000);
  wire.restore();
  await pause(3_000);
  await session.send('Page.setWebLifecycleState', { state: 'active' });
  await until('what was written meanwhile is there', 60, async () => (await last()) > begun + 25_000);
  await goesOn();
  const rows = await all();
  const numbers = counted(rows, 'after the sleep');
  assert.ok(numbers.length > 25_000 && numbers[0] <= begun, `${numbers.length} lines from ${numbers[0]} on; the last before was ${begun}`);
  assert.deepEqual(rows.filter(({ kind }) => kind.includes('gap')), []);
  assert.match(await status(), / · none lost/);
});

/** The rows of each run of a container: what ended one comes before all of the next. */
function runs(rows) {
  const of = [[]];
  for (const row of rows) {
    if (row.kind.includes('ended') && row.text.startsWith('exited')) of.push([]);
    else of.at(-1).push(row);
  }
  return of;
}

step('a container whose probe fails again and again is followed into each of its lives, and why it was restarted stands between them', async () => {
  await open();
  // On a busy machine the kubelet's probe may come before a new one answers, and restart it once more.
  const restarts = async () => (await servicePods(namespace, name))[0].status.containerStatuses[0].restartCount;
  let restarted = 0;
  for (let time = 0; time < 2; time += 1) {
    const before = restarted;
    await ask('/sicken');
    await until('a restart', 60, async () => (await restarts()) > before);
    await until('what it writes now is in the view', 60, async () => {
      restarted = await restarts();
      return runs(await all())[restarted]?.some(({ text }) => text === 'number 20');
    });
  }
  const rows = await all();
  const lives = runs(rows);
  assert.equal(lives.length, restarted + 1, rows.filter(({ kind }) => kind !== 'line').map(({ text }) => text).join('\n'));
  for (const [life, lines] of lives.entries()) {
    const numbers = counted(lines, `life ${life}`);
    assert.ok(numbers.length > 0 && (life === 0 || numbers[0] === 0), `life ${life} from ${numbers[0]} to ${numbers.at(-1)}`);
  }
  const happened = rows.filter(({ kind }) => kind !== 'line').map(({ text }) => text);
  assert.equal(happened.filter((text) => /exited with code/.test(text)).length, restarted, happened.join('\n'));
  const told = ['1st', '2nd', '3rd', '4th', '5th'].slice(0, restarted).map((which) => `restarted for the ${which} time`);
  assert.deepEqual(happened.filter((text) => /^restarted/.test(text)), told);
  assert.ok(happened.some((text) => /failed liveness probe, will be restarted/.test(text)), happened.join('\n'));
  assert.match(await status(), / · none lost/);
});

step('a pod that says one thing to stderr and exits at once is followed from one try to the next', async () => {
  await open();
  await kubectl('--namespace', namespace, 'set', 'env', `deployment/${name}`, 'EXITS=yes');
  // Of the rows in between, the page may hold more than it draws.
  await until('its third try', 90, async () => (await all()).filter(({ text }) => text === 'that was all').length >= 3, 2_000);
  const story = (await all()).filter(({ kind, text }) => text === 'that was all' || kind.includes('ended')).map(({ text }) => text);
  const ended = 'exited with code 1 (Error)';
  assert.deepEqual(story.slice(0, 7), ['that was all', ended, 'restarted for the 1st time', 'that was all', ended, 'restarted for the 2nd time', 'that was all']);
  assert.deepEqual(page.troubles.filter((trouble) => !/ERR_(EMPTY_RESPONSE|CONNECTION_\w+|INCOMPLETE_CHUNKED_ENCODING|SOCKET_NOT_CONNECTED)/.test(trouble)), []);
});
