// A purge removes exactly what was agreed to, can be stopped, survives a kill, and never reaches a Redis that isn't this environment's own.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Fairway, cluster, freePort, kubectl, redisCli, run, until } from './harness.mjs';
import { judge, openBrowser, openPage, visit } from './parts/browser.mjs';
import { purging } from './parts/purging.mjs';

let fairway, browser, page, rest, name, other, staging, production, cli, purge, onRecord, fill, left, long, activity, seen;

before(async () => {
  // So slow that there is time to stop it, however fast the machine is.
  fairway = await Fairway.start({ variables: { FAIRWAY_PURGE_BUSY_MICROSECONDS: '1' } });
  browser = await openBrowser();
  page = await openPage(browser, fairway);
  rest = fairway.rest;
  ({ staging, production } = fairway.namespaces);
  name = await fairway.create('shop', { redis: true });
  ({ cli, purge, onRecord, fill, left, long, activity, seen } = purging(fairway, name));
});
after(async () => {
  await browser?.close();
  await fairway?.remove();
});

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

test('an earlier purge is done again by one click and the same words', async () => {
  const again = async () => {
    await visit(page, `/services/${name}/purge?environment=staging`);
    await page.getByRole('row').filter({ hasText: 'forgotten baskets' }).first().getByRole('link', { name: 'Again' }).click();
  };
  await again();
  await page.getByText('Nothing matches, so there is nothing to remove.').waitFor();
  assert.equal(await page.getByLabel('Of type').inputValue(), 'hash');
  await cli('hset basket:3 item 1\nhset basket:4 item 1');
  await again();
  await page.locator('.figure', { hasText: '2 of 5 keys would go: keys of type hash without an expiry' }).waitFor();
  assert.equal(await page.getByLabel('Why').inputValue(), 'forgotten baskets');
  await page.getByRole('button', { name: /^Remove 2 keys from / }).click();
  await page.waitForURL(/\/jobs\//);
  await page.locator('.summary', { hasText: 'done' }).waitFor();
  assert.deepEqual((await cli('keys *')).split('\n').sort(), ['basket:2', 'going', 'kept']);
});

test('a pattern that leaves no key asks for the name of the service, like everything', async () => {
  await cli('flushall\nmset aa 1 ab 1');
  for (const keys of [{ pattern: '*' }, { pattern: 'a?' }, { prefix: 'a' }]) {
    const { body: { needsName } } = await purge({ ...keys, dryRun: true });
    assert.equal(needsName, true, JSON.stringify(keys));
    const refused = await purge({ ...keys, expectedCount: 2 });
    assert.deepEqual([refused.status, refused.body.type], [422, '/problems/name-needed'], JSON.stringify(keys));
  }
  await cli('set kept 1');
  await visit(page, `/services/${name}/purge?environment=staging&pattern=a*`);
  await page.locator('.figure', { hasText: '2 of 3 keys would go' }).waitFor();
  assert.equal(await page.getByLabel(/Type the service's name/).count(), 0, 'one key stays');
  await page.getByLabel('Why').fill('a clean start');
  await cli('del kept');
  await page.getByRole('button', { name: /^Remove 2 keys from / }).click();
  await page.getByRole('alert').filter({ hasText: 'Type the service\'s name' }).waitFor();
  assert.deepEqual((await cli('keys *')).split('\n').sort(), ['aa', 'ab']);
  await page.getByLabel(/Type the service's name/).fill(name);
  await page.getByRole('button', { name: /^Remove 2 keys from / }).click();
  await page.waitForURL(/\/jobs\//);
  await page.locator('.summary', { hasText: 'done' }).waitFor();
  assert.equal(await cli('dbsize'), '0');
});

test('the dry run shows the command that counts, the confirmation the one that removes', async () => {
  await fill(2);
  await visit(page, `/services/${name}/purge?environment=staging&pattern=session%3A*`);
  const shown = (heading) => page.locator('section.part').filter({ has: page.getByRole('heading', { name: heading }) }).locator('.command code').textContent();
  assert.match(await shown('Dry run'), /--scan.*wc -l/);
  assert.doesNotMatch(await shown('Dry run'), /UNLINK/);
  assert.match(await shown('Confirm'), /--scan.*UNLINK/);
});

test('a purge is stopped from its page; what is removed stays removed, the rest is kept, and the numbers add up', async () => {
  const count = 200_000;
  const { id } = await long(count);
  await visit(page, `/jobs/${id}`);
  await page.locator('progress').waitFor();
  await page.getByRole('button', { name: 'Stop the purge' }).click();
  await page.locator('.summary', { hasText: 'stopped' }).waitFor();
  const { counts, state, stoppedBy, rate, finishedAt } = await onRecord(id);
  assert.deepEqual([state, stoppedBy?.name], ['stopped', 'local user']);
  assert.ok(counts.removed > 0 && counts.removed < count, JSON.stringify(counts));
  // A batch takes some milliseconds here; the rest is the machine's. All that was left would have taken far longer.
  const [asked] = await activity('stop');
  const took = Date.parse(finishedAt) - Date.parse(asked.at);
  assert.ok(took < 2_000 && (count - counts.removed) / rate > 4, JSON.stringify({ took, rate, counts }));
  assert.equal(await left(), count - counts.removed);
  const [entry] = await activity('purge');
  assert.equal(entry.outcome.state, 'stopped');
  assert.match(entry.detail, new RegExp(`^${counts.removed.toLocaleString('en')} keys removed: keys beginning with session:; stopped .* Why: a test`));
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
  await kubectl('-n', production, 'delete', `pod/${name}-redis-0`, `secret/${name}-redis`, '--wait=true');
  await until('it is allowed again', 30, async () => (await counting()).status === 200);
});

test('a Redis that the configuration names is purged like any other, unless production may have the same', async () => {
  other = await fairway.create('outer');
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
      await seen();
    };
    const asked = (body) => rest.post(`/api/v1/services/${other}/environments/staging/purges`, { prefix: 'a', ...body });
    const at = (environment, port) => `${environment}/${other}=redis://127.0.0.1:${port}?secret=${other}-cache`;

    await there('mset', 'app:1', '1', 'app:2', '1', 'kept', '1');
    await there('-n', '1', 'set', 'app:elsewhere', '1');
    await configured(at('staging', port));
    await visit(page, `/services/${other}/redis?environment=staging`);
    await page.getByText('Not looked at, and out of a purge\'s reach: 1 key in other databases').waitFor();
    await visit(page, `/services/${other}/purge?environment=staging&prefix=app%3A`);
    await page.locator('.figure', { hasText: '2 of 3 keys would go' }).waitFor();
    await page.getByText('Another key is in other databases of this Redis; it stays.').waitFor();
    await page.getByText('Show the command').first().click();
    assert.match(await page.locator('.command code').first().innerText(), new RegExp(`redis-cli -h 127.0.0.1 -p ${port}`));
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

    await configured(`staging/${other}=redis://127.0.0.1:${port}?secret=nobody`);
    const nobody = await asked({ dryRun: true });
    assert.deepEqual([nobody.status, nobody.body.type], [409, '/problems/no-secret'], JSON.stringify(nobody.body));
    assert.match(nobody.body.detail, /There is no Secret nobody on staging/);

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

test('a Redis that another service has in production is refused, and so is one that may be it', async () => {
  const [build] = (await rest.get(`/api/v1/services/${name}/builds`)).body;
  await fairway.deployed(name, 'production', build.id);
  await redisCli(production, name, 'set a 1');
  const secret = JSON.parse(await kubectl('-n', production, 'get', 'secret', `${name}-redis`, '-o', 'json'));
  const password = Buffer.from(secret.data.password, 'base64').toString();
  await kubectl('-n', staging, 'create', 'secret', 'generic', 'borrowed', `--from-literal=password=${password}`);
  const address = (await kubectl('-n', production, 'get', 'service', `${name}-redis`, '-o', 'jsonpath={.spec.clusterIP}')).trim();
  await fairway.stop();
  fairway.environment.FAIRWAY_REDIS = `staging/${other}=redis://${address}:6379?secret=borrowed`;
  await fairway.run();
  try {
    const asked = () => rest.post(`/api/v1/services/${other}/environments/staging/purges`, { prefix: 'a', expectedCount: 1, reason: 'a test', confirm: other });
    const same = await until('the cluster is seen', 30, async () => {
      const answer = await asked();
      return /very same server/.test(answer.body.detail) && answer;
    });
    assert.deepEqual([same.status, same.body.type], [403, '/problems/shared-redis']);
    // Its Secret is gone, and it still runs.
    await kubectl('-n', production, 'delete', 'secret', `${name}-redis`);
    const perhaps = await asked();
    assert.deepEqual([perhaps.status, perhaps.body.type], [403, '/problems/shared-redis'], JSON.stringify(perhaps.body));
    assert.match(perhaps.body.detail, new RegExp(`The Redis of ${name} on production can't be asked which one it is`));
    const { status, body } = await rest.get(`/api/v1/services/${name}/environments/production/redis`);
    assert.deepEqual([status, body.type], [409, '/problems/no-secret'], JSON.stringify(body));
  } finally {
    delete secret.metadata.resourceVersion;
    const file = path.join(fairway.data, 'secret.json');
    await writeFile(file, JSON.stringify(secret));
    await kubectl('apply', '-f', file);
    await fairway.stop();
    delete fairway.environment.FAIRWAY_REDIS;
    await fairway.run();
  }
  assert.equal((await redisCli(production, name, 'get a')).trim(), '1');
});

test('nothing is purged while it is not known what runs in production', async () => {
  await fill(2);
  // Who may see staging alone.
  await kubectl('-n', staging, 'create', 'serviceaccount', 'half');
  await kubectl('-n', staging, 'create', 'rolebinding', 'half', '--clusterrole=cluster-admin', `--serviceaccount=${staging}:half`);
  const token = (await kubectl('-n', staging, 'create', 'token', 'half')).trim();
  const config = JSON.parse(await kubectl('config', 'view', '--raw', '--minify', '--flatten', '--output', 'json'));
  config.users[0].user = { token };
  const kubeconfig = path.join(fairway.data, 'half');
  await writeFile(kubeconfig, JSON.stringify(config));
  await fairway.stop();
  fairway.environment.FAIRWAY_KUBERNETES_KUBECONFIG = kubeconfig;
  await fairway.run();
  try {
    const refused = await until('staging is seen', 30, async () => {
      const answer = await purge({ prefix: 'session:', expectedCount: 2 });
      return answer.body.type !== '/problems/cluster-away' && answer;
    });
    assert.deepEqual([refused.status, refused.body.type], [403, '/problems/shared-redis'], JSON.stringify(refused.body));
    assert.match(refused.body.detail, /doesn't say at present what runs on production/);
    assert.equal(await left(), 2);
  } finally {
    await fairway.stop();
    fairway.environment.FAIRWAY_KUBERNETES_KUBECONFIG = cluster.KUBECONFIG;
    await fairway.run();
    await seen();
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
    assert.equal(answer.status(), code, what);
    const { status, body } = await purge({ pattern: 'session:*', expectedCount: 10 });
    assert.deepEqual([status, body.type], [code, type], what);
    assert.equal(await left(), 10, what);
    await fairway.stop();
    fairway.environment.FAIRWAY_ENVIRONMENTS = before;
    await fairway.run();
    await seen();
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
  await page.getByRole('alert').filter({ hasText: 'isn\'t marked purgeable' }).waitFor();
  await page.getByText('There is no button here on purpose.').waitFor();
  const { status, body } = await purge({ pattern: 'session:*', expectedCount: 10 });
  assert.deepEqual([status, body.type], [403, '/problems/not-purgeable']);
  assert.equal(await left(), 10);
});

test('every page on the way is accessible, and no script failed', () => {
  assert.deepEqual(page.flaws, []);
});
