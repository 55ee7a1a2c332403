// A filter keeps the lines that it says, says what is wrong with it, and never shows what is redacted.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Fairway } from './harness.mjs';
import { inTerminal } from './parts/cluster.mjs';
import { judge, openBrowser, openPage, visit } from './parts/browser.mjs';

let fairway, name, address, browser;

/** Writes a few lines as different frameworks do, and a trace. */
const WRITING = `
import os

os.write(1, b"""\\
2026-11-25 10:00:00,000 - orders - INFO - error count 0
{"level":"info","status":200,"referer":"/x?level=error","msg":"GET /orders"}
{"level":"error","status":502,"path":"/orders/7","user":{"id":42},"msg":"upstream went away"}
level=warn msg="slow reservation" took=1520 contact=ada@example.org
2026-11-25 10:00:01,000 - orders - ERROR - reservation failed
Traceback (most recent call last):
  File "/app/stock.py", line 6, in reserve
    return stock[item]
KeyError: 'A-18'
\\x1b[31mERROR\\x1b[0m: in red <b>and bold</b>
{"msg":"it was said","who":"ada\\\\u0040example.org","said":"{\\\\"to\\\\":\\\\"b\\\\\\\\u0062@example.org\\\\"}"}
the last line of these
""")
`;

before(async () => {
  fairway = await Fairway.start({ variables: { FAIRWAY_LOGS_REDACT: 'email; /A-[0-9]+/' } });
  browser = await openBrowser();
  name = await fairway.create('filtered', { replicas: '1' });
  address = `/api/v1/services/${name}/environments/staging/logs`;
  const build = await fairway.alsoRunning(name, WRITING);
  await fairway.deployed(name, 'staging', build.id);
});
after(async () => {
  await browser?.close();
  await fairway?.remove();
});

/** The lines that a filter keeps, without what happened between them. */
async function kept(filter) {
  const { status, body } = await fairway.rest.get(`${address}?filter=${encodeURIComponent(filter)}`);
  assert.equal(status, 200, body);
  return body.split('\n').filter(Boolean).map((line) => JSON.parse(line)).filter(({ marker }) => !marker);
}

test('levels are those that lines say, and a line brings its trace', async () => {
  const errors = await kept('level:error');
  assert.deepEqual(errors.map(({ level }) => level), ['error', 'error', 'unknown', 'unknown', 'unknown', 'unknown', 'error']);
  assert.deepEqual(errors.map(({ continues = false }) => continues), [false, false, true, true, true, true, false]);
  assert.match(errors[1].text, /reservation failed/);
  assert.equal((await kept('"error count 0"'))[0].level, 'info');
  assert.deepEqual((await kept('level=error -level:error')).length, 0);
});

test('a line of a trace brings all of it, with the line that it explains', async () => {
  const whole = await kept('"in reserve"');
  assert.deepEqual(whole.map(({ level, continues = false }) => [level, continues]), [['error', false], ...Array(4).fill(['unknown', true])]);
  assert.match(whole[0].text, /reservation failed/);
  assert.match(whole[4].text, /KeyError/);
  const page = await openPage(browser, fairway);
  await visit(page, `/services/${name}/logs?environment=staging&filter=KeyError`);
  const row = page.locator('.row', { hasText: 'reservation failed' });
  assert.equal(await row.locator('.chip', { hasText: 'more lines' }).innerText(), '▸ 4 more lines, 1 matches');
  await row.locator('.text').click();
  assert.equal(await row.locator('.detail mark').innerText(), 'KeyError');
  assert.deepEqual(page.troubles, []);
});

test('fields, patterns and exclusions keep what they say', async () => {
  assert.match((await kept('status>=500 path:/orders user.id=42'))[0].text, /went away/);
  assert.equal((await kept('took>1000')).length, 1);
  assert.equal((await kept('/res(er)vation/ -level:error')).length, 1);
  assert.equal((await kept('"slow reservation" or "last line"')).length, 2);
  assert.ok((await kept('pod:no-such-pod')).length === 0);
});

test('what is redacted is hidden everywhere and cannot be asked for', async () => {
  assert.equal((await kept('ada@example.org')).length, 0);
  assert.match((await kept('slow'))[0].text, /contact=\[hidden\]/);
  assert.match((await kept('KeyError')).at(-1).text, /KeyError: '\[hidden\]'/);
});

test('what is redacted is hidden as JSON means it too', async () => {
  const said = { msg: 'it was said', who: '[hidden]', said: '{"to":"[hidden]"}' };
  assert.deepEqual(JSON.parse((await kept('"it was said"'))[0].text), said);
  assert.deepEqual(await kept('example.org'), []);
  const { body } = await fairway.rest.get(`${address}/download?format=json&filter=said`);
  const [line] = body.trim().split('\n').map((line) => JSON.parse(line)).filter(({ marker }) => !marker);
  assert.deepEqual(JSON.parse(line.text), said);
  const plain = await openPage(browser, fairway, { javaScriptEnabled: false });
  await plain.goto(`/services/${name}/logs?environment=staging&filter=said`);
  assert.match(await plain.locator('.plain-log').innerText(), /it was said who=\[hidden\] said=\{"to":"\[hidden\]"\}/);
});

test('a filter that is wrong is refused with its place', async () => {
  const { status, headers, body } = await fairway.rest.get(`${address}?filter=${encodeURIComponent('é level:loud')}`);
  assert.equal(status, 422);
  assert.equal(headers['content-type'], 'application/problem+json');
  const { type, errors, detail } = body;
  assert.equal(type, '/problems/invalid');
  assert.match(detail, /at “loud” \(character 9\)/);
  assert.deepEqual(errors.map(({ field, from, to }) => ({ field, from, to })), [{ field: 'filter', from: 8, to: 12 }]);
  assert.match(errors[0].message, /Levels are trace, debug, info/);
});

test('more of the last lines than can be held are refused at the field', async () => {
  for (const path of [address, `${address}/download`]) {
    const { status, body } = await fairway.rest.get(`${path}?tail=200001`);
    assert.equal(status, 422);
    assert.equal(body.errors[0].field, 'tail');
    assert.match(body.detail, /200000. Ask for fewer, or say from when on/);
    assert.equal((await fairway.rest.get(`${path}?tail=200000`)).status, 200);
  }
  const plain = await openPage(browser, fairway, { javaScriptEnabled: false });
  const page = `/services/${name}/logs?environment=staging`;
  assert.equal((await plain.goto(`${page}&tail=200001`)).status(), 422);
});

test('the commands say what the filter says, follow it, and name what they cannot say', async () => {
  const address = `/services/${name}/logs?environment=staging&filter=${encodeURIComponent('reservation -slow level>=warn')}`;
  const plain = await openPage(browser, fairway, { javaScriptEnabled: false });
  await plain.goto(address);
  await plain.locator('.command summary').click();
  const [kubectl, stern] = await plain.locator('.command code[tabindex]').allInnerTexts();
  assert.match(stern, /^\$ stern -n \S+ -l app\.kubernetes\.io\/name=[a-z0-9-]+,app\.kubernetes\.io\/component=service --exclude '\(\?i\)slow' --include '\(\?i\)reservation' --since=87600h$/);
  assert.match(await plain.locator('.command').innerText(), /can't say level>=warn/);
  const shown = await inTerminal(kubectl.replace('$ ', '').replace('logs -f', 'logs').replaceAll('--line-buffered ', ''), fairway.data);
  assert.match(shown, /reservation failed/);
  assert.doesNotMatch(shown, /slow|went away/);

  const page = await openPage(browser, fairway);
  await visit(page, address);
  await page.locator('.command summary').click();
  await page.locator('#filter').fill('/time(d )?out/');
  await page.locator('.command code', { hasText: "--include 'time(d )?out'" }).waitFor();
  assert.doesNotMatch(await page.locator('.command').innerText(), /can't say/);
  assert.deepEqual(page.troubles, []);
});

test('the commands show the age and the range that are asked for', async () => {
  const plain = await openPage(browser, fairway, { javaScriptEnabled: false });
  const commands = async (asked) => {
    await plain.goto(`/services/${name}/logs?environment=staging&${asked}`);
    await plain.locator('.command summary').click();
    const all = await plain.locator('.command code[tabindex]').allInnerTexts();
    return all.map((line) => line.replace('$ ', ''));
  };
  const [newest, , previous] = await commands('tail=7');
  assert.match(newest, /^kubectl -n \S+ logs -f --tail=7 /);
  assert.doesNotMatch(await inTerminal(previous, fairway.data), /error count/, 'nothing ran before');
  const [aged, stern] = await commands('since=900');
  assert.match(aged, / logs -f --since=900s --tail=-1 /);
  assert.match(stern, / --since=900s$/);

  // What a pod wrote that is gone, no command shows.
  const [{ pod }] = await kept('"error count 0"');
  // As the kubelet writes a time: with all nine digits, so that the earlier one is the smaller text.
  const written = (at) => at.replace(/(\.\d+)?Z$/, (_, fraction = '.') => `${fraction.padEnd(10, '0')}Z`);
  const all = (await kept('')).filter((line) => line.pod === pod).map(({ at }) => written(at));
  const [first, last] = [all[1], all.at(-1)];
  const [ranged] = await commands(`from=${first}&until=${last}`);
  const shown = (await inTerminal(ranged, fairway.data)).trim().split('\n').map((line) => line.split(' ')[1]);
  assert.deepEqual(shown, all.filter((at) => at >= first && at < last));
});

test('the page says at its field what is wrong, without JavaScript too, and forgets it once it is right', async (t) => {
  const wrong = `/services/${name}/logs?environment=staging&filter=${encodeURIComponent('/(/')}`;
  const plain = await openPage(browser, fairway, { javaScriptEnabled: false });
  const response = await plain.goto(wrong);
  assert.equal(response.status(), 422);
  assert.match(await plain.locator('#filter-error').innerText(), /“\/\(\/” \(character 1\): This is no regular expression: unclosed group/);
  await plain.locator('#filter').fill('level:error');
  await plain.getByRole('button', { name: 'Show', exact: true }).click();
  assert.match(await plain.locator('.plain-log').innerText(), /went away[\s\S]*reservation failed[\s\S]*KeyError/);
  assert.doesNotMatch(await plain.locator('.plain-log').innerText(), /slow reservation/);

  const page = await openPage(browser, fairway);
  await visit(page, wrong);
  const field = page.locator('#filter');
  await page.locator('#filter-error', { hasText: 'unclosed group' }).waitFor();
  assert.equal(await field.getAttribute('aria-invalid'), 'true');
  await field.fill('level:error');
  await page.locator('.row', { hasText: 'reservation failed' }).waitFor();
  assert.equal(await page.locator('#filter-error').innerText(), '');
  assert.equal(await field.getAttribute('aria-invalid'), null);
  assert.match(await page.locator('.row', { hasText: 'in red' }).innerText(), /ERROR: in red <b>and bold<\/b>/);
  await field.fill('status>=many');
  await page.locator('#filter-error', { hasText: '“many” is no number' }).waitFor();
  await page.locator('.filter-help summary').click();
  await page.locator('.filter-help dd').first().waitFor();
  await judge(page, 'log-filter');
  assert.deepEqual(page.flaws, []);
  assert.deepEqual(page.troubles, []);
});
