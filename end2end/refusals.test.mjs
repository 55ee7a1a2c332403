// What must not happen doesn't, whatever a client sends, and whoever asked reads why.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { Fairway, kubectl, redisCli, until } from './harness.mjs';
import { openBrowser, openPage, visit } from './parts/browser.mjs';

let fairway, browser, rest, name, staging, production, first;

before(async () => {
  fairway = await Fairway.start();
  browser = await openBrowser();
  rest = fairway.rest;
  ({ staging, production } = fairway.namespaces);
  name = await fairway.create('shop', { redis: true });
  [first] = (await rest.get(`/api/v1/services/${name}/builds`)).body;
  await fairway.deployed(name, 'production', first.id);
  for (const namespace of [staging, production]) await redisCli(namespace, name, 'mset session:1 a session:2 b');
});
after(async () => {
  await browser?.close();
  await fairway?.remove();
});

const keys = async (namespace) => Number(await redisCli(namespace, name, 'dbsize'));
const purge = (environment, body, headers) => rest.post(`/api/v1/services/${name}/environments/${environment}/purges`, body, headers);
const refusedPurges = async () => (await rest.get(`/api/v1/activity?service=${name}&environment=production`)).body.filter((entry) => entry.action === 'purge');
/** What a form of a page holds. */
const form = async (address, action) => {
  const { body } = await rest.get(address);
  const text = body.slice(body.indexOf(`action="${action}"`));
  return Object.fromEntries([...text.slice(0, text.indexOf('</form>')).matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)].map(([, key, value]) => [key, value]));
};
const send = (address, fields, headers = {}) => rest.ask('POST', address, new URLSearchParams(fields).toString(), { 'content-type': 'application/x-www-form-urlencoded', ...headers });

/** A problem as RFC 9457 has it. */
function problem(response, status, pattern) {
  assert.equal(response.status, status, JSON.stringify(response.body));
  assert.equal(response.headers['content-type'], 'application/problem+json');
  assert.equal(response.body.status, status);
  if (pattern) assert.match(response.body.detail, pattern);
}

test('a purge of production is refused however it is asked for by REST, and is on record', async () => {
  for (const body of [{ pattern: '*', expectedCount: 2 }, { everything: true, expectedCount: 1000 }, { pattern: '*', dryRun: true }]) {
    problem(await purge('production', body), 403, /isn't marked purgeable/);
  }
  assert.equal(await keys(production), 2);
  const refused = await refusedPurges();
  assert.equal(refused.length, 2, 'each purge that was asked for is on record, a dry run is none');
  for (const entry of refused) assert.equal(entry.outcome.state, 'refused');
});

test('a form for staging that was forged to name production removes nothing', async () => {
  const fields = await form(`/services/${name}/purge?environment=staging&pattern=session%3A*`, `/services/${name}/purge`);
  assert.equal(fields.expected, '2');
  const earlier = (await refusedPurges()).length;
  const response = await send(`/services/${name}/purge`, { ...fields, environment: 'production' });
  assert.equal(response.status, 403);
  assert.match(response.body, /no button here on purpose/);
  assert.equal(await keys(production), 2);
  assert.equal((await refusedPurges()).length, earlier + 1);
});

test('a purge of more keys than were agreed to removes none', async () => {
  const response = await purge('staging', { pattern: 'session:*', expectedCount: 1, reason: 'stale sessions' });
  problem(response, 409, /more than the 1 you agreed to/);
  assert.equal(response.body.count.matching, 2);
  assert.equal(await keys(staging), 2);
});

test('a purge says exactly which keys: one pattern, or everything', async () => {
  for (const body of [{}, { pattern: '', expectedCount: 0 }, { pattern: '*', everything: true, expectedCount: 2 }, { pattern: 'a', prefix: 'a', expectedCount: 2 }, { prefix: 'a\\q', expectedCount: 2 }, { type: 'text', expectedCount: 2 }, { idleSeconds: 0, expectedCount: 2 }, { pattern: 'a\nb', expectedCount: 0 }, { pattern: 'x'.repeat(513), expectedCount: 0 }, { pattern: '*' }, { pattern: '*', expectedCount: -1 }, { pattern: '*', expectedcount: 2 }]) {
    problem(await purge('staging', body), 422);
  }
  assert.equal(await keys(staging), 2);
});

test('a purge without a reason, or of everything without the name of the service, removes nothing', async () => {
  problem(await purge('staging', { pattern: 'session:*', expectedCount: 2 }), 422, /Say why/);
  problem(await purge('staging', { pattern: 'session:*', expectedCount: 2, reason: 'x' }), 422);
  for (const confirm of [undefined, 'another']) {
    const response = await purge('staging', { everything: true, expectedCount: 9, reason: 'a clean start', confirm });
    problem(response, 422, /Type the service's name/);
    assert.equal(response.body.type, '/problems/name-needed');
  }
  assert.equal(await keys(staging), 2);
});

test('of two deploys at once one runs, and the other learns who holds the lock', async () => {
  const answers = await Promise.all([fairway.deploy(name, 'staging', first.id), fairway.deploy(name, 'staging', first.id)]);
  const [taken, refused] = answers.sort((one, other) => one.status - other.status);
  assert.equal(taken.status, 202);
  problem(refused, 409, /local user is deploying/);
  assert.equal(refused.body.heldBy, `/services/${name}/deploys/${taken.body.number}`);
  await fairway.job(taken.body.job);
  const { body: again } = await fairway.deploy(name, 'staging', first.id);
  await fairway.job(again.job);
});

test('the second of two tabs that deploy is shown the deploy that runs', async () => {
  const preview = `/services/${name}/deploy?environment=staging&build=${first.id}`;
  const tabs = [await openPage(browser, fairway), await openPage(browser, fairway)];
  for (const tab of tabs) await visit(tab, preview);
  // At once: the deploy of the first may be over before a slow browser's second click.
  await Promise.all(tabs.map((tab) => tab.getByRole('button', { name: /^Deploy .* to staging$/ }).click()));
  const runs = /\/deploys\/\d+$/;
  const alert = (tab) => tab.getByRole('alert').filter({ hasText: 'local user is deploying' });
  await Promise.all(tabs.map((tab) => Promise.race([tab.waitForURL(runs), alert(tab).waitFor()])));
  const [holds, refused] = tabs.toSorted((one, other) => runs.test(other.url()) - runs.test(one.url()));
  await alert(refused).getByRole('link', { name: /Follow deploy/ }).click();
  await refused.waitForURL(holds.url());
  await holds.locator('.summary', { hasText: 'succeeded' }).waitFor({ timeout: 90_000 });
  for (const tab of tabs) await tab.context().close();
});

test('a double click on Create makes one service', async () => {
  const page = await openPage(browser, fairway);
  const double = fairway.name('double');
  await visit(page, '/new');
  await page.getByLabel('Name', { exact: true }).fill(double);
  await page.getByLabel('Team').fill('checkout');
  await page.getByLabel('Pods').fill('1');
  await page.getByRole('button', { name: `Create ${double}` }).dblclick();
  await page.waitForURL(/\/jobs\//);
  await page.locator('.summary', { hasText: 'done' }).waitFor({ timeout: 90_000 });
  await page.context().close();
  const creations = (await rest.get(`/api/v1/activity?service=${double}`)).body.filter((entry) => entry.action === 'create');
  assert.equal(creations.length, 1);
});

test('a form that is sent twice is done once, and both get the same answer', async () => {
  const fields = { ...(await form('/new', '/new')), name: fairway.name('twice'), team: 'checkout', runtime: 'python', port: '8080', replicas: '1', variables: '' };
  const [one, other] = await Promise.all([send('/new', fields), send('/new', fields)]);
  assert.deepEqual([one.status, other.status], [303, 303]);
  assert.equal(one.headers.location, other.headers.location);
  await fairway.job(one.headers.location.split('/').at(-1));
});

test('a POST that is repeated with its Idempotency-Key is done once', async () => {
  const key = { 'idempotency-key': `again-${fairway.suffix}` };
  const body = { pattern: 'session:1', expectedCount: 1, reason: 'stale sessions' };
  const before = await purge('staging', body, key);
  assert.equal(before.status, 202);
  await fairway.job(before.body.id);
  const again = await purge('staging', body, key);
  assert.equal(again.status, 202);
  assert.equal(again.body.id, before.body.id);
  assert.equal(again.headers.location, before.headers.location);
  assert.equal(again.headers['idempotent-replayed'], 'true');
  problem(await purge('staging', { ...body, pattern: 'session:2' }, key), 422, /used for another request/);
  const purges = (await rest.get(`/api/v1/activity?service=${name}&environment=staging`)).body.filter((entry) => entry.action === 'purge' && entry.outcome.state === 'succeeded');
  assert.equal(purges.length, 1);
});

test('a page of another site can change nothing', async () => {
  const body = { pattern: '*', expectedCount: 1000 };
  for (const headers of [{ origin: 'http://evil.example' }, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }]) {
    problem(await purge('staging', body, headers), 403, /another site's page/);
  }
  for (const host of ['evil.example', `127.0.0.1:1`, `127.0.0.1:${fairway.port}.evil.example`]) {
    problem(await rest.get('/api/v1/services', { host }), 421, /answers at/);
    assert.equal((await rest.get('/', { host })).status, 421);
  }
  assert.ok((await keys(staging)) > 0);
});

test('a form without the token of our own pages is refused', async () => {
  const fields = { name: fairway.name('forged'), team: 'checkout', runtime: 'python', port: '8080', replicas: '1', variables: '' };
  for (const csrf of [undefined, '', '0'.repeat(64)]) {
    const response = await send('/new', csrf === undefined ? fields : { ...fields, csrf });
    assert.equal(response.status, 403);
  }
  assert.equal((await send(`/services/${name}/restart`, { environment: 'staging' })).status, 403);
  assert.equal((await rest.get(`/api/v1/services/${fields.name}`)).status, 404);
});

test('a body that is too large, malformed or of another sort is a problem that says so', async () => {
  const json = { 'content-type': 'application/json' };
  problem(await rest.ask('POST', '/api/v1/services', 'x'.repeat(300 * 1024), json), 413);
  problem(await rest.ask('POST', '/api/v1/services', 'x'.repeat(300 * 1024), { ...json, 'idempotency-key': 'large' }), 413);
  for (const body of ['{', '[]', '"x"', '{"name":["a"]}', '{"name":"a","nmae":"b"}', '\0']) {
    const response = await rest.ask('POST', '/api/v1/services', body, json);
    assert.ok([400, 422].includes(response.status), `${body}: ${response.status}`);
    problem(response, response.status);
  }
  problem(await rest.ask('POST', '/api/v1/services', '{}', { 'content-type': 'text/plain' }), 415);
  const wrong = await rest.post('/api/v1/services', { name: 'Orders', team: '', runtime: 'cobol', port: 80, replicas: 99, variables: 'PORT=1' });
  problem(wrong, 422);
  assert.deepEqual(wrong.body.errors.map((error) => error.field).sort(), ['name', 'port', 'replicas', 'runtime', 'team', 'variables']);
});

test('what there is not is said to be not there', async () => {
  const id = '01890000-0000-7000-8000-000000000000';
  const absent = [`/api/v1/services/nothing`, '/api/v1/services/nothing/builds', '/api/v1/services/nothing/environments/staging/diagnosis', `/api/v1/services/${name}/environments/nowhere/diagnosis`, `/api/v1/services/${name}/environments/staging/diff?build=${id}`, `/api/v1/services/${name}/environments/staging/diff?backTo=999`, `/api/v1/jobs/${id}`, `/api/v1/jobs/${id}/events`, '/api/v1/services/nothing/environments/staging/logs', '/api/v1/nothing'];
  for (const path of absent) problem(await rest.get(path), 404);
  problem(await fairway.deploy(name, 'staging', id), 404);
  problem(await fairway.deploy(name, 'nowhere', first.id), 404);
  problem(await fairway.deploy(name, 'staging', { build: first.id, backTo: 1 }), 422);
  for (const path of ['/services/nothing', '/services/Nothing', `/services/${name}/deploys/999`, `/services/${name}/logs?environment=nowhere`, `/jobs/${id}`, '/jobs/x', '/nothing']) {
    const response = await rest.get(path);
    assert.equal(response.status, 404, path);
    assert.match(response.headers['content-type'], /^text\/html/);
  }
});

test('the git endpoint and the assets reach no path but their own', async () => {
  const secrets = ['SQLite format 3', 'root:x:0:0', '"wasm":', await readFile(`${fairway.data}/data/csrf-token`, 'utf8')];
  const up = ['..', '%2e%2e', '%2E.', '..%2f', '%2e%2e%2f', '..%5c', '%00'];
  const tricks = ['/git/../../etc/passwd', '/git/..git/info/refs', '/git/.hooks/pre-receive', '/git/.hooks.git/pre-receive', `/git/${name}/HEAD`, `/git/%2e%2e%2f${name}.git/HEAD`, '/assets/../manifest.json'];
  for (const step of up) {
    tricks.push(`/git/${step}/${step}/fairway.db`, `/git/${step}/fairway.db.git/HEAD`, `/git/${name}.git/${step}/${step}/fairway.db`, `/git/${name}.git/objects/${step}/${step}/${step}/csrf-token`, `/git/${name}.git/${step}${step}csrf-token`, `/assets/${step}/manifest.json`, `/assets/${step}/${step}/${step}/etc/passwd`);
  }
  for (const path of tricks) {
    const response = await rest.get(path);
    assert.ok(response.status >= 400 && response.status < 500, `${path}: ${response.status} ${response.bytes.subarray(0, 200)}`);
    for (const secret of secrets) assert.ok(!response.bytes.includes(secret), `${path} gives ${secret}`);
  }
  for (const file of ['config', 'hooks/pre-receive.sample', 'description']) {
    assert.ok((await rest.get(`/git/${name}.git/${file}`)).status >= 400, file);
  }
});

test('a push that rewrites, removes or cannot be deployed is refused with a sentence', async () => {
  const copy = await fairway.git.clone(name);
  const head = async () => (await copy.git('ls-remote', 'origin', 'refs/heads/main')).split('\t')[0];
  const before = await head();
  const restore = () => copy.git('reset', '--quiet', '--hard', before);
  const values = await copy.read('fairway.yaml');

  const refusals = [
    ['without a fairway.yaml', () => copy.git('rm', '--quiet', 'fairway.yaml'), /fairway\.yaml/],
    ['with one that is no YAML', () => copy.write('fairway.yaml', 'name: [\n'), /fairway\.yaml/],
    ['of another service', () => copy.write('fairway.yaml', values.replace(`name: "${name}"`, 'name: "another"')), /another/],
    ['with a key that is not known', () => copy.write('fairway.yaml', `${values}\nreplica: 3\n`), /replica/],
    ['with a value that is not allowed', () => copy.write('fairway.yaml', values.replace('port: 8080', 'port: 80')), /port/],
    ['with a variable that is no text', () => copy.write('fairway.yaml', values.replace('variables: {}', 'variables: {AGENT: 007}')), /AGENT/],
  ];
  for (const [what, change, reason] of refusals) {
    await change();
    await copy.commit(`A commit ${what}`);
    const said = await copy.refused('push', 'origin', 'HEAD:main').catch((error) => assert.fail(`${what}: ${error.message}`));
    assert.match(said, /remote: Fairway can't take this push/, what);
    assert.match(said, reason, what);
    assert.match(said, /Nothing was changed/, what);
    assert.equal(await head(), before, what);
    await restore();
  }

  await copy.git('commit', '--quiet', '--amend', '--message', 'Another history');
  assert.match(await copy.refused('push', 'origin', 'HEAD:main'), /non-fast-forward|fetch first|rejected/);
  assert.match(await copy.refused('push', '--force', 'origin', 'HEAD:main'), /rejected/);
  assert.match(await copy.refused('push', 'origin', ':main'), /rejected/);
  assert.equal(await head(), before);
  assert.equal((await rest.get(`/api/v1/services/${name}/builds`)).body.length, 1, 'nothing of it was built');
});

test('what somebody wrote is text on every page', async () => {
  const copy = await fairway.git.clone(name);
  const subject = '<img src=x onerror=alert(1)> & "quotes"';
  const commit = await copy.push(subject);
  await fairway.build(name, commit);
  const page = await openPage(browser, fairway);
  let dialogs = 0;
  page.on('dialog', (dialog) => (dialogs++, dialog.dismiss()));
  for (const address of [`/services/${name}`, `/services/${name}/deploy?environment=staging`, '/activity']) {
    await visit(page, address);
    await page.getByText(subject).first().waitFor();
    assert.equal(await page.locator('main img').count(), 0);
  }
  assert.equal(dialogs, 0);
  await page.context().close();
});

test('two services whose long names share all but the end keep apart in everything that they have', async () => {
  const stem = `a-name-that-fills-the-rule-${fairway.suffix}`.padEnd(39, 'x');
  const names = ['a', 'b'].map((end) => stem + end);
  assert.equal(names[0].length, 40);
  const { body: preview } = await rest.post('/api/v1/preview', fairway.answers(names[0], { redis: true }));
  assert.deepEqual(preview.errors, []);
  assert.ok(JSON.stringify(preview.names).includes(`${names[0]}-redis`), 'the final names stand in the preview');
  await Promise.all(
    names.map(async (long) => {
      const { status, body } = await rest.post('/api/v1/services', fairway.answers(long, { redis: true }));
      assert.equal(status, 202, JSON.stringify(body));
      await fairway.job(body.id);
    }),
  );
  const objects = (await kubectl('-n', staging, 'get', 'deployment,service,serviceaccount,secret', '-o', 'name')).split('\n');
  for (const long of names) {
    for (const object of [`deployment.apps/${long}`, `deployment.apps/${long}-redis`, `service/${long}`, `service/${long}-redis`, `serviceaccount/${long}`, `secret/${long}-redis`]) assert.ok(objects.includes(object), object);
  }
  await until('both are healthy', 30, async () => {
    const all = await Promise.all(names.map((long) => rest.get(`/api/v1/services/${long}/environments/staging/diagnosis`)));
    return all.every(({ body }) => body.health === 'healthy');
  });
});
