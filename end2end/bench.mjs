// Measures what a person waits for, on the real cluster, and writes it to docs/figures.md. Asserts nothing; `make bench` runs it.
import { readFile, rename, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { Fairway, kubectl, pause, redisCli, servicePods } from './harness.mjs';
import { clone, inTerminal } from './parts/cluster.mjs';
import { ascending, at, count, kilobytes, median, megabytes, memory, row, spread, table } from './parts/figures.mjs';
import { logs } from './parts/log-figures.mjs';
import { purges } from './parts/purge-figures.mjs';
import { run } from './parts/run.mjs';

const listed = count < 5 ? 4 : 20;
const requests = count < 5 ? 20 : 500;
const figures = path.join(clone, 'docs/figures.md');

/** Listens to a job as its page does; gives how long after `begun` its end was heard. */
async function heardEnd(fairway, job, begun) {
  for await (const event of fairway.rest.events(`/api/v1/jobs/${job}/events`, { signal: AbortSignal.timeout(240_000) })) {
    const { type } = JSON.parse(event.data);
    if (type === 'succeeded') return (performance.now() - begun) / 1000;
    if (type === 'failed') throw new Error(`job ${job} failed: ${JSON.stringify((await fairway.rest.get(`/api/v1/jobs/${job}`)).body)}`);
  }
  throw new Error(`the events of job ${job} ended before it did`);
}

const lasted = ({ steps }, wanted) => {
  const { startedAt, finishedAt } = steps.find(({ name }) => name === wanted);
  return (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000;
};

/** From the form's submission to ready on staging, a service after the other. Gives their names. */
async function creations(fairway) {
  const [names, whole] = [[], []];
  const steps = { build: [], release: [], ready: [] };
  for (let turn = 0; turn < count; turn += 1) {
    const name = fairway.name(`made${turn}`);
    const begun = performance.now();
    const { status, body } = await fairway.rest.post('/api/v1/services', fairway.answers(name));
    if (status !== 202) throw new Error(`creating ${name}: ${status} ${JSON.stringify(body)}`);
    whole.push(await heardEnd(fairway, body.id, begun));
    const job = await fairway.job(body.id);
    for (const step of Object.keys(steps)) steps[step].push(lasted(job, step));
    names.push(name);
  }
  row('form submitted to ready on staging', spread(whole), `${count} creations, Python, one pod; median, least and most`);
  for (const [step, times] of Object.entries(steps)) row(`… of it ${step}`, spread(times), 'by the job’s own record');
  return names;
}

/** A deploy by Fairway against the command that it shows, with Helm's `--wait`; in turns, each the next of three builds. */
async function deploys(fairway) {
  const name = await fairway.create('turns', { replicas: '2' });
  const copy = await fairway.git.clone(name);
  const { body: first } = await fairway.rest.get(`/api/v1/services/${name}/builds`);
  const { body: service } = await fairway.rest.get(`/api/v1/services/${name}`);
  const builds = [{ id: first[0].id, command: await shown(fairway, service.deploys[0].job) }];
  for (const number of [2, 3]) {
    await copy.write('app/__init__.py', `"""The service, change ${number}."""\n`);
    const { id } = await fairway.build(name, await copy.push(`Change ${number}`));
    builds.push({ id, command: await shown(fairway, (await fairway.deployed(name, 'staging', id)).job) });
  }
  const home = path.join(fairway.data, 'helm');
  const variables = ['CACHE', 'CONFIG', 'DATA'].map((kind) => `export HELM_${kind}_HOME=${home}/${kind}`).join('; ');
  const ways = {
    fairway: async ({ id }, begun) => {
      const { body } = await fairway.deploy(name, 'staging', id);
      const answered = (performance.now() - begun) / 1000;
      const whole = await heardEnd(fairway, body.job, begun);
      const job = await fairway.job(body.job);
      parts.push([answered, lasted(job, 'release'), lasted(job, 'ready')]);
      return whole;
    },
    helm: async ({ command }, begun) => {
      await inTerminal(`${variables}; ${command} --wait --timeout 120s`, copy.folder);
      return (performance.now() - begun) / 1000;
    },
  };
  const times = { fairway: [], helm: [] };
  const parts = [];
  // The first of each only warms up what both use.
  for (let turn = 0; turn < 2 * count + 4; turn += 1) {
    // Each begins with the same pods, and a moment of calm.
    await fairway.settled(name, 2);
    await pause(500);
    const way = turn % 2 === 0 ? 'fairway' : 'helm';
    const took = await ways[way](builds[turn % 3], performance.now());
    if (turn > 1) times[way].push(took);
  }
  row('click to ready', spread(times.fairway), `${times.fairway.length} deploys of another build, Python, two pods`);
  ['answer to the click', 'release', 'ready'].forEach((part, place) => row(`… of it ${part}`, spread(parts.slice(1).map((one) => one[place])), place ? 'by the job’s own record' : 'the difference of every object is put on record first'));
  row('`helm upgrade --install --wait` of the same release', spread(times.helm), 'the command that the deploy shows, in turns with it');
  row('… ratio of the medians', (median(times.fairway) / median(times.helm)).toFixed(2), 'Fairway’s own second of watching that the pods stay ready is in it');
}

/** The command that a deploy's job shows for its release. */
async function shown(fairway, job) {
  const { body } = await fairway.rest.get(`/api/v1/jobs/${job}`);
  return body.steps.find(({ name }) => name === 'release').command;
}

/** Services that only fill the list, three at a time. */
async function fill(fairway, number) {
  const waiting = Array.from({ length: number }, (_, turn) => `other${turn}`);
  await Promise.all(Array.from({ length: 3 }, async () => {
    for (let word = waiting.shift(); word; word = waiting.shift()) await fairway.create(word, { team: 'billing' });
  }));
}

/** A GET as a browser asks: when its first byte came, in milliseconds, and its bytes as they were transferred, with and without head. */
function get(fairway, address, agent = new Agent({ maxSockets: 1 })) {
  return new Promise((resolve, reject) => {
    const begun = performance.now();
    const asked = request(fairway.url + address, { agent, headers: { 'accept-encoding': 'gzip, deflate, br, zstd' }, timeout: 20_000 }, (answer) => {
      const first = performance.now() - begun;
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk)).once('error', reject);
      answer.once('end', () => {
        if (answer.statusCode !== 200) reject(new Error(`${address}: ${answer.statusCode}`));
        const body = Buffer.concat(chunks);
        resolve({ first, body, bytes: body.length, whole: asked.socket.bytesRead, encoding: answer.headers['content-encoding'] ?? 'not compressed' });
      });
    });
    asked.once('timeout', () => asked.destroy(new Error(`${address} was not answered within 20 s`))).once('error', reject).end();
  });
}

/** What a browser with an empty cache transfers for the list, and how soon it begins. */
async function firstPage(fairway) {
  const page = await get(fairway, '/');
  const named = new Set((await fairway.rest.get('/')).body.match(/\/assets\/[\w.-]+/g));
  const files = await Promise.all([...named].map(async (address) => ({ address, ...(await get(fairway, address)) })));
  const kinds = { wasm: /\.wasm$/, 'glue of the wasm': /\/islands\..*\.js$/, CSS: /\.css$/ };
  const rest = files.filter(({ address }) => !Object.values(kinds).some((kind) => kind.test(address)));
  row('first page, over the wire', kilobytes([page, ...files].reduce((sum, { bytes }) => sum + bytes, 0)), `${listed} services in the list; everything that the page names, as transferred`);
  row('… HTML', kilobytes(page.bytes), page.encoding);
  for (const [name, kind] of Object.entries(kinds)) {
    const file = files.find(({ address }) => kind.test(address));
    row(`… ${name}`, kilobytes(file.bytes), file.encoding);
  }
  row('… others', kilobytes(rest.reduce((sum, { bytes }) => sum + bytes, 0)), rest.map(({ address }) => path.basename(address).replace(/\.[0-9a-f]{16}/, '')).join(', '));
  row('… heads of the answers, besides', kilobytes([page, ...files].reduce((sum, { whole, bytes }) => sum + whole - bytes, 0)), `${files.length + 1} answers`);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const times = [];
  for (let turn = 0; turn < requests; turn += 1) times.push((await get(fairway, '/', agent)).first);
  agent.destroy();
  const sorted = ascending(times);
  row('… time to first byte, p50 and p99', `${at(sorted, 0.5).toFixed(1)} ms and ${at(sorted, 0.99).toFixed(1)} ms`, `${requests} requests, one after the other`);
}

/** From a container that fails to its diagnosis over the stream that the deploy's page listens to. */
async function crashes(fairway, names) {
  const [fromLine, fromEnd] = [[], []];
  for (const name of names) {
    const copy = await fairway.git.clone(name);
    await copy.write('app/service.py', (code) => `${code}\nraise RuntimeError("this version can't start")\n`);
    const { id } = await fairway.build(name, await copy.push('Break the start'));
    const { body: deploy } = await fairway.deploy(name, 'staging', id);
    const heard = await diagnosed(fairway, name, deploy.number);
    const { lastLine, finished } = await ended(fairway, name);
    // A pod that began a third time meanwhile has lost its first container's log.
    if (heard >= lastLine) fromLine.push((heard - lastLine) / 1000);
    fromEnd.push((heard - finished) / 1000);
    await fairway.job(deploy.job, 'failed');
    await fairway.deployed(name, 'staging', { backTo: 1 });
  }
  row('failing container to its diagnosis on the page', spread(fromLine), `${fromLine.length} crashes at the start; from the container’s last log line to the live stream’s message`);
  row('… from the container’s `finishedAt`', spread(fromEnd), 'which Kubernetes cuts to whole seconds: up to 1 s too much');
}

/** When the live stream brought a deploy's page with its diagnosis. */
async function diagnosed(fairway, name, number) {
  const topic = encodeURIComponent(`deploy/${name}/${number}`);
  for await (const event of fairway.rest.events(`/events?topic=${topic}`, { signal: AbortSignal.timeout(120_000) })) {
    if (JSON.parse(event.data).now?.includes('class="finding"')) return Date.now();
  }
  throw new Error(`the live stream ended without a diagnosis of ${name}`);
}

/** When the first container of the newest pod ended, and when it wrote its last line. */
async function ended(fairway, name) {
  const inStaging = (...args) => kubectl('--namespace', fairway.namespaces.staging, ...args);
  const pods = await servicePods(fairway.namespaces.staging, name);
  const pod = pods.toSorted((one, other) => one.metadata.creationTimestamp.localeCompare(other.metadata.creationTimestamp)).at(-1);
  const [{ restartCount, state, lastState }] = pod.status.containerStatuses;
  const first = lastState.terminated ?? state.terminated;
  if (restartCount > 1 || !first) throw new Error(`${pod.metadata.name} began ${restartCount} times before it was looked at`);
  const log = await inStaging('logs', pod.metadata.name, '--container', 'app', '--timestamps', ...(restartCount === 1 ? ['--previous'] : []));
  return { finished: Date.parse(first.finishedAt), lastLine: Date.parse(log.trimEnd().split('\n').at(-1).split(' ')[0]) };
}

/** What is left of a person's walk: every page, logs, a preview, production, a restart, a purge. */
async function walk(fairway) {
  const name = await fairway.create('walk', { redis: true });
  const done = async (answer) => {
    const { status, body } = await answer;
    if (status >= 300) throw new Error(`the walk was answered ${status}: ${JSON.stringify(body)}`);
    return body;
  };
  const environment = (called) => `/api/v1/services/${name}/environments/${called}`;
  const [build] = await done(fairway.rest.get(`/api/v1/services/${name}/builds`));
  await done(fairway.rest.get(`${environment('production')}/diff?build=${build.id}`));
  await fairway.deployed(name, 'production', build.id);
  await redisCli(fairway.namespaces.staging, name, Array.from({ length: 1000 }, (_, key) => `SET walk:${key} ${key}`).join('\n'));
  const keys = { pattern: 'walk:*' };
  const { count } = await done(fairway.rest.post(`${environment('staging')}/purges`, { ...keys, dryRun: true }));
  const purge = await done(fairway.rest.post(`${environment('staging')}/purges`, { ...keys, expectedCount: count.matching, reason: 'a measurement', confirm: name }));
  await fairway.job(purge.id);
  await done(fairway.rest.post(`${environment('staging')}/restarts`, {}));
  await fairway.settled(name, 1);
  await done(fairway.rest.get(`${environment('staging')}/logs?tail=1000`));
  const service = `/services/${name}`;
  for (const page of ['/', '/new', '/activity', service, `${service}/logs?environment=staging`, `${service}/purge?environment=staging`, `${service}/deploys/1`]) {
    await get(fairway, page);
  }
}

async function measure(fairway) {
  const { pid } = fairway.child;
  const before = megabytes(await memory(pid));
  const names = await creations(fairway);
  await deploys(fairway);
  await fill(fairway, listed - count - 1);
  await firstPage(fairway);
  await crashes(fairway, names);
  await walk(fairway);
  row('resident memory after all of this', megabytes(await memory(pid)), `just started ${before}, at most ${megabytes(await memory(pid, 'VmHWM'))}`);
  await logs(fairway);
  await purges(fairway);
}

/** The machine, as its figures are kept apart from those of others. */
function machine() {
  return `${os.cpus()[0].model.trim()}, ${os.cpus().length} cores, ${Math.round(os.totalmem() / 2 ** 30)} GiB`;
}

/** The section of this run. What only another run measured, such as a cold start, is kept from the section before. */
async function section(before) {
  const commit = (await run('git', ['-C', clone, 'rev-parse', '--short=12', 'HEAD'])).trim();
  const profile = path.basename(path.dirname(process.env.FAIRWAY_PROGRAM ?? 'debug/fairway'));
  const rows = table.map((cells) => `| ${cells.join(' | ')} |`);
  const kept = before.split('\n').filter((line) => /^\| (cold|warm) /.test(line) && !rows.some((row) => row.split(' | ')[0] === line.split(' | ')[0]));
  return [
    `## ${machine()}`,
    '',
    `${new Date().toISOString().slice(0, 10)}, \`${process.env.FAIRWAY_BENCH_COMMAND ?? 'make bench'}\` at commit ${commit}; ${profile} build, Linux ${os.release()}, load before ${loadBefore}.`,
    '',
    '| what | figure | how |',
    '| --- | --- | --- |',
    ...kept,
    ...rows,
  ].join('\n');
}

/** Puts the section where the last one of this machine stands, or at the end. */
async function write() {
  const parts = (await readFile(figures, 'utf8')).split(/^(?=## )/m);
  const place = parts.findIndex((part) => part.startsWith(`## ${machine()}\n`));
  const text = await section(parts[place] ?? '');
  parts.splice(place < 0 ? parts.length : place, 1, text);
  const making = `${figures}.new`;
  await writeFile(making, `${parts.map((part) => part.trimEnd()).join('\n\n')}\n`);
  await rename(making, figures);
}

const loadBefore = os.loadavg()[0].toFixed(1);
const starts = process.env.FAIRWAY_BENCH_ROWS ? await readFile(process.env.FAIRWAY_BENCH_ROWS, 'utf8') : '';
for (const line of starts.split('\n').filter(Boolean)) row(...line.split('\t'));
const fairway = await Fairway.start();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => fairway.remove().finally(() => process.exit(1)));
try {
  await measure(fairway);
} finally {
  await fairway.remove();
}
if (count < 5) {
  console.log('Tried out with fewer measurements than a figure needs: docs/figures.md stays as it is.');
} else {
  await write();
  console.log('Written to docs/figures.md.');
}
