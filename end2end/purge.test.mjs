// A purge removes exactly what was agreed to, can be stopped, survives a kill, and never reaches a Redis that isn't this environment's own.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Fairway, freePort, kubectl, redisCli, run, until } from './harness.mjs';
import { judge, openBrowser, openPage, visit } from './parts/browser.mjs';

let fairway, browser, page, rest, name, staging, production;

before(async () => {
  // So slow that there is time to stop it, however fast the machine is.
  fairway = await Fairway.start({ variables: { FAIRWAY_PURGE_BUSY_MICROSECONDS: '1' } });
  browser = await openBrowser();
  page = await openPage(browser, fairway);
  rest = fairway.rest;
  ({ staging, production } = fairway.namespaces);
  name = await fairway.create('shop', { redis: true });
});
after(async () => {
  await browser?.close();
  await fairway?.remove();
});

const cli = (input) => redisCli(staging, name, input).then((text) => text.trim());
const left = async () => Number(await cli('dbsize'));
const fill = (count) => cli(`flushall\neval "for i=1,${count} do redis.call('SET','session:'..i,'x') end" 0`);
const purges = `/api/v1/services/NAME/environments/staging/purges`;
const purge = (body) => rest.post(purges.replace('NAME', name), { reason: 'a test', ...body });
const onRecord = async (job) => (await rest.get(purges.replace('NAME', name))).body.find((one) => one.job === job);
/** Begins a purge that takes some seconds, and waits until it has removed some keys. */
async function long(count) {
  await fill(count);
  const { status, body } = await purge({ prefix: 'session:', expectedCount: count, confirm: name });
  assert.equal(status, 202, JSON.stringify(body));
  await until('keys go', 60, async () => (await onRecord(body.id)).counts.removed > 0, 20);
  return body;
}
const activity = async (action) => (await rest.get(`/api/v1/activity?service=${name}&environment=staging`)).body.filter((entry) => entry.action === action);

test('a prefix is read literally, a pattern as a glob, and names that are no text go byte for byte', async () => {
  await cli('flushall\nmset "abc*:k" 1 abcdef:k 1 "a[b]:k" 1 "u:\\x92\\xb5x\\xc0" 1 "\\xac\\xed\\x00\\x05t\\x00\\x03abc" 1');
  await visit(page, `/services/${name}/purge?environment=staging`);
  await page.getByLabel('or keys beginning with').fill('abc*');
  await page.getByRole('button', { name: 'Count, remove nothing' }).click();
  await page.locator('.figure', { hasText: '1 of 5 keys would go: keys beginning with abc*' }).waitFor();
  assert.deepEqual(await page.locator('.keys li').allTextContents(), ['abc*:k']);
  await page.getByLabel('Why').fill('the star is no star');
  await page.getByRole('button', { name: /^Remove 1 key from / }).click();
  await page.waitForURL(/\/jobs\//);
  await page.locator('.summary', { hasText: 'done' }).waitFor();
  assert.equal(await left(), 4);

  await visit(page, `/services/${name}/purge?environment=staging`);
  await page.getByLabel('Everything').check();
  await page.getByRole('button', { name: 'Count, remove nothing' }).click();
  await page.locator('.keys li').first().waitFor();
  const shown = await page.locator('.keys li').allTextContents();
  assert.deepEqual(shown.toSorted(), ['\\xac\\xed\\0\\u{5}t\\0\\u{3}abc', 'a[b]:k', 'abcdef:k', 'u:\\x92\\xb5x\\xc0']);
  for (const prefix of shown.filter((text) => text.includes('\\'))) {
    const { status, body } = await purge({ prefix, expectedCount: 1 });
    assert.equal(status, 202, JSON.stringify(body));
    await fairway.job(body.id);
    assert.equal((await onRecord(body.id)).counts.removed, 1, prefix);
  }
  assert.deepEqual((await cli('keys *')).split('\n').sort(), ['a[b]:k', 'abcdef:k']);
});

test('only keys of a type or without an expiry go, and the page says so', async () => {
  await cli('flushall\nset kept 1\nset going 1 ex 1000\nhset basket:1 item 1\nhset basket:2 item 1\nexpire basket:2 1000');
  await visit(page, `/services/${name}/purge?environment=staging`);
  await page.getByText('Only some of them').click();
  await page.getByLabel('Of type').selectOption('hash');
  await page.getByLabel('Without an expiry').check();
  await judge(page, 'purge-filter');
  await page.getByRole('button', { name: 'Count, remove nothing' }).click();
  await page.locator('.figure', { hasText: '1 of 4 keys would go: keys of type hash without an expiry' }).waitFor();
  await page.getByText('They take').waitFor();
  await page.getByLabel('Why').fill('forgotten baskets');
  await page.getByRole('button', { name: /^Remove 1 key from / }).click();
  await page.waitForURL(/\/jobs\//);
  await page.locator('.summary', { hasText: 'done' }).waitFor();
  assert.deepEqual((await cli('keys *')).split('\n').sort(), ['basket:2', 'going', 'kept']);
});

test('an earlier purge is asked for again by one click', async () => {
  await visit(page, `/services/${name}/purge?environment=staging`);
  await page.getByRole('row').filter({ hasText: 'forgotten baskets' }).getByRole('link', { name: 'Again' }).click();
  await page.getByText('Nothing matches, so there is nothing to remove.').waitFor();
  assert.equal(await page.getByLabel('Of type').inputValue(), 'hash');
});

test('what is purged every day is begun at its time, can be seen, and ends when it is removed', async () => {
  await fill(3);
  const soon = new Date(Math.ceil((Date.now() + 15_000) / 60_000) * 60_000);
  await visit(page, `/services/${name}/purge?environment=staging&prefix=session%3A`);
  await page.getByText('Every day instead').click();
  await page.getByLabel('At this time, in UTC').fill(soon.toISOString().slice(11, 16));
  await page.getByLabel('The reason, for every day').fill('they are of yesterday');
  await page.getByLabel(/The service's name/).fill(name);
  await judge(page, 'purge-daily');
  await page.getByRole('button', { name: 'Remove them every day' }).click();
  const row = page.getByRole('region', { name: 'Purges of every day' }).getByRole('row').filter({ hasText: 'they are of yesterday' });
  await row.waitFor();
  await judge(page, 'purge-schedules');
  await until('the time comes and they go', 120, async () => (await left()) === 0);
  const schedules = `/api/v1/services/${name}/environments/staging/purge-schedules`;
  const { body: [schedule] } = await rest.get(schedules);
  await fairway.job(schedule.lastJob);
  assert.equal(Date.parse(schedule.nextAt) - soon.getTime(), 86_400_000, 'once a day');
  assert.match((await activity('purge'))[0].detail, /^3 keys removed: keys beginning with session:.*yesterday/);
  await page.reload();
  await row.getByRole('button', { name: 'Remove' }).click();
  await page.waitForURL(/purge\?environment=staging/);
  await row.waitFor({ state: 'detached' });
  assert.deepEqual((await rest.get(schedules)).body, []);
  assert.deepEqual([(await activity('schedule')).length, (await activity('unschedule')).length], [1, 1]);
});

test('a purge of every day asks for what a purge asks for, and never for production', async () => {
  const daily = (body) => rest.post(purges.replace('NAME', name), { dailyAt: '03:00', prefix: 'session:', expectedCount: 3, ...body });
  const answers = [await daily({}), await daily({ reason: 'a test', expectedCount: 20_000 }), await daily({ reason: 'a test', dailyAt: '3:00' })];
  assert.deepEqual(answers.map(({ status }) => status), [422, 422, 422], JSON.stringify(answers));
  const production = await rest.post(purges.replace('NAME', name).replace('staging', 'production'), { dailyAt: '03:00', prefix: 'a', expectedCount: 1, reason: 'a test' });
  assert.deepEqual([production.status, production.body.type], [403, '/problems/not-purgeable']);
  const made = await daily({ reason: 'a test' });
  assert.equal(made.status, 201);
  assert.equal((await rest.ask('DELETE', `/api/v1/purge-schedules/${made.body.id}`)).status, 200);
  assert.equal((await rest.ask('DELETE', `/api/v1/purge-schedules/${made.body.id}`)).status, 404);
});

test('a purge is stopped from its page; what is removed stays removed, the rest is kept, and the numbers add up', async () => {
  const count = 200_000;
  const { id } = await long(count);
  await visit(page, `/jobs/${id}`);
  await page.locator('progress').waitFor();
  await page.getByRole('button', { name: 'Stop the purge' }).click();
  await page.locator('.summary', { hasText: 'stopped' }).waitFor();
  const { counts, state, stoppedBy } = await onRecord(id);
  assert.deepEqual([state, stoppedBy?.name], ['stopped', 'local user']);
  assert.ok(counts.removed > 0 && counts.removed < count, JSON.stringify(counts));
  assert.equal(await left(), count - counts.removed);
  const [entry] = await activity('purge');
  assert.equal(entry.outcome.state, 'stopped');
  assert.match(entry.detail, new RegExp(`^${counts.removed} keys removed: keys beginning with session:; stopped .* Why: a test`));
  assert.equal((await activity('stop')).length, 1);
  await judge(page, 'purge-stopped');
  const { status, body } = await rest.post(`/api/v1/jobs/${id}/stop`, {});
  assert.deepEqual([status, body.type], [409, '/problems/not-running']);
});

test('of two purges of one Redis the second is refused, and told who holds it', async () => {
  const first = await long(200_000);
  const { status, body } = await purge({ pattern: 'session:*', expectedCount: 200_000, confirm: name });
  assert.deepEqual([status, body.type, body.heldBy], [409, '/problems/held', `/jobs/${first.id}`], JSON.stringify(body));
  assert.match(body.detail, /local user is purging this Redis right now/);
  assert.equal((await rest.post(`/api/v1/jobs/${first.id}/stop`, {})).status, 202);
  await fairway.job(first.id, 'stopped');
});

test('a Fairway that is killed in the middle goes on where it stopped', async () => {
  const { id } = await long(200_000);
  await fairway.kill();
  const after = await left();
  assert.ok(after > 0, 'it was killed too late to prove anything');
  delete fairway.environment.FAIRWAY_PURGE_BUSY_MICROSECONDS;
  await fairway.run();
  await fairway.job(id);
  assert.equal(await left(), 0);
  const { counts, attempts, state } = await onRecord(id);
  assert.deepEqual([attempts, state], [2, 'succeeded']);
  assert.ok(counts.removed >= after && counts.removed <= 200_000, JSON.stringify({ counts, after }));
  const [entry] = await activity('purge');
  assert.match(entry.detail, /^at least /);
});

test('an environment that reaches the very same Redis as another one is refused', async () => {
  await fill(10);
  // In production's namespace, under the name of the service's Redis there: a pod that hands everything on to staging's.
  const secret = JSON.parse(await kubectl('-n', staging, 'get', 'secret', `${name}-redis`, '-o', 'json'));
  const pod = JSON.parse(await kubectl('-n', staging, 'get', 'pods', '-l', `app.kubernetes.io/name=${name},app.kubernetes.io/component=service`, '-o', 'json')).items[0];
  const labels = { 'app.kubernetes.io/name': name, 'app.kubernetes.io/component': 'redis', 'app.kubernetes.io/managed-by': 'fairway' };
  const handOn = [
    'import os,socket,threading',
    'def pump(a,b):',
    ' while True:',
    '  d=a.recv(65536)',
    '  if not d: break',
    '  b.sendall(d)',
    ' b.close()',
    'def hand(c):',
    " if os.path.exists('/tmp/silent'): return c.close()",
    ` r=socket.create_connection(('${name}-redis.${staging}.svc',6379))`,
    ' threading.Thread(target=pump,args=(c,r),daemon=True).start()',
    ' pump(r,c)',
    "s=socket.create_server(('',6379))",
    'while True: threading.Thread(target=hand,args=s.accept()[:1],daemon=True).start()',
  ].join('\n');
  const objects = [
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: `${name}-redis`, namespace: production, labels }, data: secret.data },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `${name}-redis-0`, namespace: production, labels: { ...secret.metadata.labels, ...labels } },
      spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'redis', image: pod.spec.containers[0].image, command: ['python3', '-uc', handOn] }] },
    },
  ];
  const file = path.join(fairway.data, 'shared.json');
  await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  await kubectl('apply', '-f', file);
  await kubectl('-n', production, 'wait', '--for=condition=Ready', `pod/${name}-redis-0`, '--timeout=120s');
  const counting = () => purge({ pattern: 'session:*', dryRun: true });
  const refused = await until('it is noticed', 30, async () => {
    const answer = await counting();
    return answer.status === 403 && answer;
  });
  assert.equal(refused.body.type, '/problems/shared-redis');
  assert.match(refused.body.detail, /very same server as the one on production/);
  assert.equal((await purge({ pattern: 'session:*', expectedCount: 10 })).status, 403);
  await kubectl('-n', production, 'exec', `${name}-redis-0`, '--', 'touch', '/tmp/silent');
  const silent = await purge({ pattern: 'session:*', expectedCount: 10 });
  assert.deepEqual([silent.status, silent.body.type], [403, '/problems/shared-redis'], 'one that does not say which it is may be the same');
  assert.match(silent.body.detail, /can't be asked which one it is/);
  assert.equal(await left(), 10);
  await kubectl('-n', production, 'delete', 'pod', `${name}-redis-0`, '--wait=true');
  await until('it is allowed again', 30, async () => (await counting()).status === 200);
});

test('a Redis that the configuration names is purged like any other, unless production may have the same', async () => {
  const other = await fairway.create('outer');
  const port = await freePort();
  const password = 'a word & "another"';
  const server = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--requirepass', password, '--dir', fairway.data], { stdio: 'ignore' });
  const there = (...args) => run('redis-cli', ['-p', String(port), ...args], { env: { ...process.env, REDISCLI_AUTH: password } });
  try {
    await until('it answers', 30, async () => (await there('ping')).trim() === 'PONG');
    for (const namespace of [staging, production]) await kubectl('-n', namespace, 'create', 'secret', 'generic', `${other}-cache`, `--from-literal=password=${password}`);
    const configured = async (redis) => {
      await fairway.stop();
      fairway.environment.FAIRWAY_REDIS = redis;
      await fairway.run();
      await until('the cluster is seen', 30, async () => !/cluster/i.test((await asked({ dryRun: true })).body.detail));
    };
    const asked = (body) => rest.post(purges.replace('NAME', other), { prefix: 'a', ...body });
    const at = (environment, port) => `${environment}/${other}=redis://127.0.0.1:${port}?secret=${other}-cache`;

    await there('mset', 'app:1', '1', 'app:2', '1', 'kept', '1');
    await there('-n', '1', 'set', 'app:elsewhere', '1');
    await configured(at('staging', port));
    await visit(page, `/services/${other}/redis?environment=staging`);
    await page.getByText('Not looked at, and out of a purge\'s reach: 1 key in other databases').waitFor();
    await visit(page, `/services/${other}/purge?environment=staging&prefix=app%3A`);
    await page.locator('.figure', { hasText: '2 of 3 keys would go' }).waitFor();
    await page.getByText('Another key is in other databases of this Redis; it stays.').waitFor();
    await page.getByText('Show the command').click();
    assert.match(await page.locator('.command code').innerText(), new RegExp(`redis-cli -h 127.0.0.1 -p ${port}`));
    await page.getByLabel('Why').fill('they are old');
    await page.getByRole('button', { name: /^Remove 2 keys from / }).click();
    await page.locator('.summary', { hasText: 'done' }).waitFor();
    assert.equal((await there('keys', '*')).trim(), 'kept');
    assert.equal((await there('-n', '1', 'keys', '*')).trim(), 'app:elsewhere');

    await configured([at('staging', port), at('production', port)].join(';'));
    const same = await asked({ dryRun: true });
    assert.deepEqual([same.status, same.body.type], [403, '/problems/shared-redis'], JSON.stringify(same.body));
    await configured([at('staging', port), at('production', 1)].join(';'));
    const perhaps = await asked({ expectedCount: 1, reason: 'a test' });
    assert.match(perhaps.body.detail, /can't be asked which one it is/);
    assert.equal(perhaps.status, 403);

    await configured(at('staging', port));
    const places = [`/services/${other}/purge?environment=staging&prefix=a`, `/services/${other}/redis?environment=staging`, `/api/v1/services/${other}/environments/staging/redis`];
    const answers = async () => [...(await Promise.all(places.map((place) => rest.get(place)))), await asked({ dryRun: true })];
    await there('set', 'app:3', '1');
    await visit(page, places[0]);
    await page.getByLabel('Why').fill('too late');
    await there('config', 'set', 'requirepass', 'another');
    const refusing = await answers();
    assert.deepEqual(refusing.map(({ status }) => status), [502, 502, 502, 502]);
    assert.equal(refusing[3].body.type, '/problems/redis-refuses');
    server.kill();
    await once(server, 'exit');
    const away = await answers();
    assert.deepEqual(away.map(({ status, headers }) => [status, headers['retry-after']]), Array(4).fill([503, '5']), 'pages and REST say the same');
    assert.equal(away[3].body.type, '/problems/redis-away');
    assert.match(away[3].body.detail, new RegExp(`Redis doesn't answer.*127.0.0.1:${port}`), JSON.stringify(away[3].body));
    // Also what is sent from a page that was there before, which keeps what was typed.
    await page.getByRole('button', { name: /^Remove 1 key from / }).click();
    await page.getByRole('alert').filter({ hasText: 'Redis doesn\'t answer' }).waitFor();
    assert.equal(await page.getByRole('alert').count(), 1);
    assert.equal(await page.getByLabel('or keys beginning with').inputValue(), 'a');
  } finally {
    server.kill();
    delete fairway.environment.FAIRWAY_REDIS;
  }
});

test('a page that was open while its environment got another name, or its name another place, removes nothing', async () => {
  await fill(10);
  const before = fairway.environment.FAIRWAY_ENVIRONMENTS;
  const renamed = {
    'there is no such environment any more': [`testing=${staging}:purgeable,production=${production}`, 404, '/problems/not-found'],
    'it is production by now': [`testing=${staging}:purgeable,staging=${production}`, 403, '/problems/not-purgeable'],
  };
  for (const [what, [environments, code, type]] of Object.entries(renamed)) {
    await visit(page, `/services/${name}/purge?environment=staging&pattern=session%3A*`);
    await page.getByLabel('Why').fill(what);
    await fairway.stop();
    fairway.environment.FAIRWAY_ENVIRONMENTS = environments;
    await fairway.run();
    const [answer] = await Promise.all([page.waitForResponse((response) => response.request().method() === 'POST'), page.getByRole('button', { name: /^Remove 10 keys from / }).click()]);
    assert.ok(answer.status() >= 400, `${what}: ${answer.status()}`);
    const { status, body } = await purge({ pattern: 'session:*', expectedCount: 10 });
    assert.deepEqual([status, body.type], [code, type], what);
    assert.equal(await left(), 10, what);
    await fairway.stop();
    fairway.environment.FAIRWAY_ENVIRONMENTS = before;
    await fairway.run();
    await until('the cluster is seen', 30, async () => (await purge({ pattern: 'session:*', dryRun: true })).status === 200);
  }
});

test('what the configuration no longer allows is refused, whatever an open page sends', async () => {
  await fill(10);
  await visit(page, `/services/${name}/purge?environment=staging&pattern=session%3A*`);
  await page.getByLabel('Why').fill('too late');
  await fairway.stop();
  fairway.environment.FAIRWAY_ENVIRONMENTS = fairway.environment.FAIRWAY_ENVIRONMENTS.replace(':purgeable', '');
  await fairway.run();
  await page.getByRole('button', { name: /^Remove 10 keys from / }).click();
  await page.getByText(/out of date|no button here on purpose/).first().waitFor();
  const { status, body } = await purge({ pattern: 'session:*', expectedCount: 10 });
  assert.deepEqual([status, body.type], [403, '/problems/not-purgeable']);
  assert.equal(await left(), 10);
});

test('every page on the way is accessible, and no script failed', () => {
  assert.deepEqual(page.flaws, []);
});
