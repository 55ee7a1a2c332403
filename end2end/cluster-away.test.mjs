// Proves the cluster out of reach: pages keep the last state and say since when it is unknown, deploys are refused, and all recovers by itself.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Fairway, cluster, kubectl, redisCli, until } from './harness.mjs';
import { alive, openBrowser, openPage } from './parts/browser.mjs';
import { Wire } from './parts/wire.mjs';

let wire, folder, fairway, browser, name, build;

before(async () => {
  const kubeconfig = await readFile(cluster.KUBECONFIG, 'utf8');
  const port = Number(/server: https:\/\/127\.0\.0\.1:(\d+)/.exec(kubeconfig)[1]);
  wire = await Wire.to(port);
  folder = await mkdtemp(path.join(tmpdir(), 'fairway-wire-'));
  const own = path.join(folder, 'kubeconfig');
  await writeFile(own, kubeconfig.replaceAll(`https://127.0.0.1:${port}`, `https://127.0.0.1:${wire.port}`));
  [fairway, browser] = await Promise.all([Fairway.start({ kubeconfig: own, variables: { FAIRWAY_PURGE_BUSY_MICROSECONDS: '1' } }), openBrowser()]);
  name = await fairway.create('away', { replicas: '2', redis: true });
  ({ body: [build] } = await fairway.rest.get(`/api/v1/services/${name}/builds`));
});
after(async () => {
  await browser?.close();
  wire?.restore();
  await fairway?.remove();
  wire?.close();
  if (folder) await rm(folder, { recursive: true, force: true });
});

const diagnosis = async () => (await fairway.rest.get(`/api/v1/services/${name}/environments/staging/diagnosis`)).body;

const well = () => until('the cluster is live, and both pods are well', 60, async () => {
  const now = await diagnosis();
  return now.freshness.state === 'live' && now.health === 'healthy' && now.ready === 2 && now.pods.length === 2 && now;
});

/** A page as it comes, as words. One that waits for the cluster never comes: the limit only tells that apart from a busy machine. */
async function words(address) {
  const began = Date.now();
  const { status, body } = await fairway.rest.get(address);
  assert.equal(status, 200, address);
  assert.ok(Date.now() - began < 20_000, `${address} waits for the cluster`);
  return body.replace(/<(script|style)[\s\S]*?<\/\1>/g, '').replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ');
}

for (const [how, away] of [['cut off', () => wire.cut()], ['silent', () => wire.swallow()]]) {
  test(`a cluster that is ${how} is told as unknown, and comes back by itself`, async (t) => {
    t.after(() => wire.restore());
    const page = await openPage(browser, fairway);
    await page.goto(`/services/${name}`);
    await alive(page);
    const list = await page.context().newPage();
    await list.goto('/');
    await alive(list);
    const before = await well();
    await page.getByText(before.pods[0].name).first().waitFor();

    const gone = Date.now();
    away();
    const known = await until('the cluster counts as unknown', 15, async () => {
      const now = await diagnosis();
      return now.freshness.state === 'unknownSince' && now;
    });
    const since = Date.parse(known.freshness.since);
    assert.ok(Math.abs(since - gone) < 10_000, `unknown since ${known.freshness.since}, and it went at ${new Date(gone).toISOString()}`);
    assert.deepEqual(known.pods.map(({ name }) => name), before.pods.map(({ name }) => name), 'the last state is kept');
    assert.deepEqual([known.ready, known.desired, known.commit, known.digest], [before.ready, before.desired, before.commit, before.digest]);

    const clock = known.freshness.since.slice(11, 16);
    for (const address of ['/', `/services/${name}`]) {
      const shown = await words(address);
      assert.match(shown, new RegExp(`unknown since [^.]{0,20}${clock}`), `${address}: ${shown}`);
      assert.ok(shown.includes(before.commit.slice(0, 7)), `${address} keeps the version: ${shown}`);
      assert.doesNotMatch(shown, /\b0\/|\b0 of|no pods/, address);
    }
    assert.match(await words('/'), /unknown, was 2\/2/);
    for (const pod of before.pods) assert.ok((await words(`/services/${name}`)).includes(pod.name), 'its pods are still shown');
    for (const address of ['/new', '/activity', `/services/${name}/logs?environment=staging`, `/services/${name}/purge?environment=staging`, `/services/${name}/deploys/1`]) await words(address);
    for (const tab of [page, list]) await tab.getByText(/unknown since/).first().waitFor();
    await page.getByText(before.pods[0].name).first().waitFor();

    const place = `/api/v1/services/${name}/environments/staging`;
    const refusals = [
      [`${place}/deploys`, { build: build.id }],
      [`${place}/deploys`, { backTo: 1 }],
      [`${place}/restarts`, undefined],
      [`${place}/purges`, { everything: true, dryRun: true }],
    ];
    for (const [address, order] of refusals) {
      const began = Date.now();
      const { status, body } = await fairway.rest.post(address, order);
      assert.equal(status, 503, `${address} ${JSON.stringify(order)}: ${JSON.stringify(body)}`);
      assert.equal(body.type, '/problems/cluster-away');
      assert.match(body.detail, /Nothing was changed/);
      assert.ok(Date.now() - began < 10_000, `${address} took ${Date.now() - began} ms`);
    }
    assert.equal((await fairway.rest.get('/readyz')).status, 200, 'Fairway itself is well');
    const { body: { deploys } } = await fairway.rest.get(`/api/v1/services/${name}`);
    assert.equal(deploys.length, 1, 'nothing was begun');

    // What happens meanwhile is seen once it is back, without a reload.
    const [victim] = before.pods;
    await page.evaluate(() => (globalThis.stayed = true));
    await kubectl('--namespace', fairway.namespaces.staging, 'delete', 'pod', victim.name);
    wire.restore();
    const now = await well();
    const fresh = now.pods.find(({ name }) => !before.pods.some((pod) => pod.name === name));
    await page.getByText(fresh.name).first().waitFor();
    for (const tab of [page, list]) await until('no word of unknown any more', 10, async () => !/unknown since/.test(await tab.locator('body').innerText()));
    assert.ok(await page.evaluate(() => globalThis.stayed), 'the page was never loaded again');
    await page.context().close();
  });
}

test('a rollout waits for a cluster that goes away, and ends well once it is back', async () => {
  const copy = await fairway.git.clone(name);
  const next = await fairway.build(name, await copy.push('Away in the middle'));
  const { status, body: deploy } = await fairway.deploy(name, 'staging', next.id);
  assert.equal(status, 202, JSON.stringify(deploy));
  await until('the pods are waited for', 60, async () => (await fairway.rest.get(`/api/v1/jobs/${deploy.job}`)).body.steps[1].state === 'running', 10);
  wire.cut();
  await until('the cluster counts as unknown', 15, async () => (await diagnosis()).freshness.state === 'unknownSince');
  assert.equal((await fairway.rest.get(`/api/v1/jobs/${deploy.job}`)).body.state, 'running');
  wire.restore();
  await fairway.job(deploy.job);
  const { body } = await fairway.rest.get(`/api/v1/services/${name}`);
  assert.equal(body.deploys[0].state, 'succeeded');
});

test('a purge whose connection breaks goes on by itself once the cluster is back', async (t) => {
  t.after(() => wire.restore());
  const staging = fairway.namespaces.staging;
  const count = 50_000;
  await redisCli(staging, name, `eval "for i=1,${count} do redis.call('SET','session:'..i,'x') end" 0`);
  const purges = `/api/v1/services/${name}/environments/staging/purges`;
  const { body: job } = await fairway.rest.post(purges, { prefix: 'session:', expectedCount: count, confirm: name, reason: 'a test' });
  const onRecord = async () => (await fairway.rest.get(purges)).body.find((one) => one.job === job.id);
  await until('keys go', 60, async () => (await onRecord()).counts.removed > 0, 20);
  wire.cut();
  await until('it waits', 30, async () => /connection to Redis was lost/.test(JSON.stringify((await fairway.rest.get(`/api/v1/jobs/${job.id}`)).body)));
  assert.notEqual((await redisCli(staging, name, 'dbsize')).trim(), '0', 'it was cut too late to prove anything');
  wire.restore();
  await fairway.job(job.id);
  assert.equal((await redisCli(staging, name, 'keys session:*')).trim(), '');
  const { attempts, state, counts } = await onRecord();
  assert.deepEqual([attempts, state], [2, 'succeeded']);
  assert.ok(counts.removed <= count, JSON.stringify(counts));
});

test('Fairway starts without it, says so, and what failed meanwhile goes on by a retry', async (t) => {
  t.after(() => wire.restore());
  wire.cut();
  await fairway.kill();
  await fairway.run();
  const page = await openPage(browser, fairway);
  await page.goto('/');
  await alive(page);
  await page.getByText('not reached yet').first().waitFor();
  for (const address of ['/', `/services/${name}`, '/activity', '/new', `/services/${name}/logs?environment=staging`, `/services/${name}/deploys/1`]) {
    const shown = await words(address);
    assert.match(shown, /not reached yet/, address);
    // A deploy's own page tells what its rollout went through.
    if (!address.includes('/deploys/')) assert.doesNotMatch(shown, /not deployed|\b0\/|\b0 of/, `${address} doesn't claim that nothing runs: ${shown}`);
  }
  assert.equal((await fairway.rest.post(`/api/v1/services/${name}/environments/staging/deploys`, { build: build.id })).status, 503);
  const log = await fairway.rest.get(`/api/v1/services/${name}/environments/staging/logs`);
  assert.equal(log.status, 503, 'a log that nobody can read is no empty log');

  const late = fairway.name('late');
  const { body: creation } = await fairway.rest.post('/api/v1/services', fairway.answers(late));
  const failed = await fairway.job(creation.id, 'failed');
  const at = failed.steps.find(({ state }) => state === 'failed');
  assert.equal(at.name, 'release');
  assert.match(at.error, /cluster/i, 'it says what is missing');
  assert.equal((await fairway.rest.post(`/api/v1/jobs/${creation.id}/retries`)).status, 202);
  await fairway.job(creation.id, 'failed');

  wire.restore();
  await until('it is live', 20, async () => (await diagnosis()).freshness.state === 'live');
  await until('the page shows it', 15, async () => /2\/2/.test(await page.locator('main').innerText()));
  assert.equal((await fairway.rest.post(`/api/v1/jobs/${creation.id}/retries`)).status, 202);
  await fairway.job(creation.id);
  await page.context().close();
});
