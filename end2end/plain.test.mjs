// Without a line of JavaScript: creation, deploy and purge by links and forms alone.
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before } from 'node:test';
import { Fairway, kubectl, redisCli, run, until } from './harness.mjs';
import { openBrowser, openPage } from './parts/browser.mjs';
import { story } from './parts/story.mjs';

const step = story(() => page);
let fairway, browser, page, name;

before(async () => {
  fairway = await Fairway.start();
  browser = await openBrowser();
  page = await openPage(browser, fairway, { javaScriptEnabled: false });
  name = fairway.name('plain');
});
after(async () => {
  await browser?.close();
  await fairway?.remove();
});

const field = (label) => page.getByLabel(label, { exact: true });
/** The page renews itself while something is under way. */
const comes = (text, timeout = 90_000) => page.locator('.summary', { hasText: text }).waitFor({ timeout });

step('a form that was sent with wrong answers comes back as it was typed, each error at its field', async () => {
  await page.goto('/');
  await page.getByRole('link', { name: 'Create the first service' }).click();
  await field('Name').fill('<b>Orders</b>-');
  await page.getByLabel('Description').fill('"quoted" & <i>kept</i>');
  await field('Port').fill('6379');
  await page.getByLabel('Variables').fill('A=1\nB');
  const [response] = await Promise.all([page.waitForResponse((response) => response.request().method() === 'POST'), page.locator('form.answers button').click()]);
  assert.equal(response.status(), 422);
  await page.locator('#name-error', { hasText: '“<” isn\'t allowed' }).waitFor();
  await page.locator('#team-error', { hasText: "A team's name is" }).waitFor();
  await page.locator('#port-error', { hasText: 'reserved for Redis' }).waitFor();
  await page.locator('#variables-error', { hasText: 'Line 2: write NAME=value' }).waitFor();
  await page.getByRole('alert').filter({ hasText: 'Nothing was created yet' }).waitFor();
  assert.equal(await field('Name').inputValue(), '<b>Orders</b>-');
  assert.equal(await page.getByLabel('Description').inputValue(), '"quoted" & <i>kept</i>');
  assert.equal(await field('Port').getAttribute('aria-invalid'), 'true');
  assert.equal(await page.getByLabel('Variables').inputValue(), 'A=1\nB');
  assert.equal(await page.locator('main i').count(), 0, 'what was typed is never markup');
  assert.deepEqual((await fairway.rest.get('/api/v1/services')).body, [], 'nothing was created');
});

step('names that another object would have are refused at the field', async () => {
  for (const [typed, sentence] of [['orders-redis', 'can\'t end in “-redis”'], ['a'.repeat(53), 'this one has 53 characters'], ['orders-', 'remove the dash at the end']]) {
    await field('Name').fill(typed);
    await page.locator('form.answers button').click();
    await page.locator('#name-error', { hasText: sentence }).waitFor();
  }
});

step('a service is created, and its page renews itself until it is ready', async () => {
  await field('Name').fill(name);
  await field('Team').fill('checkout');
  await page.getByLabel('Redis').check();
  await field('Port').fill('8080');
  await field('Pods').fill('1');
  await page.getByLabel('Variables').fill('SHA=6180689\nFACTOR=1e3\nAGENT=007\nRATE=1.0\nEMPTY=\nDOLLAR=$(PORT) $HOME');
  await page.locator('form.answers button').click();
  await page.waitForURL(/\/jobs\//);
  await comes('done');
  await page.getByRole('heading', { name: `${name} runs on staging` }).waitFor();
  const env = JSON.parse(await kubectl('-n', fairway.namespaces.staging, 'exec', `deployment/${name}`, '--', 'python3', '-c', 'import json, os; print(json.dumps(dict(os.environ)))'));
  const values = ['SHA', 'FACTOR', 'AGENT', 'RATE', 'EMPTY', 'DOLLAR'].map((variable) => env[variable]);
  assert.deepEqual(values, ['6180689', '1e3', '007', '1.0', '', '$(PORT) $HOME'], 'the container has the values as they were typed');
});

step('its logs can be read', async () => {
  await page.getByRole('link', { name: 'Read its logs' }).click();
  await page.locator('pre.plain-log', { hasText: 'Application startup complete' }).waitFor();
});

step('the address of a line leads to it among those around it, and what is asked for can be saved', async () => {
  const writing = "print(*[f'numbered {n}' for n in range(700)], sep='\\n', file=open('/proc/1/fd/1', 'w'))";
  await kubectl('-n', fairway.namespaces.staging, 'exec', `deployment/${name}`, '--', 'python3', '-c', writing);
  const logs = `/api/v1/services/${name}/environments/staging/logs`;
  const place = await until('all lines are there', 30, async () => {
    const { body } = await fairway.rest.get(`${logs}?filter=numbered`);
    const entries = body.split('\n').filter(Boolean).map((line) => JSON.parse(line)).filter(({ marker }) => !marker);
    return entries.length === 700 && entries[100].place;
  });
  const saved = async () => {
    const links = await page.locator('.download a').evaluateAll((all) => all.map((link) => link.getAttribute('href')));
    assert.equal(links.length, 4);
    for (const link of links) assert.equal((await fairway.rest.get(link)).status, 200, link);
  };
  await page.goto(`/services/${name}/logs?environment=staging&at=${place}`);
  assert.match(await page.locator('.plain-log mark').innerText(), /numbered 100$/);
  const around = await page.locator('.plain-log').innerText();
  assert.ok(around.includes('numbered 99\n') && around.includes('numbered 101\n') && !around.includes('numbered 699'), around);
  await saved();
  await page.goto(`/services/${name}/logs?environment=staging&since=all`);
  await page.getByText(/^The last 500 lines, as of now/).waitFor();
  await saved();
});

step('a taken name is refused at its field', async () => {
  await page.goto('/new');
  await field('Name').fill(name);
  await field('Team').fill('checkout');
  await page.locator('form.answers button').click();
  await page.locator('#name-error', { hasText: 'taken' }).or(page.locator('#name-error', { hasText: 'already' })).first().waitFor();
});

step('a pushed build is deployed after a look at what would change', async () => {
  const copy = await fairway.git.clone(name);
  await copy.write('fairway.yaml', (text) => text.replace('replicas: 1', 'replicas: 2'));
  const commit = await copy.push('Run two pods');
  await fairway.build(name, commit);
  await page.goto(`/services/${name}`);
  await page.getByRole('row').filter({ hasText: commit.slice(0, 7) }).getByRole('link', { name: 'Deploy to staging' }).click();
  await page.locator('details.object', { hasText: 'PodDisruptionBudget' }).waitFor();
  await page.getByRole('button', { name: `Deploy ${commit.slice(0, 7)} to staging` }).click();
  await page.waitForURL(/\/deploys\/\d+$/);
  await comes('succeeded');
  assert.equal(await kubectl('-n', fairway.namespaces.staging, 'get', 'deployment', name, '-o', 'jsonpath={.status.availableReplicas}'), '2');
});

step('keys are purged after a dry run, and everything only with the name of the service', async () => {
  await redisCli(fairway.namespaces.staging, name, 'mset session:1 a session:2 b cart:1 c');
  await page.goto(`/services/${name}`);
  await page.getByRole('link', { name: 'Purge Redis' }).click();
  await page.getByLabel('Keys matching').fill('session:*');
  await page.getByRole('button', { name: 'Count, remove nothing' }).click();
  await page.locator('.figure', { hasText: '2 of 3 keys would go' }).waitFor();
  await page.getByLabel('Why').fill('stale sessions');
  await page.getByRole('button', { name: /^Remove 2 keys from / }).click();
  await page.waitForURL(/\/jobs\//);
  await comes('done');
  assert.equal((await redisCli(fairway.namespaces.staging, name, 'keys *')).trim(), 'cart:1');

  await page.goto(`/services/${name}/purge?environment=staging`);
  await page.getByLabel('Everything').check();
  await page.getByRole('button', { name: 'Count, remove nothing' }).click();
  await page.getByLabel('Why').fill('a clean start');
  await page.getByLabel(/Type the service's name/).fill('another');
  await page.getByRole('button', { name: /^Remove 1 key from / }).click();
  await page.getByRole('alert').filter({ hasText: 'Nothing was removed' }).waitFor();
  assert.equal((await redisCli(fairway.namespaces.staging, name, 'dbsize')).trim(), '1');
  assert.equal(await page.getByLabel('Why').inputValue(), 'a clean start', 'what was typed stays');
  await page.getByLabel(/Type the service's name/).fill(name);
  await page.getByRole('button', { name: /^Remove 1 key from / }).click();
  await page.waitForURL(/\/jobs\//);
  await comes('done');
  assert.equal((await redisCli(fairway.namespaces.staging, name, 'dbsize')).trim(), '0');
});

/** Keeps Fairway from adding a row, as a full disk would, until it is lifted. */
async function failing(table, walk) {
  const tell = (statement) => run('python3', ['-c', 'import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=10).executescript(sys.argv[2])', path.join(fairway.data, 'data', 'fairway.db'), statement]);
  await tell(`CREATE TRIGGER failing BEFORE INSERT ON ${table} BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`);
  try {
    await walk();
  } finally {
    await tell('DROP TRIGGER failing');
  }
}

step('what a form asks for and fails is told on its page, which keeps what was typed', async () => {
  const sent = async (button) => (await Promise.all([page.waitForResponse((response) => response.request().method() === 'POST'), button.click()]))[0];
  const told = page.getByRole('alert').filter({ hasText: 'Nothing was changed; try again' });
  const [build] = (await fairway.rest.get(`/api/v1/services/${name}/builds`)).body;
  await failing('deploys', async () => {
    await page.goto(`/services/${name}/deploy?environment=production&build=${build.id}`);
    const deploy = page.getByRole('button', { name: /^Deploy .* to production$/ });
    assert.equal((await sent(deploy)).status(), 503);
    await told.waitFor();
    await deploy.waitFor();
  });
  await failing('services', async () => {
    await page.goto('/new');
    await field('Name').fill(fairway.name('full'));
    await field('Team').fill('checkout');
    await page.getByLabel('Description').fill('"quoted" & kept');
    assert.equal((await sent(page.locator('form.answers button'))).status(), 503);
    await told.waitFor();
    assert.equal(await page.getByLabel('Description').inputValue(), '"quoted" & kept');
  });
  await page.locator('form.answers button').click();
  await page.waitForURL(/\/jobs\//);
  await comes('done');
});

step('a form that is out of date is told so on its page', async () => {
  const { headers, body, status } = await fairway.rest.ask('POST', `/services/${name}/restart`, 'environment=staging&csrf=old', { 'content-type': 'application/x-www-form-urlencoded' });
  assert.equal(status, 403);
  assert.match(headers['content-type'], /^text\/html/);
  assert.match(body, /role="alert"[\s\S]*out of date/);
});
