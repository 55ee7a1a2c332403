// What the cluster no longer has is read from where the team's log shipper brought it, in the same view, each line once.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Fairway, freePort, kubectl, servicePods, unique, until } from './harness.mjs';
import { openBrowser, openPage, visit } from './parts/browser.mjs';
import { Loki } from './parts/loki.mjs';

let fairway, loki, folder, name, namespace, address, browser;
/** The pod that is gone, the one that runs, and when the first line of all was written. */
let gone, living, begun;

/** As many lines as a pod writes when it starts. */
const LINES = 250;
const WRITING = `
import os

for number in range(${LINES}):
    os.write(1, b"number %d\\n" % number)
os.write(1, b"level=error msg=\\"no stock\\" contact=ada@example.org\\n")
`;

before(async () => {
  const suffix = unique();
  const namespaces = { staging: `fairway-test-${suffix}-staging`, production: `fairway-test-${suffix}-production` };
  namespace = namespaces.staging;
  loki = await Loki.start({ freePort, until, tenant: 'shop' });
  folder = await mkdtemp(path.join(tmpdir(), 'fairway-config-'));
  const configuration = `
[[environments]]
name = "staging"
namespace = "${namespaces.staging}"
[environments.history]
kind = "loki"
url = "${loki.url}"
tenant = "shop"

[[environments]]
name = "production"
namespace = "${namespaces.production}"
`;
  await writeFile(path.join(folder, 'fairway.toml'), configuration);
  // Nothing is kept on disk: what a pod wrote goes with it.
  const variables = { FAIRWAY_CONFIG: path.join(folder, 'fairway.toml'), FAIRWAY_ENVIRONMENTS: '', FAIRWAY_LOGS_KEEP_BYTES: '0', FAIRWAY_LOGS_REDACT: 'email' };
  fairway = await Fairway.start({ namespaces, variables });
  browser = await openBrowser();
  name = await fairway.create('history', { replicas: '1' });
  address = `/api/v1/services/${name}/environments/staging/logs`;
  const copy = await fairway.git.clone(name);
  await copy.write('app/__main__.py', (text) => text.replace('# uvicorn stops', `${WRITING}\n# uvicorn stops`));
  const build = await fairway.build(name, await copy.push('Write'));
  await fairway.deployed(name, 'staging', build.id);
  gone = await onlyPod();
  const lines = await ship(gone);
  begun = time(lines[0][0]);
  await kubectl('-n', namespace, 'delete', 'pod', gone);
  living = await onlyPod(gone);
  await until('the new pod has written its lines', 60, async () => (await written(living)).length > LINES);
  await ship(living);
});
after(async () => {
  await browser?.close();
  await fairway?.remove();
  await loki?.remove();
  if (folder) await rm(folder, { recursive: true });
});

/** The service's pod, once it is the only one and runs. */
const onlyPod = (other) =>
  until('one pod runs', 120, async () => {
    const pods = await servicePods(namespace, name);
    const [pod] = pods;
    return pods.length === 1 && pod.metadata.name !== other && pod.status.containerStatuses?.[0].ready && pod.metadata.name;
  });

/** What a pod wrote, with the kubelet's times: `[nanoseconds, text]`. */
async function written(pod) {
  const text = await kubectl('-n', namespace, 'logs', '--timestamps', pod, '-c', 'app');
  return text.split('\n').filter(Boolean).map((line) => {
    const [stamp, ...words] = line.split(' ');
    const [seconds, fraction = ''] = stamp.slice(0, -1).split('.');
    return [BigInt(Date.parse(`${seconds}Z`)) * 1_000_000n + BigInt(fraction.padEnd(9, '0')), words.join(' ')];
  });
}

/** Brings what a pod wrote so far to Loki, as promtail and Alloy do. */
async function ship(pod) {
  const lines = await written(pod);
  await loki.push({ namespace, app: name, pod, container: 'app', stream: 'stdout' }, lines);
  return lines;
}

/** Nanoseconds as a time of the API. */
const time = (nanos) => `${new Date(Number(nanos / 1_000_000_000n) * 1000).toISOString().slice(0, 19)}.${String(nanos % 1_000_000_000n).padStart(9, '0')}Z`;

async function read(query) {
  const { status, body } = await fairway.rest.get(`${address}?${query}`);
  assert.equal(status, 200, body);
  return body.split('\n').filter(Boolean).map((line) => JSON.parse(line));
}

const lines = (entries) => entries.filter(({ marker }) => marker === null);
const numbers = (entries, of) => entries.filter(({ pod, text }) => pod === of && text.startsWith('number ')).map(({ text }) => Number(text.slice(7)));
const all = [...Array(LINES).keys()];

test('a range that reaches back beyond the cluster gives each line once and in order over the seam', async () => {
  const got = await read(`from=${begun}`);
  assert.deepEqual(numbers(got, gone), all, 'only Loki has them');
  assert.deepEqual(numbers(got, living), all, 'both have them');
  const times = lines(got).map(({ at }) => at);
  assert.ok(lines(got).every(({ late }) => !late));
  assert.ok(times.every((at, index) => index === 0 || Date.parse(at) >= Date.parse(times[index - 1])));
  assert.ok(got.every(({ marker }) => marker !== 'gap'), JSON.stringify(got.filter(({ marker }) => marker === 'gap')));
});

test('older lines can be gone through from either end, and again from any of them', async () => {
  const got = lines(await read(`from=${begun}`));
  const first = lines(await read(`from=${begun}&head=120`));
  assert.deepEqual(first, got.slice(0, 120));
  const next = lines(await read(`from=${got[120].place}&head=50`));
  assert.deepEqual(next, got.slice(120, 170));
  const seam = got.findIndex(({ pod }) => pod === living);
  const around = lines(await read(`until=${got[seam + 20].place}&tail=60`));
  assert.deepEqual(around, got.slice(seam - 40, seam + 20));
  assert.deepEqual(lines(await read(`tail=${LINES + 100}`)).slice(0, 50), got.slice(-LINES - 100).slice(0, 50));
  const events = [];
  for await (const event of fairway.rest.events(`${address}?from=${begun}&head=100`)) events.push(event);
  const { id, data } = events.filter(({ data }) => JSON.parse(data).marker === null)[70];
  const rest = [];
  for await (const event of fairway.rest.events(address, { lastEventId: id })) rest.push(JSON.parse(event.data));
  assert.deepEqual(JSON.parse(data), got[70]);
  assert.deepEqual(lines(rest).map(({ place }) => place), got.slice(71).map(({ place }) => place), 'nothing twice, and nothing left out');
  assert.ok(rest.every(({ marker }) => marker !== 'gap'));
});

test('older lines are filtered, levelled and masked like all others', async () => {
  const [line] = lines(await read(`from=${begun}&filter=${encodeURIComponent(`level:error pod:${gone}`)}`));
  assert.equal(line.level, 'error');
  assert.equal(line.text, 'level=error msg="no stock" contact=[hidden]');
  assert.deepEqual(lines(await read(`from=${begun}&filter=ada@`)), []);
  const last = lines(await read(`tail=5&filter=${encodeURIComponent('"number 7"')}`));
  assert.deepEqual(last.map(({ pod, text }) => [pod, text]).slice(-5, -4), [[living, 'number 75']]);
  const few = lines(await read(`tail=3&filter=${encodeURIComponent('"number 33"')}`));
  assert.deepEqual(few.map(({ pod }) => pod), [gone, living]);
});

test('lines of a pod that still runs go on in Loki where its own log begins', async () => {
  const [[first]] = await written(living);
  const rotated = [3n, 2n, 1n].map((before) => [first - before, `rotated ${before}`]);
  await loki.push({ namespace, app: name, pod: living, container: 'app', stream: 'stdout' }, rotated);
  const got = lines(await read(`from=${begun}`)).filter(({ pod }) => pod === living);
  assert.deepEqual(got.slice(0, 4).map(({ text }) => text), ['rotated 3', 'rotated 2', 'rotated 1', (await written(living))[0][1]]);
  assert.deepEqual(numbers(got, living), all);
});

test('the page shows older lines, and its status names where they come from', async () => {
  const plain = await openPage(browser, fairway, { javaScriptEnabled: false });
  // On a busy machine Loki may take longer than a page waits; the page then says to reload.
  const text = await until('the page has the lines', 60, async () => {
    await plain.goto(`${fairway.url}/services/${name}/logs?environment=staging`);
    const [log] = await plain.locator('.plain-log').all();
    return log?.innerText();
  });
  for (const pod of [gone, living]) assert.match(text, new RegExp(`${pod.split('-').at(-1)} .*number ${LINES - 1}`));
  const { body: status } = await fairway.rest.get(`${address}/status`);
  assert.deepEqual(status.history, { source: `Loki at ${loki.url}`, hours: 720, trouble: null });
  const page = await openPage(browser, fairway);
  await visit(page, `${fairway.url}/services/${name}/logs?environment=staging`);
  await page.getByText(`older lines from Loki at ${loki.url}`).waitFor();
});

test('without Loki the lines of the cluster are there, and what is missing is said', async () => {
  await loki.kill();
  const got = await read(`from=${begun}`);
  assert.deepEqual(numbers(got, living), all);
  const gaps = got.filter(({ marker }) => marker === 'gap');
  assert.equal(gaps.length, 1);
  assert.match(gaps[0].text, new RegExp(`^Older lines are missing here: Loki at ${loki.url} doesn't answer \\(`));
  const { body: status } = await fairway.rest.get(`${address}/status`);
  assert.equal(status.history.trouble, gaps[0].text);
});
