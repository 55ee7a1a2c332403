// The whole path as a person walks it: from an empty list to a service on staging, its logs, its Redis, its next version, and production.
// Every page on the way is looked at in three widths and both schemes, and judged by axe.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Fairway, helm, inCluster, kubectl, redisCli, servicePods, until } from './harness.mjs';
import { alive, judge, openBrowser, openPage, visit } from './parts/browser.mjs';
import { inTerminal } from './parts/cluster.mjs';
import { story } from './parts/story.mjs';

const step = story(() => page);
let fairway, browser, page, name, staging, production, copy, second;

before(async () => {
  fairway = await Fairway.start();
  browser = await openBrowser();
  page = await openPage(browser, fairway);
  name = fairway.name('orders');
  ({ staging, production } = fairway.namespaces);
});
after(async () => {
  await browser?.close();
  await fairway?.remove();
});

const environment = (which) => page.locator(`section.environment#${which}`);
const document = (path) => page.locator(`details.document[data-key="${path}"]`);
const short = (commit) => commit.slice(0, 7);
/** A pod of the service that runs and isn't on its way out. */
const pod = async (namespace) => {
  const staying = (await servicePods(namespace, name)).find(({ metadata, status }) => status.phase === 'Running' && !metadata.deletionTimestamp);
  assert.ok(staying, `no pod of ${name} runs in ${namespace}`);
  return staying.metadata.name;
};
const image = (namespace) => kubectl('-n', namespace, 'get', 'deployment', name, '-o', 'jsonpath={.spec.template.spec.containers[0].image}');
const noTroubles = () => assert.deepEqual(page.troubles, []);

/** Asks the service itself, from inside the cluster; gives what it says of itself. */
const answer = async (namespace) => JSON.parse(await inCluster(namespace, await pod(namespace), `http://${name}.${namespace}.svc:8080/`));

/** A deploy's page, until its verdict. */
async function succeeds() {
  await page.waitForURL(/\/deploys\/\d+$/);
  await alive(page);
  await page.locator('.summary', { hasText: 'succeeded' }).waitFor({ timeout: 90_000 });
}

step('an empty list says what will stand there and leads to the form', async () => {
  await visit(page, '/');
  await page.getByRole('heading', { name: 'No service yet' }).waitFor();
  await judge(page, 'services-empty');
  await page.getByRole('link', { name: 'Create the first service' }).click();
  await page.waitForURL('**/new');
  await alive(page);
});

step('the form says what is wrong at its field while it is typed', async () => {
  const wrong = [['Orders', 'Use lower case'], ['orders-', 'remove the dash at the end'], ['orders-redis', "can't end in “-redis”"], ['a'.repeat(53), 'this one has 53 characters']];
  for (const [typed, sentence] of wrong) {
    await page.getByLabel('Name', { exact: true }).fill(typed);
    await page.locator('#name-error', { hasText: sentence }).waitFor();
  }
  await page.getByLabel('Port').fill('6379');
  await page.locator('#port-error', { hasText: 'reserved for Redis' }).waitFor();
  assert.equal(await page.getByLabel('Port').getAttribute('aria-invalid'), 'true');
  assert.equal((await page.locator('#team-error').textContent()).trim(), '', 'a field that nobody has been to has no error yet');
  await judge(page, 'new-service-wrong');
  await page.getByLabel('Port').fill('8080');
  await page.locator('#port-error:empty').waitFor({ state: 'attached' });
});

step('what the answers give stands beside the form and follows them', async () => {
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByLabel('Team').fill('checkout');
  await page.getByLabel('Description').fill('Takes orders & reserves <stock>');
  await page.getByLabel('Redis').check();
  await page.getByLabel('Variables').fill('SHA=6180689\nFACTOR=1e3\nAGENT=007\nRATE=1.0');
  const values = document('fairway.yaml').locator('pre');
  for (const line of [`name: "${name}"`, '"SHA": "6180689"', '"FACTOR": "1e3"', '"AGENT": "007"', '"RATE": "1.0"', 'redis: true']) {
    await values.filter({ hasText: line }).waitFor();
  }
  await document(`Deployment ${name}`).waitFor();
  await document(`Deployment ${name}-redis`).waitFor();
  await document(`Deployment ${name}`).locator('summary').click();
  await document(`Deployment ${name}`).locator('pre', { hasText: /value: ["']007["']/ }).waitFor();
  assert.match(await page.locator('.names').textContent(), new RegExp(`repository ${fairway.url}/git/${name}\\.git .* release ${name} `));
  await page.getByLabel('Redis').uncheck();
  await document(`Deployment ${name}-redis`).waitFor({ state: 'detached' });
  await page.getByLabel('Redis').check();
  await document(`Deployment ${name}-redis`).waitFor();
  assert.equal(await page.getByLabel('Variables').inputValue(), 'SHA=6180689\nFACTOR=1e3\nAGENT=007\nRATE=1.0', 'what was typed stays as it was typed');
  await judge(page, 'new-service');
});

step('Create shows its steps live until the service is ready', async () => {
  await page.getByRole('button', { name: `Create ${name}` }).click();
  await page.waitForURL(/\/jobs\//);
  await alive(page);
  await judge(page, 'job-running');
  await page.locator('.summary', { hasText: 'done' }).waitFor({ timeout: 120_000 });
  const steps = page.locator('ol.steps > li');
  assert.equal(await steps.count(), 5);
  assert.deepEqual(await page.locator('ol.steps .state .word').allTextContents(), ['done', 'done', 'done', 'done', 'done']);
  await page.getByRole('heading', { name: `${name} runs on staging` }).waitFor();
  await judge(page, 'job-done');
  noTroubles();
});

step('helm and kubectl tell the same story, and the shown command does the same from a terminal', async () => {
  const [release] = JSON.parse(await helm('list', '-n', staging, '-o', 'json')).filter((one) => one.name === name);
  assert.equal(release?.status, 'deployed');
  assert.equal(release.revision, '1');
  assert.match(await image(staging), new RegExp(`^127\\.0\\.0\\.1:5000/${name}@sha256:[0-9a-f]{64}$`));
  const variables = JSON.parse(await kubectl('-n', staging, 'get', 'deployment', name, '-o', 'jsonpath={.spec.template.spec.containers[0].env}'));
  const value = (variable) => variables.find((one) => one.name === variable)?.value;
  assert.deepEqual(['SHA', 'FACTOR', 'AGENT', 'RATE'].map(value), ['6180689', '1e3', '007', '1.0']);
  assert.equal((await answer(staging)).hits, 1, 'it uses its Redis');

  const command = await page.locator('ol.steps > li').nth(3).locator('.copyable button').getAttribute('data-copy');
  assert.match(command, /^helm upgrade --install /);
  copy = await fairway.git.clone(name);
  assert.match(await copy.git('ls-files', '--stage', 'run'), /^100755 /, 'an executable file of the template stays one');
  const generation = () => kubectl('-n', staging, 'get', 'deployment', name, '-o', 'jsonpath={.metadata.generation}');
  const before = await generation();
  await inTerminal(command, copy.folder);
  assert.equal(await generation(), before, 'the same command changes nothing');
});

step('the list and the page of the service show it healthy', async () => {
  await visit(page, '/');
  const row = page.getByRole('row').filter({ hasText: name });
  await row.getByText('1/1').or(row.getByText('2/2')).waitFor();
  await row.getByText('checkout').waitFor();
  await judge(page, 'services');
  await row.getByRole('link', { name, exact: true }).click();
  await page.waitForURL(`**/services/${name}`);
  await alive(page);
  await environment('staging').getByText('of 2 pods ready').waitFor();
  await environment('production').getByText('not deployed').waitFor();
  await page.getByText('Takes orders & reserves <stock>').waitFor();
  await judge(page, 'service');
});

step('the YAML of an object is there, a secret without its values', async () => {
  await environment('staging').getByText(/YAML of \d+ objects/).click();
  await environment('staging').getByRole('link', { name: `Secret ${name}-redis` }).click();
  await page.getByRole('heading', { name: `Secret ${name}-redis` }).waitFor();
  const secret = await kubectl('-n', staging, 'get', 'secret', `${name}-redis`, '-o', 'jsonpath={.data.password}');
  const shown = await page.content();
  assert.ok(!shown.includes(secret) && !shown.includes(Buffer.from(secret, 'base64').toString()), 'the password stands nowhere on the page');
  await judge(page, 'object');
});

step('logs come live and can be filtered', async () => {
  await visit(page, `/services/${name}`);
  await environment('staging').getByRole('link', { name: 'Logs' }).click();
  await page.waitForURL('**/logs?environment=staging');
  await alive(page);
  const lines = page.locator('.log-list .row');
  await lines.filter({ hasText: 'Application startup complete' }).first().waitFor();
  const ask = async (path) => assert.match(await inCluster(staging, await pod(staging), `http://${name}:8080${path}`).catch(String), /404/);
  await ask('/first-%3Cb%3E');
  await lines.filter({ hasText: 'GET /first-' }).waitFor();
  await page.locator('.log-status', { hasText: 'none lost' }).waitFor();
  await judge(page, 'logs');
  await page.getByLabel('Filter').fill('second');
  await lines.filter({ hasText: 'Application startup complete' }).first().waitFor({ state: 'detached' });
  await ask('/third');
  await ask('/second');
  await lines.filter({ hasText: 'GET /second' }).waitFor();
  assert.equal(await lines.filter({ hasText: '/third' }).count(), 0);
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByRole('button', { name: 'Follow' }).waitFor();
  noTroubles();
});

step('a purge counts exactly, asks, and removes those keys and no other', async () => {
  await redisCli(staging, name, `eval "for i=1,12000 do redis.call('SET','session:'..i,'x') end" 0\nmset cart:1 a cart:2 b`);
  await visit(page, `/services/${name}`);
  await environment('staging').getByRole('link', { name: 'Purge Redis' }).click();
  await page.getByRole('heading', { name: new RegExp(`^Purge ${name}.* Redis on staging$`) }).waitFor();
  await judge(page, 'purge');
  await page.getByLabel('Keys matching').fill('session:*');
  await page.getByRole('button', { name: 'Count, remove nothing' }).click();
  await page.locator('.figure', { hasText: '12,000 of 12,003 keys would go' }).waitFor();
  assert.equal(await page.locator('.keys li').count(), 20);
  assert.equal((await redisCli(staging, name, 'dbsize')).trim(), '12003', 'a dry run removes nothing');
  await judge(page, 'purge-dry-run');
  await page.getByLabel('Why').fill('sessions of the old release');
  await page.getByLabel(/Type the service's name/).fill(name);
  await page.getByRole('button', { name: new RegExp(`^Remove 12,000 keys from ${name}.* Redis on staging$`) }).click();
  await page.waitForURL(/\/jobs\//);
  await alive(page);
  await page.locator('.summary', { hasText: 'done' }).waitFor();
  await page.getByText(/12,?000 keys removed/).filter({ visible: true }).first().waitFor();
  await page.getByText('Why: sessions of the old release').first().waitFor();
  await judge(page, 'purge-result');
  const left = (await redisCli(staging, name, 'keys *')).trim().split('\n').sort();
  assert.deepEqual(left, ['cart:1', 'cart:2', 'hits']);
});

step('a push is built, and the page shows it by itself', async () => {
  await visit(page, `/services/${name}`);
  await copy.write('app/service.py', (text) => text.replace('"version": VERSION}', '"version": VERSION, "greeting": "ahoy"}'));
  second = await copy.push('Greet whoever asks');
  const row = page.locator('table.builds tbody tr', { hasText: short(second) });
  await row.getByText('Greet whoever asks').waitFor();
  await row.getByText('Ada').waitFor();
  await row.getByText('built', { exact: true }).waitFor({ timeout: 60_000 });
  await environment('staging').getByText('1 newer build').waitFor();
});

step('a deploy shows object by object what would change, then its rollout live', async () => {
  await page.locator('table.builds tbody tr', { hasText: short(second) }).getByRole('link', { name: 'Deploy to staging' }).click();
  await page.getByRole('heading', { name: `Deploy ${short(second)} to staging?` }).waitFor();
  const change = page.locator('details.object', { has: page.locator('.kind', { hasText: 'Deployment' }) });
  assert.match(await change.locator('ins').allTextContents().then((lines) => lines.join('')), new RegExp(`image: "?127.0.0.1:5000/${name}@sha256:`));
  await page.getByText('Commits that come with it').waitFor();
  await page.getByText(/objects? unchanged/).waitFor();
  assert.ok(!(await page.locator('details.object .kind').allTextContents()).includes('Secret'), 'the password is kept');
  await judge(page, 'deploy-preview');
  await page.getByRole('button', { name: `Deploy ${short(second)} to staging` }).click();
  await page.waitForURL(/\/deploys\/\d+$/);
  await alive(page);
  await judge(page, 'deploy-running');
  await succeeds();
  await judge(page, 'deploy-succeeded');
  assert.equal((await answer(staging)).greeting, 'ahoy');
  await visit(page, `/services/${name}`);
  await environment('staging').locator('.version', { hasText: short(second) }).waitFor();
  noTroubles();
});

step('going back has the same preview and brings the earlier version', async () => {
  await environment('staging').getByRole('link', { name: 'Roll back to' }).click();
  await page.getByRole('heading', { name: `Roll ${name} back to` }).waitFor();
  await page.getByText('Commits that would be taken away').waitFor();
  await page.locator('details.object ins', { hasText: 'image:' }).first().waitFor();
  await judge(page, 'roll-back-preview');
  await page.getByRole('button', { name: `Roll ${name} back to` }).click();
  await succeeds();
  assert.equal((await answer(staging)).greeting, undefined);
});

step('production gets the same build in the same way', async () => {
  await visit(page, `/services/${name}`);
  await environment('production').getByRole('link', { name: 'Deploy' }).click();
  await page.waitForURL('**/deploy?environment=production');
  await judge(page, 'deploy-choose');
  await page.getByRole('row').filter({ hasText: short(second) }).getByRole('link', { name: 'What would change' }).click();
  await page.getByRole('button', { name: `Deploy ${short(second)} to production` }).click();
  await succeeds();
  assert.equal((await answer(production)).greeting, 'ahoy');
  const digest = (await fairway.build(name, second)).image.digest;
  assert.ok((await image(production)).endsWith(digest), 'production runs the digest that was built');
});

step('production says why there is no button for a purge', async () => {
  await visit(page, `/services/${name}`);
  await environment('production').getByRole('link', { name: 'Why no purge here?' }).click();
  await page.getByText('There is no button here on purpose').waitFor();
  assert.equal(await page.locator('main button.danger').count(), 0);
  await judge(page, 'purge-refused');
});

step('a restart replaces the pods', async () => {
  await visit(page, `/services/${name}`);
  const uids = async () => (await servicePods(production, name)).map(({ metadata }) => metadata.uid);
  const earlier = await uids();
  await environment('production').getByText('Restart', { exact: true }).click();
  await environment('production').getByRole('button', { name: `Restart ${name} on production` }).click();
  await until('other pods run', 60, async () => {
    const now = await uids();
    return now.length === earlier.length && !now.some((one) => earlier.includes(one));
  });
  await environment('production').getByText('2 of 2 pods ready').waitFor();
});

step('activity tells all of it, and every word of it is a filter', async () => {
  await visit(page, '/activity');
  const rows = page.locator('table.timeline tbody tr');
  const told = (await rows.allTextContents()).map((text) => text.replace(/\s+/g, ' '));
  for (const [action, where] of [['create', 'staging'], ['push', ''], ['deploy', 'staging'], ['roll back', 'staging'], ['deploy', 'production'], ['restart', 'production'], ['purge', 'staging']]) {
    assert.ok(told.some((text) => text.includes(action) && text.includes(where) && text.includes('done')), `${action} ${where} isn't in ${told.join('\n')}`);
  }
  await judge(page, 'activity');
  await rows.first().getByRole('link', { name: 'production' }).click();
  await page.waitForURL('**/activity?environment=production');
  for (const text of await rows.allTextContents()) assert.match(text, /production/);
  noTroubles();
});

step('what is not there is said to be not there', async () => {
  const response = await page.goto('/services/no-such-service');
  assert.equal(response.status(), 404);
  await page.getByText('There is no service called no-such-service').waitFor();
  await judge(page, 'not-found');
});

test('every page of the walk fits each window, and axe finds nothing on any', () => {
  assert.deepEqual(page.flaws, [], page.flaws.join('\n'));
});
