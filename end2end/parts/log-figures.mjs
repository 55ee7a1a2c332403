// Measures logs beside the programs that people read them with today: the same lines, of the same pods, in turns.
import { readFile } from 'node:fs/promises';
import { Agent, get as httpGet } from 'node:http';
import { Agent as TlsAgent, get as httpsGet } from 'node:https';
import { inCluster, kubectl, pause } from '../harness.mjs';
import { inTerminal } from './cluster.mjs';
import { memoryOfTabs, openBrowser, openPage, visit } from './browser.mjs';
import { ascending, at, count, median, megabytes, memory, row, seconds, spread } from './figures.mjs';

const pods = 3;
const written = count < 5 ? 2_000 : 60_000;
const turns = count < 5 ? count : 3 * count;
const viewers = count < 5 ? 5 : 100;
/** How many lines a tab holds: all that the view takes, as `app/src/islands/logs/held.rs` says. */
const held = count < 5 ? 5_000 : 200_000;

/** Writes many lines at once when it starts, its own time twenty times a second, and as many lines a second as it is asked to. */
const writing = `
import os
import threading
import time

from app.service import app as service

LINE = b'{"level":"info","message":"line %d of a service that says what it does","took":%d}\\n'


@service.get("/pour")
def pour(rate: int, duration: int):
    for turn in range(duration * 20):
        begun = time.monotonic()
        for first in range(0, rate // 20, 50):
            os.write(1, b"".join(LINE % (turn * rate + number, number) for number in range(first, first + 50)))
        time.sleep(max(0, 0.05 - (time.monotonic() - begun)))
    return "done"


def write():
    for first in range(0, ${written}, 100):
        os.write(1, b"".join(LINE % (number, number % 97) for number in range(first, first + 100)))
    while True:
        os.write(1, b"beat %d\\n" % (time.time() * 1000))
        time.sleep(0.05)


threading.Thread(target=write, daemon=True).start()
`;

/** All figures of logs. */
export async function logs(fairway) {
  const name = await fairway.create('written', { replicas: String(pods) });
  const { id } = await fairway.alsoRunning(name, writing);
  await fairway.deployed(name, 'staging', id);
  const service = { fairway, name, namespace: fairway.namespaces.staging, pods: (await fairway.settled(name, pods)).map(({ metadata }) => metadata.name) };
  await throughput(service);
  await manyViewers(service);
  await inBrowser(service);
  await manyHeld(service);
}

const selector = (name) => `app.kubernetes.io/name=${name},app.kubernetes.io/component=service`;

/** Everything that the pods have written, read by several ways in turns. */
async function throughput({ fairway, name, namespace, pods }) {
  const reading = (query) => async () => {
    const [begun, cpu] = [performance.now(), await processorTime(fairway.child.pid)];
    const lines = await read(httpGet, `${fairway.url}/api/v1/services/${name}/environments/staging/logs${query}`, { agent: new Agent() });
    return { took: since(begun), cpu: (await processorTime(fairway.child.pid)) - cpu, lines };
  };
  const ways = {
    raw: () => raw(namespace, pods),
    fairway: reading('/download'),
    json: reading(''),
    filtered: reading('?filter=nobody-wrote-this'),
    stern: () => timed(`${process.env.FAIRWAY_BENCH_STERN} --namespace ${namespace} --selector ${selector(name)} --no-follow --tail -1 --since 24h --max-log-requests 20 .`),
    kubectl: () => timed(`kubectl --namespace ${namespace} logs --selector ${selector(name)} --container app --tail -1 --prefix --max-log-requests 20`),
  };
  const results = Object.fromEntries(Object.keys(ways).map((way) => [way, []]));
  // Both processors are busy whoever reads, with what the API server and the kubelet do for it: one reading says little. The first of
  // each only warms up what they use.
  for (let turn = 0; turn <= turns; turn += 1) {
    for (const [way, measure] of Object.entries(ways)) {
      const result = await measure();
      if (turn > 0) results[way].push(result);
    }
  }
  const took = (way) => results[way].map(({ took }) => took);
  const cpu = (way) => median(results[way].map(({ cpu }) => cpu));
  const lines = median(results.fairway.map(({ lines }) => lines));
  row(`${Math.round(lines / 1000)},000 log lines of ${pods.length} pods, read to the end`, spread(took('fairway')), `${turns} times, in turns with the following; as a file of text, in the order of time`);
  row('… three HTTP reads of the API server at once, with timestamps', spread(took('raw')), 'the least that a reader can do: nothing is put in order');
  row('… ratio of the medians', (median(took('fairway')) / median(took('raw'))).toFixed(2), 'goal: 1.1');
  row('… as JSON lines, with all that is known of each', spread(took('json')), `twice as many bytes; ${seconds(cpu('json'))} of processor time`);
  row('… by a filter that none of them matches', spread(took('filtered')), `everything is read for it; ${seconds(cpu('filtered'))} of processor time`);
  row('… `stern`', spread(took('stern')), `without timestamps; ${seconds(cpu('stern'))} of processor time`);
  row('… `kubectl logs`', spread(took('kubectl')), `without timestamps; ${seconds(cpu('kubectl'))} of processor time`);
  row('… processor time of Fairway', seconds(cpu('fairway')), `${((cpu('fairway') / lines) * 1e6).toFixed(1)} µs a line`);
  row('… ratio to that of `stern`', (cpu('fairway') / cpu('stern')).toFixed(2), 'goal: 0.7; stern neither parses nor orders');
}

const since = (begun) => (performance.now() - begun) / 1000;

/** Reads an address to its end; gives how many lines came. */
function read(get, address, options) {
  return new Promise((resolve, reject) => {
    get(address, options, (answer) => {
      let lines = 0;
      if (answer.statusCode !== 200) reject(new Error(`${address}: ${answer.statusCode}`));
      answer.on('data', (chunk) => {
        for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, end + 1)) lines += 1;
      });
      answer.once('end', () => resolve(lines)).once('error', reject);
    }).once('error', reject);
  });
}

async function raw(namespace, pods) {
  const { clusters: [{ cluster: server }], users: [{ user }] } = JSON.parse(await kubectl('config', 'view', '--raw', '--output', 'json'));
  const bytes = async (inline, file) => (inline ? Buffer.from(inline, 'base64') : readFile(file));
  const agent = new TlsAgent({
    ca: await bytes(server['certificate-authority-data'], server['certificate-authority']),
    cert: await bytes(user['client-certificate-data'], user['client-certificate']),
    key: await bytes(user['client-key-data'], user['client-key']),
  });
  const begun = performance.now();
  const log = (pod) => read(httpsGet, `${server.server}/api/v1/namespaces/${namespace}/pods/${pod}/log?container=app&timestamps=true`, { agent });
  await Promise.all(pods.map(log));
  return { took: since(begun) };
}

/** Runs a command to its end, its output thrown away. */
async function timed(command) {
  const told = await inTerminal(`TIMEFORMAT='%R %U %S'; { time ${command} >/dev/null 2>&1; } 2>&1`);
  const [took, user, system] = told.trim().split(' ').map(Number);
  return { took, cpu: user + system };
}

/** What a process has used of the processors, in seconds; Linux counts hundredths. */
async function processorTime(pid) {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Log streams that the API server has open. */
async function upstream() {
  const metrics = await kubectl('get', '--raw', '/metrics');
  const open = metrics.matchAll(/^apiserver_longrunning_requests\{[^}]*subresource="log"[^}]*\} (\d+)/gm);
  return [...open].reduce((sum, [, number]) => sum + Number(number), 0);
}

/** One who follows the log, and many. */
async function manyViewers({ fairway, name }) {
  const over = new AbortController();
  const address = `/api/v1/services/${name}/environments/staging/logs?follow=true&tail=100`;
  const follow = async (heard) => {
    for await (const _ of fairway.rest.events(address, { signal: over.signal })) heard();
  };
  const followers = async (number) => {
    const first = Array.from({ length: number }, () => new Promise((resolve, reject) => follow(resolve).catch(reject)));
    await Promise.all(first);
    await pause(5_000);
    return { memory: await memory(fairway.child.pid), streams: await upstream() };
  };
  const one = await followers(1);
  const many = await followers(viewers - 1);
  over.abort();
  row(`resident memory with one who follows a log, and with ${viewers}`, `${megabytes(one.memory)} and ${megabytes(many.memory)}`, `ratio ${(many.memory / one.memory).toFixed(2)}; goal: under 1.5`);
  row('… log streams open at the API server', `${one.streams} and ${many.streams}`, 'they must not grow with those who follow');
}

/** What a person sees: how soon a line is painted, and how the page fares while very many come. */
async function inBrowser({ fairway, name, namespace, pods }) {
  const browser = await openBrowser();
  try {
    const page = await openPage(browser, fairway);
    await visit(page, `/services/${name}/logs?environment=staging`);
    await page.waitForFunction(() => document.querySelector('.log-list')?.textContent.includes('beat '));
    const delays = ascending(await page.evaluate(painted, 10_000));
    row('container’s write to the browser’s paint, p50 and p99', `${at(delays, 0.5)} ms and ${at(delays, 0.99)} ms`, `${delays.length} lines; the 300 ms in which lines are put in order are in it; goal: p99 under 500 ms`);
    const pour = inCluster(namespace, pods[0], 'http://127.0.0.1:8080/pour?rate=5000&duration=2');
    const [frames] = await Promise.all([page.evaluate(frameTimes, 4_000), pour]);
    row('frames later than 50 ms while 5,000 lines a second come', `${frames.filter((frame) => frame > 50).length} of ${frames.length}`, `the longest took ${Math.round(Math.max(...frames))} ms`);
  } finally {
    await browser.close();
  }
}

/** What a tab takes that holds as many lines as it can, and how soon it answers a filter over all of them. */
async function manyHeld({ fairway, name, namespace, pods }) {
  const [typed, answers] = ['line 59', []];
  for (let turn = 0; turn < Math.min(count, 3); turn += 1) {
    const browser = await openBrowser();
    try {
      const page = await openPage(browser, fairway);
      await visit(page, `/services/${name}/logs?environment=staging&since=all`);
      for (let pod = 0; (await linesHeld(page)) < held; pod += 1) {
        await inCluster(namespace, pods[pod % pods.length], 'http://127.0.0.1:8080/pour?rate=5000&duration=1');
      }
      if (turn === 0) await tabMemory(browser, page);
      await page.locator('#filter').focus();
      await page.evaluate(timeKeys);
      await page.keyboard.type(typed, { delay: 150 });
      await page.waitForFunction((keys) => globalThis.keyAnswers.length === keys, typed.length);
      answers.push(...(await page.evaluate(() => globalThis.keyAnswers)));
    } finally {
      await browser.close();
    }
  }
  row(`a key in the filter to the painted answer, over ${held.toLocaleString('en')} lines`, `${Math.round(median(answers))} ms (${Math.round(Math.min(...answers))} ms to ${Math.round(Math.max(...answers))} ms)`, `${answers.length} keys of a filter that most lines match until its end; median, least and most; goal: 50 ms`);
}

/** How many lines a tab holds once no more come for a moment. */
async function linesHeld(page) {
  const now = async () => Number(/([\d,]+) lines? held/.exec(await page.locator('.log-status').innerText())?.[1].replaceAll(',', '') ?? 0);
  for (let [before, lines] = [-1, await now()]; ; [before, lines] = [lines, await now()]) {
    // Those that the pods write all the time are few.
    if (lines >= held || (lines > 0 && lines - before < 500)) return lines;
    await pause(2_000);
  }
}

/** What the tab's process has for itself. No collection of garbage is asked for. */
async function tabMemory(browser, page) {
  await pause(10_000);
  const sizes = await memoryOfTabs(browser);
  const tab = await page.context().newCDPSession(page);
  const { usedSize } = await tab.send('Runtime.getHeapUsage');
  const lines = (await linesHeld(page)).toLocaleString('en');
  row(`memory of a tab that holds ${lines} lines`, megabytes(Math.max(...sizes)), `all that its process has for itself (RssAnon and VmSwap), of it ${megabytes(usedSize)} JavaScript; goal: under 150 MB`);
}

/** From now on, keeps how long after each key in the filter rows were painted that all have the words typed so far. Runs in the page. */
function timeKeys() {
  const field = document.querySelector('#filter');
  const answers = (globalThis.keyAnswers = []);
  let pressed;
  field.addEventListener('keydown', ({ timeStamp }) => (pressed = timeStamp));
  field.addEventListener('input', () => {
    const [begun, words] = [pressed, field.value.trim().split(' ')];
    // What changes within a frame is painted before the next task.
    const look = () => requestAnimationFrame(() => setTimeout(() => {
      const said = [...document.querySelectorAll('.log-rows > .row:not(.marker) .said')];
      const answered = said.length > 0 && said.every(({ textContent }) => words.every((word) => textContent.includes(word)));
      if (answered) answers.push(performance.now() - begun);
      else look();
    }));
    look();
  });
}

/** For `milliseconds`, how long after it was written each line with a time of its own was painted. Runs in the page. */
function painted(milliseconds) {
  return new Promise((resolve) => {
    const list = document.querySelector('.log-list');
    const inSight = () => [...list.textContent.matchAll(/beat (\d{13})/g)].map(([, written]) => written);
    const [seen, delays] = [new Set(inSight()), []];
    const observer = new MutationObserver(() => {
      for (const written of inSight()) {
        if (seen.has(written)) continue;
        seen.add(written);
        requestAnimationFrame(() => setTimeout(() => delays.push(Date.now() - Number(written))));
      }
    });
    observer.observe(list, { childList: true, subtree: true, characterData: true });
    setTimeout(() => {
      observer.disconnect();
      resolve(delays);
    }, milliseconds);
  });
}

/** How long each frame took, for `milliseconds`. Runs in the page. */
function frameTimes(milliseconds) {
  return new Promise((resolve) => {
    const frames = [];
    const begun = performance.now();
    let last = begun;
    const frame = (now) => {
      frames.push(now - last);
      last = now;
      if (now - begun < milliseconds) requestAnimationFrame(frame);
      else resolve(frames);
    };
    requestAnimationFrame(frame);
  });
}
