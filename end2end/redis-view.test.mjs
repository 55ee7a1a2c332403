// A service's Redis can be seen everywhere, production too, and looking changes nothing: page and REST say the same, with and without JavaScript.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Fairway, kubectl, redisCli, until } from './harness.mjs';
import { judge, openBrowser, openPage, visit } from './parts/browser.mjs';

let fairway, browser, page, plain, rest, name, staging, production;

before(async () => {
  fairway = await Fairway.start();
  browser = await openBrowser();
  page = await openPage(browser, fairway);
  plain = await openPage(browser, fairway, { javaScriptEnabled: false });
  rest = fairway.rest;
  ({ staging, production } = fairway.namespaces);
  name = await fairway.create('shop', { redis: true });
  const [first] = (await rest.get(`/api/v1/services/${name}/builds`)).body;
  await fairway.deployed(name, 'production', first.id);
});
after(async () => {
  await browser?.close();
  await fairway?.remove();
});

const cli = (namespace, input) => redisCli(namespace, name, input).then((text) => text.trim());
const api = (environment) => `/api/v1/services/${name}/environments/${environment}/redis`;
const key = (text, further = '') => rest.get(`${api('staging')}/keys?key=${encodeURIComponent(text)}${further}`);
const address = (environment) => `/services/${name}/redis?environment=${environment}`;
const keyPage = (text) => `/services/${name}/redis/key?environment=staging&key=${encodeURIComponent(text)}`;
const fact = (term) => page.locator('.facts > div').filter({ has: page.locator(`dt:text-is("${term}")`) }).locator('dd');
/** What a page tells that doesn't differ from one look to the next. */
const reading = (on) => on.locator('main :is(h1, h2, dt, th, summary, .keyspace a)').allTextContents();

test('an empty Redis is told as such, by page and REST', async () => {
  const { status, body } = await rest.get(api('staging'));
  assert.equal(status, 200);
  assert.deepEqual([body.sample.total, body.sample.everyKey, body.sample.prefixes], [0, true, []]);
  assert.match(body.servers[0].version, /^(Redis 7|Valkey )/);
  assert.equal(body.servers[0].memoryLimit, 192 * 1024 * 1024);
  await visit(page, address('staging'));
  await page.getByText('Every key of database 0 was looked at: 0 keys').waitFor();
  assert.equal(await fact('Databases').innerText(), 'none holds a key');
});

test('what is in it is told exactly: prefixes, types, expiries, the largest, and how the server is', async () => {
  await cli(staging, [
    'mset cart:1 a cart:2 b cart:3 c',
    'set login:1 x ex 3000',
    'set login:2 x ex 100000',
    'rpush queue:mail one two',
    'hset profile:1 name Ada password hunter2',
    `eval "redis.call('set', 'blob', string.rep('x', 300000))" 0`,
  ].join('\n'));
  const { body } = await rest.get(api('staging'));
  const { sample } = body;
  assert.deepEqual([sample.total, sample.lookedAt, sample.everyKey], [8, 8, true]);
  assert.deepEqual(sample.prefixes.map(({ prefix, share }) => [prefix, share.keys, share.neverExpire]), [['cart:', 3, 3], ['login:', 2, 0], ['profile:', 1, 1], ['queue:', 1, 1]]);
  assert.equal(sample.other.keys, 1);
  assert.deepEqual(sample.types.map(({ type, share }) => [type, share.keys]), [['string', 6], ['hash', 1], ['list', 1]]);
  assert.deepEqual(sample.expiries.map(({ expires, share }) => [expires, share.keys]), [['hour', 1], ['week', 1], ['never', 6]]);
  assert.equal(sample.largest[0].name, 'blob');
  assert.equal(sample.largest[0].memory, Number(await cli(staging, 'memory usage blob')));
  assert.equal(body.purge, 'allowed');

  await visit(page, `/services/${name}`);
  await page.locator('#staging').getByRole('link', { name: 'Redis', exact: true }).click();
  await page.getByRole('heading', { name: `${name}'s Redis` }).waitFor();
  assert.match(await fact('Topology').innerText(), /^standalone, primary with no replicas$/);
  assert.match(await fact('At the limit').innerText(), /^volatile-lru: of the keys that expire/);
  assert.match(await fact('Databases').innerText(), /^db0 8 keys, 2 expire$/);
  const rows = page.getByRole('region', { name: 'Keys by prefix' }).getByRole('row');
  assert.match(await rows.nth(1).innerText(), /^cart:\s+3\s+38 %/);
  for (const command of await page.locator('.command code').allTextContents()) assert.match(command, /kubectl -n \S+ exec deploy\/\S+-redis -c redis -- sh -c .*redis-cli/);
  await judge(page, 'redis');
  await plain.goto(address('staging'));
  assert.deepEqual(await reading(plain), await reading(page), 'without JavaScript the same is read');
});

test('a prefix leads to its purge, counted, and the purge leads back', async () => {
  await visit(page, address('staging'));
  await page.getByRole('link', { name: 'Purge keys that begin with login:' }).click();
  await page.locator('.figure', { hasText: '2 of 8 keys would go: keys beginning with login:' }).waitFor();
  await page.getByRole('link', { name: 'See what is in it' }).click();
  await page.getByRole('heading', { name: 'Keys by prefix' }).waitFor();
});

test('a key is looked at from the list or by its name, its secrets hidden, and who looked is on record', async () => {
  await visit(page, address('staging'));
  await page.getByLabel('Name of the key').fill('profile:1');
  await page.keyboard.press('Enter');
  await page.locator('h1', { hasText: 'profile:1' }).waitFor();
  const rows = page.getByRole('region', { name: 'Value' }).getByRole('row');
  assert.match(await rows.nth(1).innerText(), /^name\s+Ada$/);
  assert.match(await rows.nth(2).innerText(), /^password\s+\[hidden\] \(a secret is hidden, 7 bytes in all\)$/);
  await judge(page, 'redis-key');
  const { body } = await key('profile:1');
  assert.deepEqual(body.elements.map(({ field, value }) => [field.text, value.text, value.hidden]), [['name', 'Ada', false], ['password', '[hidden]', true]]);
  assert.deepEqual([body.type, body.length, body.hidden, body.expiresInMilliseconds], ['hash', 2, false, null]);
  assert.doesNotMatch(JSON.stringify(body) + (await page.content()), /hunter2/);
  const looks = (await rest.get(`/api/v1/activity?service=${name}&environment=staging`)).body.filter(({ action }) => action === 'look');
  assert.deepEqual(looks.map(({ detail, outcome }) => [detail, outcome.state]), [['key profile:1', 'succeeded']], 'one look, however often within some minutes');
});

test('of a key with a secret\'s name nothing is shown, and secrets inside of others are hidden', async () => {
  await cli(staging, `set session:9 s3cr3t-value\nset doc:1 '{"user":"ada","sessionId":"s3cr3t-value"}'`);
  await visit(page, keyPage('session:9'));
  await page.getByText('Its name looks like a secret\'s').waitFor();
  assert.doesNotMatch(await page.content(), /s3cr3t-value/);
  assert.equal((await key('session:9')).body.hidden, true);
  assert.equal((await key('doc:1')).body.elements[0].value.text, '{"user":"ada","sessionId":"[hidden]"}');
});

test('names and values of any bytes are found byte for byte and shown escaped', async () => {
  await cli(staging, 'set "" "no name"\nset "u:\\x92\\xb5x\\xc0" "\\xff\\x00 <b>bold</b>"\nset "../..?a=b#c&d" dots\nset "<i>x</i>" markup\nset "a b\\n+%20" odd');
  for (const [text, value] of [['', 'no name'], ['u:\\x92\\xb5x\\xc0', '\\xff\\0 <b>bold</b>'], ['../..?a=b#c&d', 'dots'], ['<i>x</i>', 'markup'], ['a b\\n+%20', 'odd']]) {
    const { status, body } = await key(text);
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal(body.name, text);
    assert.equal(body.elements[0].value.text, value);
    await visit(page, keyPage(text));
    assert.equal(await page.locator('pre.value').innerText(), value);
    assert.equal(await page.locator('main :is(i, b)').count(), 0, 'what a key holds is never markup');
  }
  const wrong = await key('a\\q');
  assert.ok([400, 422].includes(wrong.status) && /backslash/.test(wrong.body.detail), JSON.stringify(wrong.body));
  await plain.goto(keyPage('a\\q'));
  await plain.getByRole('alert').filter({ hasText: 'A backslash begins an escape' }).waitFor();
  assert.equal((await key('nothing:here')).status, 404);
  await plain.goto(keyPage('nothing:here'));
  await plain.getByRole('alert').filter({ hasText: 'There is no key nothing:here' }).waitFor();
});

test('a long list is paged by links alone, every element once', async () => {
  await cli(staging, `eval "for i=0,249 do redis.call('rpush', 'long', i) end" 0`);
  await plain.goto(keyPage('long'));
  const seen = [];
  for (;;) {
    seen.push(...(await plain.locator('table.values tbody td:last-child code').allTextContents()));
    const next = plain.getByRole('link', { name: 'Next page' });
    if (!(await next.count())) break;
    await next.click();
  }
  assert.deepEqual(seen, Array.from({ length: 250 }, (_, index) => `${index}`));
  const second = await key('long', `&from=${(await key('long')).body.next}`);
  assert.equal(second.body.elements[0].position, '100');
  assert.ok([400, 422].includes((await key('long', '&from=x')).status));
});

test('production can be looked at, and neither purged from there nor changed by it', async () => {
  await cli(production, 'set cart:1 a\nset cart:2 b ex 1000\nconfig resetstat');
  const { body } = await rest.get(api('production'));
  assert.deepEqual([body.sample.total, body.purge], [2, 'notPurgeable']);
  await visit(page, address('staging'));
  await page.getByLabel('Environment').getByRole('link', { name: 'production' }).click();
  await page.getByRole('link', { name: 'Why no purge here?' }).waitFor();
  assert.equal(await page.getByRole('link', { name: /^Purge/ }).count(), 0);
  await page.getByRole('link', { name: 'cart:1' }).first().click();
  await page.locator('pre.value', { hasText: 'a' }).waitFor();
  const used = [...(await cli(production, 'info commandstats')).matchAll(/cmdstat_([^:]+):/g)].map(([, command]) => command);
  for (const command of used) assert.match(command, /^(auth|client.*|config\|resetstat|dbsize|getrange|info|memory\|usage|object\|\w+|ping|pttl|scan|strlen|type|command.*|hello|select)$/);
  assert.equal(await cli(production, 'dbsize'), '2');
});

test('a Redis that is away is told as such, with what to do', async () => {
  await kubectl('-n', staging, 'patch', 'deployment', `${name}-redis`, '--type=json', '-p', '[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"127.0.0.1:1/nothing:1"}]');
  const { body } = await until('the pod that can\'t start is seen', 60, async () => {
    const answer = await rest.get(api('staging'));
    return answer.status === 503 && answer;
  });
  assert.match(body.detail, /isn't running|doesn't answer/);
  await plain.goto(address('staging'));
  await plain.getByText(/isn't running|doesn't answer/).waitFor();
});

test('pages fit each window, and axe finds nothing on them', () => {
  assert.deepEqual(page.flaws, []);
  assert.deepEqual(page.troubles, []);
});
