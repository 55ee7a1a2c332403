// Proves a SIGKILL of Fairway at any step of a creation or a deploy: the next process finishes the job, with one repository, one build, one effective release.
import assert from 'node:assert/strict';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { Fairway, helm, kubectl, pause, registry, until } from './harness.mjs';

/** Ends Fairway `after` milliseconds into a step of the job and starts it again. Waits until the step is done again; gives whether it had to be. */
async function endDuring(fairway, job, step, { after = 0, end = () => fairway.kill() } = {}) {
  const state = async () => (await fairway.rest.get(`/api/v1/jobs/${job}`)).body.steps.find(({ name }) => name === step).state;
  // Rendering and the repository take some milliseconds.
  await until(`step ${step} runs`, 120, async () => (await state()) !== 'pending', ['render', 'repository'].includes(step) ? 1 : 25);
  await pause(after);
  await end();
  await fairway.run();
  const running = new Date();
  let starts = 0;
  for await (const { data } of fairway.rest.events(`/api/v1/jobs/${job}/events`)) {
    const event = JSON.parse(data);
    if (event.type === 'stepStarted' && event.step === step) starts += 1;
    if (starts === 2) return { interrupted: true, waited: new Date(event.at) - running };
    if (['succeeded', 'failed'].includes(event.type) || (event.type === 'stepSucceeded' && event.step === step)) break;
  }
  return { interrupted: false };
}

/** Ends Fairway and every program that it runs, at once: as if the machine had lost its power. */
async function crash(fairway) {
  const { pid } = fairway.child;
  const threads = await readdir(`/proc/${pid}/task`);
  const lists = await Promise.all(threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/children`, 'utf8').catch(() => '')));
  const children = lists.join(' ').split(/\s+/).filter(Boolean);
  fairway.child.kill('SIGKILL');
  for (const child of children) {
    try {
      // Each leads a group of its own.
      process.kill(-Number(child), 'SIGKILL');
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
    }
  }
  await fairway.ended;
}

/** Reads a job's events to its good end, resuming after the last one whenever the stream breaks. */
async function story(fairway, job) {
  const events = [];
  while (events.at(-1)?.type !== 'succeeded') {
    try {
      for await (const { id, data } of fairway.rest.events(`/api/v1/jobs/${job}/events`, { lastEventId: events.at(-1)?.sequence })) {
        events.push(JSON.parse(data));
        assert.equal(Number(id), events.at(-1).sequence);
      }
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      await pause(50);
    }
  }
  return events;
}

/** Of a service that was created and then deployed `more` times to staging: one of everything, and `more` times one more. */
async function exactlyOne(fairway, name, more = 0) {
  const namespace = fairway.namespaces.staging;
  const copy = await fairway.git.clone(name);
  const commits = (await copy.git('rev-list', 'HEAD')).trim().split('\n');
  assert.equal(commits.length, 1 + more, `${name} has one commit for its creation and one for each push`);

  const { body: builds } = await fairway.rest.get(`/api/v1/services/${name}/builds`);
  assert.deepEqual(builds.map(({ commit, state }) => [commit.sha, state]), commits.map((commit) => [commit, 'succeeded']), `${name} has one build of each commit`);
  const { tags } = await (await registry(`${name}/tags/list`)).json();
  assert.deepEqual(tags.toSorted(), commits.toSorted(), `the registry has one image of each commit of ${name}`);

  const { body: service } = await fairway.rest.get(`/api/v1/services/${name}`);
  assert.deepEqual(service.deploys.map(({ number, state }) => [number, state]), Array.from({ length: 1 + more }, (_, at) => [1 + more - at, 'succeeded']));

  const history = JSON.parse(await helm('history', name, '--namespace', namespace, '--output', 'json'));
  const told = JSON.stringify(history, null, 1);
  // Helm alone writes its history, and never changes what an interrupted revision says of itself; the next one finishes it.
  for (const [at, { revision, status }] of history.entries()) {
    if (status.startsWith('pending')) assert.match(history[at + 1]?.description ?? 'nothing', new RegExp(`^Finishes revision ${revision},`), told);
  }
  assert.equal(history.filter(({ status }) => status === 'deployed').length, 1, told);
  assert.equal(history.at(-1).status, 'deployed', told);
  for (const deploy of service.deploys) {
    const done = history.filter(({ description, status }) => description.includes(deploy.id) && ['deployed', 'superseded'].includes(status));
    assert.equal(done.length, 1, `deploy ${deploy.number} of ${name} is one revision of Helm's: ${told}`);
    assert.equal(done[0].revision, deploy.revision, 'and the record names it');
  }
  const releases = JSON.parse(await helm('list', '--namespace', namespace, '--filter', `^${name}$`, '--output', 'json'));
  assert.deepEqual(releases.map(({ name, status }) => [name, status]), [[name, 'deployed']]);

  // Nobody's pods were replaced twice for one deploy.
  const sets = JSON.parse(await kubectl('--namespace', namespace, 'get', 'replicasets', '--selector', `app.kubernetes.io/name=${name},app.kubernetes.io/component=service`, '--output', 'json')).items;
  assert.equal(sets.length, 1 + more, `${name} has one ReplicaSet a deploy`);
  const image = service.deploys[0].image;
  const serving = sets.filter(({ status }) => status.readyReplicas > 0);
  assert.deepEqual(serving.map((set) => set.spec.template.spec.containers[0].image), [`${image.repository}@${image.digest}`]);
}

async function begin(fairway, word, answers) {
  const name = fairway.name(word);
  const { status, body } = await fairway.rest.post('/api/v1/services', fairway.answers(name, answers));
  assert.equal(status, 202, JSON.stringify(body));
  return { name, job: body.id };
}

/** Pushes a change and waits for its build. */
async function pushed(fairway, name) {
  const commit = await push(fairway, name);
  return fairway.build(name, commit);
}

async function push(fairway, name) {
  const copy = await fairway.git.clone(name);
  await copy.write('app/__init__.py', `"""The service, changed ${Math.random()}."""\n`);
  return copy.push('Change it');
}

/** The job that builds a commit. */
async function buildJob(fairway, name, commit) {
  const activity = await until(`the push of ${commit} is on record`, 30, async () => {
    const { body } = await fairway.rest.get(`/api/v1/activity?service=${name}`);
    return body.find(({ action, detail }) => action === 'push' && detail.startsWith(commit.slice(0, 7)));
  }, 5);
  return activity.job;
}

describe('killed', { concurrency: true }, () => {
  test('at the beginning of each step of a creation, and then of a deploy', async (t) => {
    const fairway = await Fairway.start();
    t.after(() => fairway.remove());
    const { name, job } = await begin(fairway, 'each', { redis: true });
    const told = story(fairway, job);
    for (const step of ['render', 'repository', 'build', 'release', 'ready']) {
      const { interrupted } = await endDuring(fairway, job, step);
      t.diagnostic(`creation: ${step} ${interrupted ? 'was interrupted' : 'had ended just before'}`);
    }
    await fairway.job(job);
    const events = await told;
    assert.deepEqual(events.map(({ sequence }) => sequence), events.map((_, at) => at + 1), 'who follows the job misses nothing and reads nothing twice');
    await exactlyOne(fairway, name);

    const commit = await push(fairway, name);
    await endDuring(fairway, await buildJob(fairway, name, commit), 'build');
    const build = await fairway.build(name, commit);
    const { body: deploy } = await fairway.deploy(name, 'staging', build.id);
    for (const step of ['release', 'ready']) {
      const { interrupted } = await endDuring(fairway, deploy.job, step);
      assert.ok(interrupted, `${step} was interrupted`);
    }
    await fairway.job(deploy.job);
    await exactlyOne(fairway, name, 1);
  });

  test('in the middle of builds and of Helm, with all that it runs', async (t) => {
    const fairway = await Fairway.start();
    t.after(() => fairway.remove());
    const end = () => crash(fairway);
    const services = await Promise.all(['one', 'two', 'three'].map((word) => begin(fairway, word)));
    await endDuring(fairway, services[0].job, 'build', { after: 200, end });
    await endDuring(fairway, services[1].job, 'release', { after: 500, end });
    await endDuring(fairway, services[2].job, 'ready', { after: 500, end });
    await Promise.all(services.map(({ job }) => fairway.job(job)));
    for (const { name } of services) await exactlyOne(fairway, name);

    const rounds = [400, 1_000];
    for (const after of rounds) {
      const builds = await Promise.all(services.map(({ name }) => pushed(fairway, name)));
      const deploys = await Promise.all(services.map(({ name }, at) => fairway.deploy(name, 'staging', builds[at].id)));
      for (const { status, body } of deploys) assert.equal(status, 202, JSON.stringify(body));
      const { interrupted } = await endDuring(fairway, deploys[0].body.job, 'release', { after, end });
      t.diagnostic(`Helm ${interrupted ? 'was interrupted' : 'had ended'} after ${after} ms`);
      await Promise.all(deploys.map(({ body }) => fairway.job(body.job)));
    }
    for (const { name } of services) await exactlyOne(fairway, name, rounds.length);
  });

  test('after a failure, a retry goes on from it', async (t) => {
    const fairway = await Fairway.start();
    t.after(() => fairway.remove());
    const broken = path.join(fairway.data, 'broken-builder');
    await writeFile(broken, '#!/bin/sh\necho "no space left on device" >&2\nexit 125\n', { mode: 0o755 });
    await fairway.stop();
    fairway.environment.FAIRWAY_BUILDER_PROGRAM = broken;
    await fairway.run();
    const { name, job } = await begin(fairway, 'again');
    const failed = await fairway.job(job, 'failed');
    assert.deepEqual(failed.steps.map(({ state }) => state), ['succeeded', 'succeeded', 'failed', 'pending', 'pending']);
    assert.match(failed.steps[2].error, /no space left on device/);
    await fairway.kill();
    delete fairway.environment.FAIRWAY_BUILDER_PROGRAM;
    await fairway.run();
    const retries = await Promise.all([1, 2].map(() => fairway.rest.post(`/api/v1/jobs/${job}/retries`)));
    assert.deepEqual(retries.map(({ status }) => status).toSorted(), [202, 409], 'two clicks are one retry');
    await fairway.job(job);
    await exactlyOne(fairway, name);

    // Asked to stop, it gives its jobs back: the next one needn't wait until a lease of ten seconds is over.
    const end = async () => assert.equal(await fairway.stop(), 0);
    const atOnce = async (job, step, after) => {
      const { interrupted, waited } = await endDuring(fairway, job, step, { after, end });
      assert.ok(interrupted, `${step} was interrupted`);
      assert.ok(waited < 5_000, `${step} went on ${waited} ms after Fairway was back`);
    };
    const build = await pushed(fairway, name);
    const { body: deploy } = await fairway.deploy(name, 'staging', build.id);
    await atOnce(deploy.job, 'release', 400);
    await atOnce(deploy.job, 'ready', 100);
    await fairway.job(deploy.job);
    await exactlyOne(fairway, name, 1);
  });
});
