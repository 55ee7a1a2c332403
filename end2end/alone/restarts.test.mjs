// Proves that a followed log loses no line to the restart of what it comes from. Other tests' own reading breaks meanwhile: this runs when
// they are over.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { open, readFile, realpath, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Fairway, cluster, kubectl, pause, until } from '../harness.mjs';

let fairway, name, address;

/** Writes a numbered line every ten milliseconds. */
const COUNTING = `
import itertools
import os
import threading
import time


def count():
    for number in itertools.count():
        os.write(1, b"number %d\\n" % number)
        time.sleep(0.01)


threading.Thread(target=count, daemon=True).start()
`;

before(async () => {
  fairway = await Fairway.start();
  name = await fairway.create('kubelet', { replicas: '2' });
  address = `/api/v1/services/${name}/environments/staging/logs`;
  const build = await fairway.alsoRunning(name, COUNTING);
  await fairway.deployed(name, 'staging', build.id);
  await fairway.settled(name, 2);
});
after(() => fairway?.remove());

/** Whether a process is there and hasn't ended. */
const lives = (pid) => readFile(`/proc/${pid}/stat`, 'utf8').then((stat) => stat.split(') ')[1][0] !== 'Z', () => false);

/** Ends a part of the local cluster as a crash does, and starts it again as it was after a moment. */
async function restart(part) {
  const state = path.dirname(await realpath(cluster.KUBECONFIG));
  const file = path.join(state, `run/${part}.pid`);
  const pid = Number(await readFile(file, 'utf8'));
  const words = async (of) => (await readFile(`/proc/${pid}/${of}`, 'utf8')).split('\0').filter(Boolean);
  const [program, ...args] = await words('cmdline');
  assert.equal(path.basename(program), part);
  const env = Object.fromEntries((await words('environ')).map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
  process.kill(pid, 'SIGKILL');
  try {
    await until(`${part} has ended`, 60, async () => !(await lives(pid)));
    await pause(2_000);
  } finally {
    const log = await open(path.join(state, `log/${part}.log`), 'a');
    const child = spawn(program, args, { cwd: state, env, detached: true, stdio: ['ignore', log.fd, log.fd] });
    child.unref();
    await writeFile(file, `${child.pid}\n`);
    await log.close();
  }
}

test('a kubelet and an API server that are restarted cost a followed log no line', async () => {
  const entries = [];
  const over = new AbortController();
  const reading = (async () => {
    for await (const { data } of fairway.rest.events(`${address}?follow=true&since=86400`, { signal: over.signal })) entries.push(JSON.parse(data));
  })().catch((error) => {
    if (!over.signal.aborted) throw error;
  });
  const lines = () => entries.filter(({ text, marker }) => !marker && /^number \d+$/.test(text));
  const pods = (await fairway.settled(name, 2)).map(({ metadata }) => metadata.name);
  const of = (pod) => lines().filter((entry) => entry.pod === pod).map(({ text }) => Number(text.split(' ')[1]));
  await until('both pods are read', 60, () => pods.every((pod) => of(pod).length > 100));
  for (const part of ['kubelet', 'kube-apiserver', 'kubelet']) {
    await restart(part);
    const restarted = Date.now();
    await until('both are read again', 120, () => pods.every((pod) => lines().some((entry) => entry.pod === pod && Date.parse(entry.at) > restarted + 3_000)));
  }
  over.abort();
  await reading;
  for (const pod of pods) assert.deepEqual(of(pod), Array.from(of(pod).keys()), `each line of ${pod} once`);
  assert.deepEqual(entries.filter(({ marker }) => marker === 'gap'), []);
  await kubectl('wait', '--for=condition=Ready', 'nodes', '--all', '--timeout=60s');
  await until('both pods are said to be read', 60, async () => {
    const { body } = await fairway.rest.get(`${address}/status`);
    assert.equal(body.gaps, 0);
    return body.podsRead === 2;
  });
});
