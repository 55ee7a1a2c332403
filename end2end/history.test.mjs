// What the cluster no longer has is read from where the team's log shipper brought it, in the same view, each line once: from Loki on
// staging, from CloudWatch Logs on production.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Fairway, freePort, kubectl, servicePods, unique, until } from './harness.mjs';
import { openBrowser, openPage, visit } from './parts/browser.mjs';
import { CloudWatch } from './parts/cloudwatch.mjs';
import { Loki } from './parts/loki.mjs';

let fairway, folder, name, browser;

/** As many lines as a pod writes when it starts. */
const LINES = 250;
const WRITING = `
import os

for number in range(${LINES}):
    os.write(1, b"number %d\\n" % number)
os.write(1, b"level=error msg=\\"no stock\\" contact=ada@example.org\\n")
`;
const all = [...Array(LINES).keys()];

/** A service in an environment, of whose older lines a store knows. */
class Place {
  /** The pod that is gone, the one that runs, and when the first line of all was written. */
  gone;
  living;
  begun;

  constructor(environment, Store) {
    Object.assign(this, { environment, Store });
  }

  async prepare(namespace) {
    this.namespace = namespace;
    this.store = await this.Store.start({ freePort, until });
  }

  get configuration() {
    return `[[environments]]\nname = "${this.environment}"\nnamespace = "${this.namespace}"\n[environments.history]\n${this.store.configuration}\n`;
  }

  /** Has a pod write its lines and go, and another one write its own; the store has all of them. */
  async fill(build) {
    this.address = `/api/v1/services/${name}/environments/${this.environment}/logs`;
    await fairway.deployed(name, this.environment, build.id);
    this.gone = await this.onlyPod();
    const lines = await this.ship(this.gone);
    this.begun = time(lines[0][0]);
    await kubectl('-n', this.namespace, 'delete', 'pod', this.gone);
    this.living = await this.onlyPod(this.gone);
    await until('the new pod has written its lines', 60, async () => (await this.written(this.living)).length > LINES);
    await this.ship(this.living);
  }

  /** The service's pod, once it is the only one and runs. */
  onlyPod(other) {
    return until('one pod runs', 120, async () => {
      const pods = await servicePods(this.namespace, name);
      const [pod] = pods;
      return pods.length === 1 && pod.metadata.name !== other && pod.status.containerStatuses?.[0].ready && pod.metadata.name;
    });
  }

  /** What a pod wrote, with the kubelet's times: `[nanoseconds, text]`. */
  async written(pod) {
    const text = await kubectl('-n', this.namespace, 'logs', '--timestamps', pod, '-c', 'app');
    return text.split('\n').filter(Boolean).map((line) => {
      const [stamp, ...words] = line.split(' ');
      const [seconds, fraction = ''] = stamp.slice(0, -1).split('.');
      return [BigInt(Date.parse(`${seconds}Z`)) * 1_000_000n + BigInt(fraction.padEnd(9, '0')), words.join(' ')];
    });
  }

  /** Brings lines of a pod to the store, as a shipper does. */
  push(pod, lines, container = 'app') {
    return this.store.push({ namespace: this.namespace, service: name, pod, container }, lines);
  }

  /** Brings what a pod wrote so far. */
  async ship(pod) {
    const lines = await this.written(pod);
    await this.push(pod, lines);
    return lines;
  }

  async read(query) {
    const { status, body } = await fairway.rest.get(`${this.address}?${query}`);
    assert.equal(status, 200, body);
    return body.split('\n').filter(Boolean).map((line) => JSON.parse(line));
  }

  async status() {
    return (await fairway.rest.get(`${this.address}/status`)).body;
  }

  /** A test of what holds here. */
  test(title, holds) {
    test(`${this.Store.name}: ${title}`, holds);
  }
}

const places = [new Place('staging', Loki), new Place('production', CloudWatch)];

before(async () => {
  const suffix = unique();
  const namespaces = { staging: `fairway-test-${suffix}-staging`, production: `fairway-test-${suffix}-production` };
  for (const place of places) await place.prepare(namespaces[place.environment]);
  folder = await mkdtemp(path.join(tmpdir(), 'fairway-config-'));
  await writeFile(path.join(folder, 'fairway.toml'), places.map(({ configuration }) => configuration).join('\n'));
  // Nothing is kept on disk: what a pod wrote goes with it.
  const variables = { FAIRWAY_CONFIG: path.join(folder, 'fairway.toml'), FAIRWAY_ENVIRONMENTS: '', FAIRWAY_LOGS_KEEP_BYTES: '0', FAIRWAY_LOGS_REDACT: 'email' };
  fairway = await Fairway.start({ namespaces, variables: { ...variables, ...CloudWatch.variables } });
  browser = await openBrowser();
  name = await fairway.create('history', { replicas: '1' });
  const build = await fairway.alsoRunning(name, WRITING);
  for (const place of places) await place.fill(build);
});
after(async () => {
  await browser?.close();
  await fairway?.remove();
  for (const { store } of places) await store?.remove();
  if (folder) await rm(folder, { recursive: true });
});

/** Nanoseconds as a time of the API. */
const time = (nanos) => `${new Date(Number(nanos / 1_000_000_000n) * 1000).toISOString().slice(0, 19)}.${String(nanos % 1_000_000_000n).padStart(9, '0')}Z`;

/** The same back. */
const nanos = (time) => BigInt(Date.parse(`${time.slice(0, 19)}Z`)) * 1_000_000n + BigInt(time.slice(20, -1));

const lines = (entries) => entries.filter(({ marker }) => !marker);
const gaps = (entries) => entries.filter(({ marker }) => marker === 'gap');
const numbers = (entries, of) => entries.filter(({ pod, text }) => pod === of && text.startsWith('number ')).map(({ text }) => Number(text.slice(7)));

for (const place of places) {
  place.test('a range that reaches back beyond the cluster gives each line once and in order over the seam', async () => {
    const { begun, gone, living } = place;
    const got = await place.read(`from=${begun}`);
    assert.deepEqual(numbers(got, gone), all, 'only the store has them');
    assert.deepEqual(numbers(got, living), all, 'both have them');
    const times = lines(got).map(({ at }) => at);
    assert.ok(lines(got).every(({ late }) => !late));
    assert.ok(times.every((at, index) => index === 0 || Date.parse(at) >= Date.parse(times[index - 1])));
    assert.deepEqual(gaps(got), []);
  });

  place.test('older lines can be gone through from either end, and again from any of them', async () => {
    const { begun, living } = place;
    const got = lines(await place.read(`from=${begun}`));
    const first = lines(await place.read(`from=${begun}&head=120`));
    assert.deepEqual(first, got.slice(0, 120));
    const next = lines(await place.read(`from=${got[120].place}&head=50`));
    assert.deepEqual(next, got.slice(120, 170));
    const seam = got.findIndex(({ pod }) => pod === living);
    const around = lines(await place.read(`until=${got[seam + 20].place}&tail=60`));
    assert.deepEqual(around, got.slice(seam - 40, seam + 20));
    assert.deepEqual(lines(await place.read(`tail=${LINES + 100}`)).slice(0, 50), got.slice(-LINES - 100).slice(0, 50));
    const events = [];
    for await (const event of fairway.rest.events(`${place.address}?from=${begun}&head=100`)) events.push(event);
    const { id, data } = events.filter(({ data }) => !JSON.parse(data).marker)[70];
    const rest = [];
    for await (const event of fairway.rest.events(place.address, { lastEventId: id })) rest.push(JSON.parse(event.data));
    assert.deepEqual(JSON.parse(data), got[70]);
    assert.deepEqual(lines(rest).map(({ place }) => place), got.slice(71).map(({ place }) => place), 'nothing twice, and nothing left out');
    assert.deepEqual(gaps(rest), []);
  });

  place.test('older lines are filtered, levelled and masked like all others', async () => {
    const { begun, gone, living } = place;
    const [line] = lines(await place.read(`from=${begun}&filter=${encodeURIComponent(`level:error pod:${gone}`)}`));
    assert.equal(line.level, 'error');
    assert.equal(line.text, 'level=error msg="no stock" contact=[hidden]');
    assert.deepEqual(lines(await place.read(`from=${begun}&filter=ada@`)), []);
    const last = lines(await place.read(`tail=5&filter=${encodeURIComponent('"number 7"')}`));
    assert.deepEqual(last.map(({ pod, text }) => [pod, text]).slice(-5, -4), [[living, 'number 75']]);
    const few = lines(await place.read(`tail=3&filter=${encodeURIComponent('"number 33"')}`));
    assert.deepEqual(few.map(({ pod }) => pod), [gone, living]);
  });

  place.test("what the service's Redis wrote is no line of the service", async () => {
    const { begun, gone, living } = place;
    const at = (await place.written(living)).at(-1)[0];
    // More than the Loki gives at once.
    await place.push(`${name}-redis-7c9d8f-x2k4z`, [...Array(150).keys()].map((number) => [at + BigInt(number), `saved ${number}`]), 'redis');
    const got = lines(await place.read(`from=${begun}`));
    assert.deepEqual([...new Set(got.map(({ pod }) => pod))].sort(), [gone, living].sort());
    const last = lines(await place.read('tail=400'));
    assert.deepEqual(last.map(({ place }) => place), got.slice(-400).map(({ place }) => place));
  });

  place.test('lines of a pod that still runs go on in the store where its own log begins', async () => {
    const { begun, living } = place;
    const [[first]] = await place.written(living);
    const rotated = [3n, 2n, 1n].map((before) => [first - before * 1_000_000n, `rotated ${before}`]);
    await place.push(living, rotated);
    const got = lines(await place.read(`from=${begun}`)).filter(({ pod }) => pod === living);
    assert.deepEqual(got.slice(0, 4).map(({ text }) => text), ['rotated 3', 'rotated 2', 'rotated 1', (await place.written(living))[0][1]]);
    assert.deepEqual(numbers(got, living), all);
  });

  place.test('a line that only the store has can be had whole, however long it is', async () => {
    const { address, begun, gone } = place;
    const long = `{"note":"${'x'.repeat(150_000)}"}`;
    await place.push(`${name}-7c9d8f-b4t8n`, [[nanos(begun) - 60_000_000_000n, long]]);
    const range = `from=${time(nanos(begun) - 61_000_000_000n)}&until=${begun}`;
    const [line] = lines(await place.read(range));
    assert.equal(line.bytes, long.length);
    assert.ok(line.text.length <= 65_536 && long.startsWith(line.text));
    assert.equal((await fairway.rest.get(`${address}/lines/${line.place}`)).body, long);
    const { body: file } = await fairway.rest.get(`${address}/download?${range}`);
    assert.ok(file.includes(` ${long}\n`));
    const [short] = lines(await place.read(`from=${begun}&head=1`));
    assert.equal(short.pod, gone);
    assert.equal((await fairway.rest.get(`${address}/lines/${short.place}`)).body, short.text);
    const { status } = await fairway.rest.get(`${address}/lines/${short.place.replace(/[0-9a-f]+$/, '7')}`);
    assert.equal(status, 404);
  });

  place.test('who follows from a time on is given older lines and then those that come', async () => {
    const { address, begun, gone, living } = place;
    const events = fairway.rest.events(`${address}?from=${begun}&follow=true`);
    const got = [];
    for await (const { id, data } of events) {
      got.push({ id, ...JSON.parse(data) });
      if (numbers(got, living).length === LINES) break;
    }
    assert.deepEqual(numbers(got, gone), all);
    assert.deepEqual(numbers(got, living), all);
    assert.deepEqual(gaps(got), []);
    const rest = [];
    for await (const { data } of fairway.rest.events(`${address}?follow=true`, { lastEventId: got.find(({ text }) => text === 'number 99').id })) {
      rest.push(JSON.parse(data));
      if (numbers(rest, living).length === LINES) break;
    }
    assert.deepEqual(numbers(rest, gone), all.slice(100), 'it goes on among the older lines');
    assert.deepEqual(numbers(rest, living), all);
    assert.deepEqual(gaps(rest), []);
  });

  place.test('without any bound there is what the cluster has, and nobody else is asked', async () => {
    const got = lines(await place.read(''));
    assert.deepEqual([...new Set(got.map(({ pod }) => pod))], [place.living]);
  });

  place.test('the address of a line that only the store has leads to it among those around it', async () => {
    const { begun, environment, gone } = place;
    const line = lines(await place.read(`from=${begun}`)).find(({ pod, text }) => pod === gone && text === 'number 125');
    const page = await openPage(browser, fairway);
    await visit(page, `${fairway.url}/services/${name}/logs?environment=${environment}&at=${line.place}`);
    await page.locator('.row.selected').filter({ hasText: 'number 125' }).waitFor({ timeout: 60_000 });
    const around = await page.locator('.log-rows .text').allInnerTexts();
    assert.ok(around.includes('number 124') && around.includes('number 126'), around.join('\n'));
    assert.deepEqual(page.troubles, []);
    await page.context().close();
  });

  place.test('the page shows older lines, and its status names where they come from', async () => {
    const { environment, gone, living, store } = place;
    const address = `${fairway.url}/services/${name}/logs?environment=${environment}`;
    const plain = await openPage(browser, fairway, { javaScriptEnabled: false });
    // On a busy machine the store may take longer than a page waits; the page then says to reload.
    const text = await until('the page has the lines', 60, async () => {
      await plain.goto(address);
      const [log] = await plain.locator('.plain-log').all();
      return log?.innerText();
    });
    for (const pod of [gone, living]) assert.match(text, new RegExp(`${pod.split('-').at(-1)} .*number ${LINES - 1}`));
    assert.deepEqual((await place.status()).history, { source: store.name, hours: 720, trouble: null });
    const page = await openPage(browser, fairway);
    await visit(page, address);
    await page.getByText(`older lines from ${store.name}`).waitFor();
  });
}

test('CloudWatch: more lines than one answer holds come in order, one page after the other', async () => {
  const [, place] = places;
  const hour = BigInt(Math.floor(Date.now() / 1000) - 3600) * 1_000_000_000n;
  const texts = [...Array(10_050).keys()].map((number) => `old ${number}`);
  await place.push(`${name}-7c9d8f-x2k4z`, texts.map((text, number) => [hour + BigInt(number) * 10_000n, text]));
  const range = `from=${time(hour)}&until=${time(hour + 60_000_000_000n)}`;
  assert.deepEqual(lines(await place.read(range)).map(({ text }) => text), texts);
  const last = lines(await place.read(`${range}&tail=7`));
  assert.deepEqual(last.map(({ text }) => text), texts.slice(-7));
});

for (const place of places) {
  place.test('without the store the lines of the cluster are there, and what is missing is said', async () => {
    const { begun, living, store } = place;
    await store.kill();
    const got = await place.read(`from=${begun}`);
    assert.deepEqual(numbers(got, living), all);
    assert.equal(gaps(got).length, 1);
    const [{ text }] = gaps(got);
    assert.ok(text.startsWith(`Older lines are missing here: ${store.name} doesn't answer (`), text);
    assert.equal((await place.status()).history.trouble, text);
  });
}
