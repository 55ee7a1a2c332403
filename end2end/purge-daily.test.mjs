// Purges of every day: begun at their time, also where Fairway or the Redis's lock wasn't to be had just then, and never where it isn't allowed.
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Fairway, run, until } from './harness.mjs';
import { judge, openBrowser, openPage, visit } from './parts/browser.mjs';
import { purging } from './parts/purging.mjs';

let fairway, browser, page, rest, name, purges, cli, purge, fill, left, long, activity;

before(async () => {
  // So slow that a purge which holds the lock can be met, however fast the machine is.
  fairway = await Fairway.start({ variables: { FAIRWAY_PURGE_BUSY_MICROSECONDS: '1' } });
  browser = await openBrowser();
  page = await openPage(browser, fairway);
  rest = fairway.rest;
  name = await fairway.create('shop', { redis: true });
  ({ purges, cli, purge, fill, left, long, activity } = purging(fairway, name));
});
after(async () => {
  await browser?.close();
  await fairway?.remove();
});

const schedules = () => rest.get(`/api/v1/services/${name}/environments/staging/purge-schedules`).then(({ body }) => body);
const scheduled = async (id) => (await schedules()).find((one) => one.id === id);
/** A purge of every day, at a time that is far from now. */
async function daily(body) {
  const dailyAt = new Date(Date.now() + 43_200_000).toISOString().slice(11, 16);
  const made = await rest.post(purges, { dailyAt, expectedCount: 3, reason: 'a test', confirm: name, ...body });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  return made.body.id;
}
/** Makes as if its time had come so many seconds ago. */
const comesDue = (id, seconds) =>
  run('python3', ['-c', 'import sqlite3, sys\nwith sqlite3.connect(sys.argv[1], timeout=15) as db: db.execute("UPDATE purge_schedules SET next_at = ? WHERE id = ?", (int(sys.argv[3]), sys.argv[2]))', path.join(fairway.environment.FAIRWAY_DATA, 'fairway.db'), id, String(Date.now() - seconds * 1000)]);
/** What the record says of why it wasn't done, once it does. */
const refused = (reason) =>
  until(`it is on record why ${reason} wasn't done`, 30, async () => (await activity('purge')).find(({ detail, outcome }) => outcome.state === 'refused' && detail.endsWith(`Why: ${reason}`))?.outcome.reason);
const removed = async (id) => assert.equal((await rest.ask('DELETE', `/api/v1/purge-schedules/${id}`)).status, 200);

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
  const [schedule] = await schedules();
  await fairway.job(schedule.lastJob);
  assert.equal(Date.parse(schedule.nextAt) - soon.getTime(), 86_400_000, 'once a day');
  assert.match((await activity('purge'))[0].detail, /^3 keys removed: keys beginning with session:.*yesterday/);
  await page.reload();
  await row.getByRole('button', { name: 'Remove' }).click();
  await page.waitForURL(/purge\?environment=staging/);
  await row.waitFor({ state: 'detached' });
  assert.deepEqual(await schedules(), []);
  assert.deepEqual([(await activity('schedule')).length, (await activity('unschedule')).length], [1, 1]);
});

test('a purge of every day asks for what a purge asks for, and never for production', async () => {
  const asked = (body, place = purges) => rest.post(place, { dailyAt: '03:00', prefix: 'session:', expectedCount: 3, ...body });
  const answers = [await asked({}), await asked({ reason: 'a test', expectedCount: 20_000 }), await asked({ reason: 'a test', pattern: '*', prefix: undefined }), await asked({ reason: 'a test', dailyAt: '3:00' })];
  assert.deepEqual(answers.map(({ status }) => status), [422, 422, 422, 422], JSON.stringify(answers));
  const production = await asked({ reason: 'a test' }, purges.replace('staging', 'production'));
  assert.deepEqual([production.status, production.body.type], [403, '/problems/not-purgeable']);
  const made = await asked({ reason: 'a test' });
  assert.equal(made.status, 201);
  assert.equal((await rest.ask('DELETE', `/api/v1/purge-schedules/${made.body.id}`)).status, 200);
  assert.equal((await rest.ask('DELETE', `/api/v1/purge-schedules/${made.body.id}`)).status, 404);
});

test('what comes due while Fairway is away is begun when it is back, if that is within the hour', async () => {
  await fill(3);
  const id = await daily({ prefix: 'session:', reason: 'it was away' });
  await fairway.stop();
  await comesDue(id, 600);
  await fairway.run();
  await until('they go', 60, async () => (await left()) === 0);
  const { lastJob, nextAt } = await scheduled(id);
  await fairway.job(lastJob);
  assert.ok(Date.parse(nextAt) > Date.now());
  await fill(3);
  await comesDue(id, 3_700);
  assert.match(await refused('it was away'), /^Fairway wasn't running at .*; it waits for the next day/);
  assert.ok(Date.parse((await scheduled(id)).nextAt) > Date.now());
  assert.equal(await left(), 3);
  await removed(id);
});

test('where more keys match than were agreed to, none is removed that day', async () => {
  await fill(4);
  const id = await daily({ prefix: 'session:', reason: 'too many' });
  await comesDue(id, 1);
  assert.match(await refused('too many'), /4 keys match by now, more than the 3 you agreed to/);
  assert.ok(Date.parse((await scheduled(id)).nextAt) > Date.now());
  assert.equal(await left(), 4);
  await removed(id);
});

test('while another purge holds the lock, what is due waits for it, an hour at most', async () => {
  const { id: holder } = await long(200_000);
  await cli('mset early:1 1 late:1 1');
  const early = await daily({ prefix: 'early:', reason: 'in time' });
  const late = await daily({ prefix: 'late:', reason: 'in vain' });
  await Promise.all([comesDue(early, 1), comesDue(late, 3_590)]);
  assert.match(await refused('in vain'), /is purging this Redis right now/);
  assert.ok(Date.parse((await scheduled(late)).nextAt) > Date.now());
  assert.ok(Date.parse((await scheduled(early)).nextAt) < Date.now(), 'it is still due');
  assert.equal((await rest.post(`/api/v1/jobs/${holder}/stop`, {})).status, 202);
  await fairway.job(holder, 'stopped');
  await until('it is begun', 60, async () => (await scheduled(early)).lastJob);
  await fairway.job((await scheduled(early)).lastJob);
  assert.equal(await cli('exists early:1 late:1'), '1');
  await Promise.all([removed(early), removed(late)]);
});

test('where purging is no longer allowed it is refused at its time, and its page still shows and removes it', async () => {
  await fill(3);
  const id = await daily({ prefix: 'session:', reason: 'no longer' });
  const { FAIRWAY_ENVIRONMENTS } = fairway.environment;
  await fairway.stop();
  fairway.environment.FAIRWAY_ENVIRONMENTS = FAIRWAY_ENVIRONMENTS.replace(':purgeable', '');
  await comesDue(id, 1);
  await fairway.run();
  assert.match(await refused('no longer'), /isn't marked purgeable/);
  assert.equal(await left(), 3);
  await visit(page, `/services/${name}/purge?environment=staging`);
  await page.getByText('There is no button here on purpose.').waitFor();
  const row = page.getByRole('row').filter({ hasText: 'no longer' });
  await judge(page, 'purge-daily-refused');
  await row.getByRole('button', { name: 'Remove' }).click();
  await row.waitFor({ state: 'detached' });
  assert.deepEqual(await schedules(), []);
});

test('every page on the way is accessible, and no script failed', () => {
  assert.deepEqual(page.flaws, []);
});
