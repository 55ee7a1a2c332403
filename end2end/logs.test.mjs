// Proves a followed log loses no line and repeats none: across cut connections, a killed Fairway, a deleted pod and a rollout.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Fairway, cluster, kubectl, pause, servicePods, until } from './harness.mjs';
import { openBrowser, openPage, visit } from './parts/browser.mjs';

let fairway, name, namespace, address;
/** The numbers that were read of each container while it was followed. */
let followed;

/** Writes a numbered line every ten milliseconds, and ends badly when it is told to. No line spans two writes, so that none is torn. */
const COUNTING = `
import itertools
import os
import threading
import time

from app.service import app as service


@service.get("/die")
async def die():
    os.write(1, b"these are my last words\\n")
    os._exit(3)


def count():
    for number in itertools.count():
        os.write(1, b"number %d %s\\n" % (number, b"." * (number % 60)))
        time.sleep(0.01)


threading.Thread(target=count, daemon=True).start()
`;

before(async () => {
  fairway = await Fairway.start();
  name = await fairway.create('logs', { replicas: '2' });
  namespace = fairway.namespaces.staging;
  address = `/api/v1/services/${name}/environments/staging/logs`;
  const build = await fairway.alsoRunning(name, COUNTING);
  await fairway.deployed(name, 'staging', build.id);
  await fairway.settled(name, 2);
});
after(() => fairway?.remove());

/** Follows the log as a browser does that loses its connection all the time: it resumes with the last id that it saw. */
class Reader {
  entries = [];
  cuts = 0;
  steady = false;

  start() {
    this.reading = this.#read();
    return this;
  }

  async stop() {
    this.over = true;
    this.connection?.abort();
    await this.reading;
  }

  /** Cuts the connection now; it comes back by itself. */
  cut() {
    this.connection?.abort();
  }

  async #read() {
    while (!this.over) {
      this.connection = new AbortController();
      // Cut in the middle of what is read, however long it takes to begin.
      const soon = () => setTimeout(() => !this.steady && this.cut(), 30 + Math.random() * 500);
      let timer;
      try {
        // The id of the last line that was read; without one, from the beginning.
        for await (const { id, data } of fairway.rest.events(`${address}?follow=true&since=86400`, { lastEventId: this.last, signal: this.connection.signal })) {
          timer ??= this.steady ? undefined : soon();
          this.entries.push(JSON.parse(data));
          this.last = id;
          if (this.connection.signal.aborted) break;
        }
      } catch (error) {
        if (this.connection.signal.aborted) this.cuts += 1;
        else await pause(50);
        this.trouble = error;
      }
      clearTimeout(timer);
    }
  }
}

/** The numbers that each container wrote, as they were read: by pod and how often it had been restarted. */
function numbers(entries) {
  const read = new Map();
  for (const { pod, restart, text, marker } of entries) {
    const number = !marker && /^number (\d+) (\.*)$/.exec(text);
    if (!number) continue;
    assert.equal(number[2].length, Number(number[1]) % 60, 'the line is whole');
    const container = `${pod} ${restart}`;
    if (!read.has(container)) read.set(container, []);
    read.get(container).push(Number(number[1]));
  }
  return read;
}

function gapless(list, of) {
  for (const [at, number] of list.entries()) {
    assert.equal(number, at, `${of}: after ${list[at - 1]} comes ${number}, with ${list.slice(Math.max(0, at - 3), at + 4)} around it`);
  }
}

const pods = () => servicePods(namespace, name);
const ready = (pod) => !pod.metadata.deletionTimestamp && pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');

/** What kubectl reads of a pod until it is gone: all that it wrote. */
function peer(pod) {
  const child = spawn(path.join(cluster.BIN, 'kubectl'), ['--namespace', namespace, 'logs', '--follow', pod], { env: { ...process.env, KUBECONFIG: cluster.KUBECONFIG } });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (more) => (text += more));
  return new Promise((resolve) => child.once('close', () => resolve(wrote(text))));
}

const wrote = (text) => [...text.matchAll(/^number (\d+) /gm)].map(([, number]) => Number(number));

/** Waits until pods are gone and the reader's place is past that: who is cut off before is told, rightly, that lines may be missing. */
async function past(reader, gone) {
  await until(`${gone} are gone`, 60, async () => !(await pods()).some(({ metadata }) => gone.includes(metadata.name)));
  const now = reader.entries.length;
  await until('the others go on', 20, () => reader.entries.length > now + 400);
}

test('every numbered line comes once', async (t) => {
  const reader = new Reader().start();
  t.after(() => reader.stop());
  const seen = (container) => numbers(reader.entries).get(container)?.at(-1) ?? -1;
  const [first, second] = (await pods()).filter(ready).map(({ metadata }) => metadata.name);
  await until('lines of both pods', 30, () => seen(`${first} 0`) > 100 && seen(`${second} 0`) > 100);
  await until('the connection was cut ten times', 30, () => reader.cuts >= 10);

  await fairway.kill();
  const silent = reader.entries.length;
  await pause(1_500);
  assert.equal(reader.entries.length, silent);
  await fairway.run();
  await until('lines after Fairway came back', 30, () => reader.entries.length > silent + 500);

  // The kubelet forgets a pod's lines with the pod: who isn't connected then can't have them.
  reader.steady = true;
  reader.cut();
  const before = reader.entries.length;
  await until('a steady connection', 20, () => reader.entries.length > before + 20);
  const whole = peer(first);
  await kubectl('--namespace', namespace, 'delete', 'pod', first, '--wait=false');
  const all = await whole;
  await until(`the last line of ${first}`, 20, () => seen(`${first} 0`) >= all.at(-1));
  assert.deepEqual(numbers(reader.entries).get(`${first} 0`), all, 'all that the deleted pod wrote, once');
  await past(reader, [first]);
  reader.steady = false;
  reader.cut();
  await until('its successor is read', 60, async () => (await pods()).filter(ready).length === 2 && numbers(reader.entries).size === 3);

  reader.steady = true;
  reader.cut();
  const old = (await pods()).map(({ metadata }) => metadata.name);
  const peers = old.map(peer);
  assert.equal((await fairway.rest.post(`/api/v1/services/${name}/environments/staging/restarts`)).status, 202);
  const ended = await Promise.all(peers);
  await until('the rollout is over', 90, async () => (await pods()).length === 2 && (await pods()).every((pod) => ready(pod) && !old.includes(pod.metadata.name)));
  for (const [at, pod] of old.entries()) {
    await until(`the last line of ${pod}`, 20, () => seen(`${pod} 0`) >= ended[at].at(-1));
    assert.deepEqual(numbers(reader.entries).get(`${pod} 0`), ended[at], `all that ${pod} wrote until it was replaced, once`);
  }
  await past(reader, old);
  reader.steady = false;
  reader.cut();

  // One of the new ones crashes and is restarted in its pod.
  const [crashing, other] = (await pods()).map(({ metadata }) => metadata.name);
  await kubectl('--namespace', namespace, 'exec', crashing, '--', 'python3', '-c', 'import urllib.request; urllib.request.urlopen("http://127.0.0.1:8080/die")').catch(() => {});
  await until('its successor counts', 60, () => seen(`${crashing} 1`) > 100);
  // At once: on a busy machine its probe may fail, and the kubelet keeps no more than one earlier log.
  const previous = wrote(await kubectl('--namespace', namespace, 'logs', '--previous', crashing));
  await until('the other goes on', 20, () => seen(`${other} 0`) > 100);
  const cuts = reader.cuts;
  await until('some more cuts', 20, () => reader.cuts > cuts + 3);
  await reader.stop();

  const ofCrashed = reader.entries.filter(({ pod }) => pod === crashing);
  const last = ofCrashed.findIndex(({ text, restart }) => text === 'these are my last words' && restart === 0);
  assert.ok(last >= 0, 'the last words of the crashed container');
  const end = ofCrashed.findIndex(({ marker }) => marker === 'ended');
  assert.ok(end > last, 'then its end');
  assert.match(ofCrashed[end].text, /\b3\b/, 'with its exit code');
  assert.ok(ofCrashed.findIndex(({ restart }) => restart === 1) > end, 'then its successor');
  const restarted = ofCrashed.filter(({ marker, restart }) => marker === 'restarted' && restart === 1);
  assert.deepEqual(restarted.map(({ text }) => text), ['restarted for the 1st time'], 'which is told once');

  const read = numbers(reader.entries);
  followed = read;
  t.diagnostic(`${reader.entries.length} lines of ${read.size} containers over ${reader.cuts} cuts`);
  assert.equal(read.size, 6, `${[...read.keys()]}`);
  for (const [container, list] of read) gapless(list, container);
  assert.deepEqual(reader.entries.filter(({ marker }) => marker === 'gap'), [], 'no gap was told');
  const told = (kind) => reader.entries.filter(({ marker }) => marker === kind).map(({ pod }) => pod).toSorted();
  const known = [...new Set([...read.keys()].map((container) => container.split(' ')[0]))].toSorted();
  const present = (await pods()).map(({ metadata }) => metadata.name);
  for (const pod of known) assert.equal(told('joined').filter((joined) => joined === pod).length, 1, `${pod} joined once`);
  assert.deepEqual(told('left').filter((pod) => known.includes(pod)), known.filter((pod) => !present.includes(pod)), 'each pod that is gone left once');
  const reports = reader.entries.filter(({ marker }) => marker === 'event').map(({ pod, at, text }) => `${pod} ${at} ${text}`);
  assert.ok(reports.some((report) => report.startsWith(crashing) && report.includes('Started')), 'Kubernetes reports its restart');
  assert.equal(new Set(reports).size, reports.length, 'each report comes once');
  assert.deepEqual(read.get(`${crashing} 0`), previous, 'all that the crashed container wrote');
  const wroteSince = wrote(await kubectl('--namespace', namespace, 'logs', other));
  assert.deepEqual(read.get(`${other} 0`), wroteSince.slice(0, read.get(`${other} 0`).length), 'all that the other wrote');
});

/** The log as JSON lines, which is what comes unless events are asked for. */
async function lines(query) {
  const { status, headers, body } = await fairway.rest.get(`${address}?${query}`);
  assert.equal(status, 200, body);
  assert.equal(headers['content-type'], 'application/x-ndjson');
  return body.split('\n').filter(Boolean).map((line) => JSON.parse(line));
}

test('what pods wrote is read when they are gone, by who comes later too', async () => {
  const present = (await pods()).map(({ metadata }) => metadata.name);
  const gone = [...followed.keys()].filter((container) => !present.includes(container.split(' ')[0]));
  assert.equal(gone.length, 3, `${gone}`);
  const all = await lines('');
  const kept = numbers(all);
  for (const container of gone) assert.deepEqual(kept.get(container), followed.get(container), `all of ${container}, across the kill of Fairway`);
  for (const container of gone) {
    const [pod] = container.split(' ');
    for (const marker of ['joined', 'left']) assert.equal(all.filter((entry) => entry.pod === pod && entry.marker === marker).length, 1, `${pod} ${marker} once`);
  }
  assert.deepEqual(all.filter(({ marker }) => marker === 'gap'), [], 'nothing is missing');
  const [first] = gone;
  const tenth = all.find(({ pod, text }) => pod === first.split(' ')[0] && text.startsWith('number 10 '));
  const before = numbers(await lines(`until=${tenth.place}`)).get(first);
  assert.deepEqual(before, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 'a line leads to its surroundings also when its pod is gone');
});

test('any line can be had whole, by its place', async () => {
  const last = (await lines('tail=30')).filter(({ place }) => place);
  for (const { place, text } of last) {
    const { status, headers, body } = await fairway.rest.get(`${address}/lines/${place}`);
    assert.deepEqual([status, body], [200, text]);
    assert.match(headers['content-disposition'], /^attachment; filename="logs-/);
  }
  const { place } = last[0];
  for (const [other, answer] of [[`${place}0`, 404], ['1.2.3', 404], [place.replace(/^[^.]+/, '1'), 404]]) {
    assert.equal((await fairway.rest.get(`${address}/lines/${other}`)).status, answer, other);
  }
});

test('the log is told by text, number and age, as JSON lines', async () => {
  // A busy machine may have one of them started anew just now.
  const last = await until('both pods write', 60, async () => {
    const last = (await lines('tail=20')).filter(({ marker }) => !marker);
    return new Set(last.map(({ pod }) => pod)).size === 2 && last;
  });
  assert.equal(last.length, 20, 'what happened between the lines does not count');
  assert.deepEqual(last.map(({ at }) => Date.parse(at)), last.map(({ at }) => Date.parse(at)).toSorted((a, b) => a - b), 'in order');

  const found = (await lines('filter=%22NUMBER%2077%20%22')).filter(({ marker }) => !marker);
  assert.equal(found.length, 6, 'one of each container: two pods, one of them restarted, and three that are gone');
  for (const { text } of found) assert.match(text, /^number 77 /);
  const three = (await lines('tail=3&filter=number')).filter(({ marker }) => !marker);
  assert.equal(three.length, 3);

  const asked = Date.now();
  const recent = await lines('since=2');
  assert.ok(recent.length > 100, `${recent.length} lines in two seconds`);
  for (const { at } of recent) assert.ok(Date.parse(at) > asked - 4_000, `${at} is older than two seconds`);
  assert.deepEqual(await lines('filter=nobody-wrote-this&tail=0'), []);
});

test('the status says how many of the containers are read, over REST and in the page', async (t) => {
  const status = await until('both pods are read', 60, async () => {
    const { status, body } = await fairway.rest.get(`${address}/status`);
    assert.equal(status, 200);
    return body.podsRead === 2 && body;
  });
  assert.deepEqual([status.pods, status.containers, status.containersRead], [2, 2, 2]);
  assert.ok(Date.parse(status.since) <= Date.now() && status.latestGaps.length <= status.gaps, JSON.stringify(status));
  const { status: unknown } = await fairway.rest.get(`/api/v1/services/no-such/environments/staging/logs/status`);
  assert.equal(unknown, 404);

  const browser = await openBrowser();
  t.after(() => browser.close());
  const page = await openPage(browser, fairway);
  await visit(page, `/services/${name}/logs?environment=staging`);
  await page.locator('.log-status', { hasText: /^2 of 2 pods read since \d\d:\d\d:\d\d UTC · [\d,]+ lines held/ }).waitFor();
  assert.deepEqual(page.troubles, []);
});

/** What stands first in sight, and how far below the list's edge. Runs in the page. */
function firstInSight(list) {
  const { top } = list.getBoundingClientRect();
  const row = [...list.querySelectorAll('.row')].find((row) => row.getBoundingClientRect().bottom > top);
  return `${(row.querySelector('.text') ?? row).textContent} at ${Math.round(row.getBoundingClientRect().top - top)}`;
}

/** What stands first in sight once the browser has glided to where it was sent. */
function atRest(list) {
  let before;
  return until('the list rests', 20, async () => {
    const last = before;
    before = await list.evaluate(firstInSight);
    return before === last && before;
  });
}

test('who scrolls up while lines come quickly is left in peace', async (t) => {
  const browser = await openBrowser();
  t.after(() => browser.close());
  const page = await openPage(browser, fairway);
  await visit(page, `/services/${name}/logs?environment=staging&filter=number`);
  const list = page.locator('.log-list');
  await until('there is something above what is in sight', 20, () => list.evaluate(({ scrollTop }) => scrollTop > 400));
  await list.hover();
  const status = () => page.locator('.log-status').innerText();
  const paths = [() => page.mouse.wheel(0, -300), () => page.mouse.wheel(0, -4), () => page.mouse.wheel(0, -1), () => list.press('ArrowUp')];
  for (let time = 0; time < 12; time += 1) {
    await paths[time % paths.length]();
    await until(`turn ${time} pauses`, 20, async () => /paused, [\d,]+ new lines below/.test(await status()));
    const seen = await atRest(list);
    await pause(500);
    assert.equal(await list.evaluate(firstInSight), seen, 'nothing moves under who reads, though older lines may be put above');
    await page.keyboard.press('Shift+G');
    await until('the end is followed again', 20, async () => !/paused/.test(await status()));
  }
  assert.deepEqual(page.troubles, []);
});
