// Proves seven open pages of one browser stay live at once, an eighth still loads, and a connection that died in silence is made again.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Fairway, inCluster, pause, until } from './harness.mjs';
import { alive, openBrowser, openPage, visit } from './parts/browser.mjs';
import { Wire } from './parts/wire.mjs';

let fairway, browser, name;

before(async () => {
  [fairway, browser] = await Promise.all([Fairway.start(), openBrowser()]);
  name = await fairway.create('tabs');
});
after(async () => {
  await browser?.close();
  await fairway?.remove();
});

/** Pages of one person's browser: they share its connections. */
async function openTabs(addresses) {
  const first = await openPage(browser, fairway);
  const context = first.context();
  const tabs = [first];
  while (tabs.length < addresses.length) tabs.push(await context.newPage());
  // One after the other, as a person opens them; every one waits for nothing but itself.
  for (const [at, address] of addresses.entries()) {
    await tabs[at].goto(address);
    await alive(tabs[at]);
  }
  return { context, tabs };
}

const text = (tab) => tab.locator('main').innerText();

async function eighth(context) {
  const page = await context.newPage();
  const began = Date.now();
  const response = await page.goto('/activity');
  assert.equal(response.status(), 200);
  await alive(page);
  assert.match(await text(page), new RegExp(name));
  assert.ok(Date.now() - began < 10_000, 'seven tabs leave a connection for an eighth');
  await page.close();
}

/** The names of a service's pods that are shown on its page. */
const pods = async () => (await fairway.rest.get(`/api/v1/services/${name}/environments/staging/diagnosis`)).body.pods;

/** A request that isn't found leaves a line in the service's log. */
async function write(path) {
  const [pod] = await pods();
  await assert.rejects(inCluster(fairway.namespaces.staging, pod.name, `http://127.0.0.1:8080${path}`), /404/);
}

test('seven pages of a service show a restart, each by itself', async () => {
  const { context, tabs } = await openTabs(Array(7).fill(`/services/${name}`));
  const [old] = await pods();
  for (const tab of tabs) await tab.getByText(old.name).first().waitFor();
  await eighth(context);
  assert.equal((await fairway.rest.post(`/api/v1/services/${name}/environments/staging/restarts`)).status, 202);
  const fresh = await until('the pod is replaced', 60, async () => {
    const now = await pods();
    return now.length === 1 && now[0].name !== old.name && now[0];
  });
  await Promise.all(tabs.map(async (tab, at) => {
    await tab.getByText(fresh.name).first().waitFor();
    await until(`tab ${at + 1} doesn't show the old pod any more`, 15, async () => !(await text(tab)).includes(old.name));
  }));
  await context.close();
});

test('seven different pages, logs among them, all stay live', async () => {
  const { body: service } = await fairway.rest.get(`/api/v1/services/${name}`);
  const logs = `/services/${name}/logs?environment=staging`;
  const { context, tabs } = await openTabs([logs, logs, logs, logs, '/', `/services/${name}`, `/jobs/${service.creation.id}`]);
  await eighth(context);
  const written = `/asked-by-${fairway.suffix}`;
  await write(written);
  await Promise.all(tabs.slice(0, 4).map((tab) => tab.locator('.row .text', { hasText: written }).first().waitFor()));

  const copy = await fairway.git.clone(name);
  const commit = await copy.push('Nothing new');
  const build = await fairway.build(name, commit);
  const { number } = await fairway.deployed(name, 'staging', build.id);
  const [fresh] = await until('only the new pod is left', 60, async () => {
    const now = await pods();
    return now.length === 1 && now;
  });
  await Promise.all([
    ...tabs.slice(0, 4).map((tab) => tab.locator(`.row .pod[title="${fresh.name}"]`).first().waitFor()),
    tabs[4].getByText(commit.slice(0, 7)).first().waitFor(),
    tabs[5].getByText(fresh.name).first().waitFor(),
    tabs[5].locator(`a[href="/services/${name}/deploys/${number}"]`).first().waitFor(),
  ]);
  await context.close();
});

for (const [whose, begin] of [['all tabs share', ''], ['a tab has for itself', 'delete globalThis.SharedWorker']]) {
  test(`a connection that ${whose} and that dies in silence is made again, and what came meanwhile is read once`, async (t) => {
    const wire = await Wire.to(fairway.port);
    t.after(() => wire.close());
    const url = `http://127.0.0.1:${wire.port}`;
    Object.assign(fairway.environment, { FAIRWAY_PUBLIC_URL: url, FAIRWAY_HEARTBEAT_SECONDS: '2' });
    await fairway.stop();
    await fairway.run();
    const page = await openPage(browser, { url });
    await page.addInitScript(begin);
    await visit(page, `/services/${name}/logs?environment=staging`);
    const rows = (text) => page.locator('.row .text', { hasText: text });
    const [before, meanwhile] = ['before', 'meanwhile'].map((when) => `/${when}-${wire.port}`);
    await write(before);
    await rows(before).waitFor();
    await pause(7_000);
    assert.equal(await page.locator('#lost').innerText(), '', 'a connection over which nothing happens is none that died');

    wire.swallow();
    await write(meanwhile);
    await page.locator('#lost', { hasText: 'No connection to Fairway' }).waitFor();
    await page.locator('.log-status', { hasText: 'Connection lost' }).waitFor();
    wire.restore();
    await rows(meanwhile).waitFor();
    await until('the page says nothing more of it', 10, async () => (await page.locator('#lost').innerText()) === '');
    assert.deepEqual([await rows(before).count(), await rows(meanwhile).count()], [1, 1]);
    await page.context().close();
  });
}
