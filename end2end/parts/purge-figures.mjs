// Measures a purge beside what people type today, on the same Redis with the same keys, and what another client notices of it.
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { freePort, pause, redisCli, run, servicePods, until } from '../harness.mjs';
import { cluster, inTerminal } from './cluster.mjs';
import { ascending, at, count, median, megabytes, memory, row, spread } from './figures.mjs';

const many = count < 5 ? 20_000 : 1_000_000;
const few = many / 10;
const turns = count < 5 ? 1 : 3;
const inWords = (keys) => keys.toLocaleString('en');

/** A client of its own: it pings a hundred times a second and says how many microseconds each answer took. */
const pinging = `
import os, socket, time
from urllib.parse import urlparse
url = urlparse(os.environ["REDIS_URL"])
client = socket.create_connection((url.hostname, url.port or 6379))
client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
client.sendall(b"AUTH %s\\r\\n" % (url.password or "").encode())
client.recv(100)
while True:
    begun = time.perf_counter()
    client.sendall(b"PING\\r\\n")
    client.recv(100)
    print(int((time.perf_counter() - begun) * 1e6), flush=True)
    time.sleep(0.01)
`;

/** All figures of purges. */
export async function purges(fairway) {
  const name = await fairway.create('purged', { redis: true });
  const namespace = fairway.namespaces.staging;
  const [pod] = (await servicePods(namespace, name)).map(({ metadata }) => metadata.name);
  const redis = { fairway, name, namespace, pod };
  await besideTheTerminal(redis);
  await noticedByOthers(redis);
  await memoryOf(redis);
  await largeValue(redis);
}

async function fill({ namespace, name }, keys) {
  const lines = ['flushall'];
  for (let first = 1; first <= keys; first += 50_000) lines.push(`eval "for i=${first},${Math.min(first + 49_999, keys)} do redis.call('SET','session:'..i,'x') end" 0`);
  await redisCli(namespace, name, lines.join('\n'));
}

async function left({ namespace, name }) {
  return Number(await redisCli(namespace, name, 'dbsize'));
}

/** Restarts Fairway with another pace: so many microseconds of Redis's time at once, 0 for no bound. */
async function paced({ fairway }, microseconds) {
  await fairway.stop();
  if (microseconds === undefined) delete fairway.environment.FAIRWAY_PURGE_BUSY_MICROSECONDS;
  else fairway.environment.FAIRWAY_PURGE_BUSY_MICROSECONDS = String(microseconds);
  await fairway.run();
}

/** Purges by the REST API after a dry run; gives how long the removal took, in seconds, by the job's record. */
async function purge({ fairway, name }, keys) {
  const address = `/api/v1/services/${name}/environments/staging/purges`;
  const asked = async (body) => {
    const { status, body: answer } = await fairway.rest.post(address, { pattern: 'session:*', ...body });
    if (status >= 300) throw new Error(`a purge was answered ${status}: ${JSON.stringify(answer)}`);
    return answer;
  };
  const { count: counted } = await asked({ dryRun: true });
  if (counted.matching !== keys) throw new Error(`${counted.matching} of ${keys} keys were counted`);
  const { id } = await asked({ expectedCount: keys, reason: 'a measurement', confirm: name });
  const { steps: [{ startedAt, finishedAt }] } = await fairway.job(id);
  const { body: [{ counts }] } = await fairway.rest.get(address);
  if (counts.removed !== keys) throw new Error(`${counts.removed} of ${keys} keys were removed`);
  return (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000;
}

/** What people type; `redis-cli` reaches Redis by these arguments. */
const typed = (reach = '') => `redis-cli ${reach} --scan --pattern "session:*" | xargs -n 1000 redis-cli ${reach} unlink >/dev/null`;

async function timed(line) {
  const begun = performance.now();
  await inTerminal(line);
  return (performance.now() - begun) / 1000;
}

/** In the pod of Redis, so that no way to it counts. */
function inPod({ namespace, name }) {
  return timed(`kubectl --namespace ${namespace} exec deployment/${name}-redis -- sh -c 'export REDISCLI_AUTH="$REDIS_PASSWORD"; ${typed()}'`);
}

/** As Fairway reaches it, from outside of the cluster. */
async function overPortForward({ namespace, name }) {
  const port = await freePort();
  const args = ['--namespace', namespace, 'port-forward', `deployment/${name}-redis`, `${port}:6379`];
  const forward = spawn(path.join(cluster.BIN, 'kubectl'), args, { env: { ...process.env, KUBECONFIG: cluster.KUBECONFIG }, stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    // It says so for each address, and then for each connection: whoever doesn't read that stops it.
    await new Promise((resolve, reject) => forward.stdout.on('data', resolve).once('end', () => reject(new Error('the port-forward ended'))));
    const password = `$(kubectl --namespace ${namespace} get secret ${name}-redis --output go-template='{{.data.password | base64decode}}')`;
    return await timed(`export REDISCLI_AUTH=${password}; ${typed(`-p ${port}`)}`);
  } finally {
    forward.kill();
  }
}

async function besideTheTerminal(redis) {
  await paced(redis, 0);
  const ways = { ours: () => purge(redis, many), forwarded: () => overPortForward(redis), inside: () => inPod(redis) };
  const times = { ours: [], forwarded: [], inside: [] };
  for (let turn = 0; turn < turns; turn += 1) {
    for (const [way, measure] of Object.entries(ways)) {
      await fill(redis, many);
      times[way].push(await measure());
      if (await left(redis)) throw new Error('keys were left behind');
    }
  }
  const ratio = (way) => (median(times[way]) / median(times.ours)).toFixed(1);
  row(`${inWords(many)} keys purged by pattern, unpaced`, spread(times.ours), `${turns} times, in turns with the following; over a port-forward`);
  row('… `redis-cli --scan --pattern … | xargs -n 1000 redis-cli unlink`', spread(times.forwarded), 'over `kubectl port-forward`, as somebody outside of the cluster types it');
  row('… how many times as fast', ratio('forwarded'), 'goal: 5');
  row('… the same in the pod of Redis', spread(times.inside), 'no way to it counts');
  row('… how many times as fast is Fairway over its port-forward', ratio('inside'), 'goal: 5');
}

/** A client in the cluster that pings until it is stopped; then it gives the answers' times, in microseconds. */
function pings({ namespace, pod }) {
  return pingsOf(path.join(cluster.BIN, 'kubectl'), ['--namespace', namespace, 'exec', pod, '--', 'python3', '-c', pinging], { KUBECONFIG: cluster.KUBECONFIG });
}

function pingsOf(program, args, environment) {
  const child = spawn(program, args, { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'inherit'] });
  let told = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (told += text));
  return async () => {
    const ended = new Promise((resolve) => child.once('close', resolve));
    child.kill();
    await ended;
    const times = told.split('\n').slice(0, -1).map(Number);
    if (times.length < 10) throw new Error(`only ${times.length} pings were answered`);
    return ascending(times);
  };
}

const milliseconds = (microseconds) => `${(microseconds / 1000).toFixed(2)} ms`;

async function noticedByOthers(redis) {
  await paced(redis, undefined);
  await fill(redis, many);
  const atRest = pings(redis);
  await pause(count < 5 ? 3_000 : 15_000);
  const rest = await atRest();
  const during = pings(redis);
  await pause(1000);
  const took = await purge(redis, many);
  const meanwhile = await during();
  row(`${inWords(many)} keys purged by pattern, paced as it is by default`, `${took.toFixed(1)} s`, 'with a client that pings a hundred times a second');
  row('… p99 of that client, at rest', milliseconds(at(rest, 0.99)), `${rest.length} pings`);
  row('… p99 of that client, during the count and the purge', milliseconds(at(meanwhile, 0.99)), `${meanwhile.length} pings`);
  row('… ratio', (at(meanwhile, 0.99) / at(rest, 0.99)).toFixed(2), 'goal: 3');
}

/** How much the process grew beyond what it held before, for few keys and for many. */
async function memoryOf(redis) {
  await paced(redis, 0);
  const grown = [];
  for (const keys of [few, many]) {
    await fill(redis, keys);
    // Warm, so that what the first purge of a process loads isn't counted.
    await purge(redis, keys);
    await fill(redis, keys);
    const before = await memory(redis.fairway.child.pid);
    await writeFile(`/proc/${redis.fairway.child.pid}/clear_refs`, '5');
    await purge(redis, keys);
    grown.push([before, await memory(redis.fairway.child.pid, 'VmHWM')]);
  }
  const [[, small], [before, large]] = grown;
  row(`memory of Fairway at most, while it counts and purges ${inWords(many)} keys`, megabytes(large), `${megabytes(before)} before; with ${inWords(few)} keys ${megabytes(small)}`);
}

/** One hash of 350 MB, in a Redis of this machine that the configuration names, since the chart's own is smaller, with a client that pings beside it. */
async function largeValue(redis) {
  const port = await freePort();
  const server = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', ''], { stdio: 'ignore' });
  const there = async (...args) => (await run('redis-cli', ['-p', String(port), ...args])).trim();
  const pinged = () => pingsOf('python3', ['-c', pinging], { REDIS_URL: `redis://127.0.0.1:${port}` });
  const { fairway, name } = redis;
  try {
    await until('the Redis answers', 30, async () => (await there('ping')) === 'PONG');
    fairway.environment.FAIRWAY_REDIS = `staging/${name}=redis://127.0.0.1:${port}`;
    await paced(redis, undefined);
    const ways = { fairway: () => purge(redis, 1), bare: () => there('unlink', 'session:1') };
    const [rest, meanwhile] = [[], { fairway: [], bare: [] }];
    let freed = 0;
    for (let turn = 0; turn < 4 * turns; turn += 1) {
      for (const [way, remove] of Object.entries(ways)) {
        await there('eval', `local text = string.rep('x', 1000) for i = 1, 350000 do redis.call('HSET', 'session:1', i, text) end`, '0');
        const atRest = pinged();
        await pause(2000);
        rest.push(...(await atRest()));
        const during = pinged();
        await pause(300);
        await remove();
        freed += 1;
        // Seldom, because each question is a program that has to be started, and would be in the figure.
        await until('it is freed', 60, async () => (await there('info', 'memory')).endsWith(`lazyfreed_objects:${freed}`), 250);
        meanwhile[way].push(...(await during()));
      }
    }
    const [before, then, bare] = [rest, meanwhile.fairway, meanwhile.bare].map(ascending);
    const ratio = (times, others, part) => (at(times, part) / at(others, part)).toFixed(2);
    const three = (times) => [0.5, 0.9, 0.99].map((part) => milliseconds(at(times, part))).join(', ');
    row('one hash of 350 MB purged: p50, p90 and p99 of a client that pings a hundred times a second', three(then), `${then.length} pings, from before the count until the memory is freed; the longest took ${milliseconds(then.at(-1))}; a Redis of this machine`);
    row('… the same at rest', three(before), `${before.length} pings; the longest took ${milliseconds(before.at(-1))}`);
    row('… the same while a bare UNLINK removes it, in turns', three(bare), `${bare.length} pings; the longest took ${milliseconds(bare.at(-1))}`);
    row('… ratio to rest, of the p50, p90 and p99', [0.5, 0.9, 0.99].map((part) => ratio(then, before, part)).join(', '), 'goal: 2');
    row('… ratio to the bare UNLINK, of the p99', ratio(then, bare, 0.99), 'a bare UNLINK is the least that can be done: nothing is counted before it');
  } finally {
    server.kill();
    delete fairway.environment.FAIRWAY_REDIS;
    await paced(redis, undefined);
  }
}
