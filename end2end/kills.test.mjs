// Proves a SIGKILL of Fairway at any step of a creation or a deploy: the next process finishes the job, with one repository, one build, one effective release.
import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { Fairway, cluster, helm, kubectl, pause, registry, until } from './harness.mjs';

/** Sends the signal `after` milliseconds into a step of the job. Gives what the record said then: the step was under way. */
async function endDuring(fairway, job, step, { after = 0, end = () => fairway.kill() } = {}) {
  const { rest } = fairway;
  const read = async () => (await rest.get(`/api/v1/jobs/${job}`)).body;
  const state = (job) => job.steps.find(({ name }) => name === step).state;
  await until(`step ${step} runs`, 120, async () => state(await read()) !== 'pending', 1);
  await pause(after);
  await end();
  await fairway.run();
  // Another process holds the lease for some seconds yet, or has gone on already; what happened stands in the events either way.
  const events = [];
  for await (const event of fairway.rest.events(`/api/v1/jobs/${job}/events`)) {
    events.push(JSON.parse(event.data));
    if (events.filter(({ type, step: of }) => type === 'stepStarted' && of === step).length === 2) return { interrupted: true, events };
    if (['succeeded', 'failed'].includes(events.at(-1).type)) break;
    // The step was done before the signal came.
    if (events.at(-1).type === 'stepSucceeded' && events.at(-1).step === step && events.filter(({ type, step: of }) => type === 'stepStarted' && of === step).length === 1) break;
  }
  return { interrupted: false, events };
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
  assert.deepEqual(history.filter(({ status }) => status.startsWith('pending')), [], told);
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

async function pushed(fairway, name) {
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
    // Rendering takes some milliseconds; whether the signal came in them is told by the record.
    for (const step of ['render', 'repository', 'build', 'release', 'ready']) {
      const { interrupted } = await endDuring(fairway, job, step);
      t.diagnostic(`creation: ${step} ${interrupted ? 'was interrupted' : 'had ended just before'}`);
    }
    await fairway.job(job);
    await exactlyOne(fairway, name);

    const commit = await pushed(fairway, name);
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
});
