// A purge that is cut off in the middle goes on where it stopped, on the Redis that was counted and only where that may still be purged.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { Fairway, freePort, kubectl, pause, run, until } from './harness.mjs';
import { purging } from './parts/purging.mjs';

const COUNT = 200_000;
let fairway, rest, name, staging, cli, purge, onRecord, left, long, activity, seen;

before(async () => {
  fairway = await Fairway.start();
  rest = fairway.rest;
  ({ staging } = fairway.namespaces);
  name = await fairway.create('shop', { redis: true });
  ({ cli, purge, onRecord, left, long, activity, seen } = purging(fairway, name));
});
after(() => fairway?.remove());

/** Starts Fairway anew. With `slow`, a purge takes so long that it can be cut off, however fast the machine is. */
async function start({ slow = false, ...variables } = {}) {
  if (fairway.child.exitCode === null && fairway.child.signalCode === null) await fairway.stop();
  Object.assign(fairway.environment, { FAIRWAY_PURGE_BUSY_MICROSECONDS: slow ? '1' : '0', ...variables });
  await fairway.run();
}

/** A purge that was cut off by `end`, and how many of its keys were left. */
async function cutOff(end = () => fairway.stop()) {
  await start({ slow: true });
  await seen();
  const { id } = await long(COUNT);
  await end();
  const keys = await left();
  assert.ok(keys > 0, 'it was cut off too late to prove anything');
  return { id, keys };
}

const ends = {
  'killed': () => fairway.kill(),
  'killed, and away for longer than its lease,': async () => {
    await fairway.kill();
    await pause(11_000);
  },
  'stopped': () => fairway.stop(),
};
for (const [how, end] of Object.entries(ends)) {
  test(`a purge whose Fairway is ${how} in the middle goes on where it stopped`, async () => {
    const { id, keys } = await cutOff(end);
    await start();
    await fairway.job(id);
    assert.equal(await left(), 0);
    const { counts, attempts, state } = await onRecord(id);
    assert.deepEqual([attempts, state], [2, 'succeeded']);
    assert.ok(counts.removed >= keys && counts.removed <= COUNT, JSON.stringify({ counts, keys }));
    assert.match((await activity('purge'))[0].detail, /^at least [\d,]+ keys removed: keys beginning with session:/);
  });
}

test('a purge that was cut off removes nothing more where that is no longer allowed; a retry goes on with what was agreed to', async () => {
  const { id, keys } = await cutOff();
  const { FAIRWAY_ENVIRONMENTS } = fairway.environment;
  await start({ FAIRWAY_ENVIRONMENTS: FAIRWAY_ENVIRONMENTS.replace(':purgeable', '') });
  const failed = await fairway.job(id, 'failed');
  assert.match(failed.steps[0].error, /isn't marked purgeable.*By the attempts before: at least [\d,]+ keys removed/);
  const retry = () => rest.post(`/api/v1/jobs/${id}/retries`);
  const forbidden = await retry();
  assert.deepEqual([forbidden.status, forbidden.body.type], [403, '/problems/not-purgeable']);
  assert.equal(await left(), keys);

  await start({ FAIRWAY_ENVIRONMENTS });
  await seen();
  await cli(`eval "for i=1,${COUNT} do redis.call('SET','session:later:'..i,'x') end" 0`);
  const more = await retry();
  assert.deepEqual([more.status, more.body.type, more.body.count.matching], [409, '/problems/count-changed', keys + COUNT], more.body.detail);
  assert.equal(await left(), keys + COUNT);
  await cli(`eval "for i=1,${COUNT} do redis.call('DEL','session:later:'..i) end" 0`);
  assert.equal((await retry()).status, 202);
  await fairway.job(id);
  assert.equal(await left(), 0);
  const done = await retry();
  assert.deepEqual([done.status, done.body.type], [409, '/problems/not-failed']);
});

test('a purge that finds another Redis when it goes on removes no key there if that would be more than was agreed to', async () => {
  const { id, keys } = await cutOff();
  const port = await freePort();
  const server = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', fairway.data], { stdio: 'ignore' });
  const there = async (...args) => (await run('redis-cli', ['-p', String(port), ...args])).trim();
  try {
    await until('it answers', 30, async () => (await there('ping')) === 'PONG');
    await there('eval', `for i=1,${COUNT + 1} do redis.call('SET','session:'..i,'x') end`, '0');
    await start({ FAIRWAY_REDIS: `staging/${name}=redis://127.0.0.1:${port}` });
    const failed = await fairway.job(id, 'failed');
    assert.match(failed.steps[0].error, new RegExp(`isn't the Redis whose keys were counted.* ${COUNT + 1} keys match there`));
    assert.equal(await there('dbsize'), String(COUNT + 1));
  } finally {
    server.kill();
    delete fairway.environment.FAIRWAY_REDIS;
  }
  await start();
  await seen();
  assert.equal(await left(), keys);
  assert.equal((await rest.post(`/api/v1/jobs/${id}/retries`)).status, 202, 'the first one may still be purged');
  await fairway.job(id);
  assert.equal(await left(), 0);
});

test('a purge whose Redis was restarted meanwhile goes on with what is in it', async () => {
  const { id } = await cutOff();
  await kubectl('-n', staging, 'delete', 'pod', '-l', `app.kubernetes.io/name=${name},app.kubernetes.io/component=redis`, '--wait=true');
  await kubectl('-n', staging, 'rollout', 'status', `deployment/${name}-redis`, '--timeout=120s');
  await until('it answers', 60, async () => (await cli('mset kept 1 session:1 1 session:2 1')) === 'OK');
  await start();
  const job = await fairway.job(id);
  assert.match(JSON.stringify(job.steps[0].log), /was restarted: 2 keys match there/);
  assert.equal(await cli('keys *'), 'kept');
});
