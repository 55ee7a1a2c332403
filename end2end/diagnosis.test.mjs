// Proves the failures that people meet, made for real on staging: each is named with Kubernetes' own words while the old version keeps serving, and a rollback heals.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Fairway, cluster, inCluster, removeManifest, servicePods, until } from './harness.mjs';
import { alive, openBrowser, openPage } from './parts/browser.mjs';

let fairway, browser;

before(async () => {
  [fairway, browser] = await Promise.all([Fairway.start(), openBrowser()]);
});
after(async () => {
  await browser?.close();
  await fairway?.remove();
});

const atStart = (code) => (copy) => copy.write('app/__main__.py', (text) => text.replace('import os\n', `import os\n\n${code}\n`));
const withResources = (yaml) => (copy) => copy.write('fairway.yaml', (text) => `${text}\nresources:\n${yaml}`);

/** What goes wrong, what is pushed for it, what happens between build and deploy, and what has to be told. */
const FAILURES = [
  {
    word: 'crash',
    cause: 'crash',
    change: atStart('def connect():\n    raise RuntimeError("no orders without a till")\n\n\nconnect()'),
    title: /crashes: exit code 1/,
    evidence: [/^1\b/, /Traceback \(most recent call last\)[\s\S]*RuntimeError: no orders without a till/],
  },
  {
    word: 'image',
    cause: 'imagePull',
    change: atStart('# An image that nobody has yet.'),
    spoil: (name, build) => removeManifest(name, build.image.digest),
    title: /image can't be pulled/,
    evidence: [/not found|manifest unknown/],
  },
  {
    word: 'memory',
    cause: 'outOfMemory',
    change: async (copy) => {
      await atStart('held = [bytearray(os.urandom(1 << 20)) for _ in range(400)]')(copy);
      await withResources('  requests:\n    memory: 32Mi\n  limits:\n    memory: 96Mi\n')(copy);
    },
    // Under cgroup v1 Kubernetes doesn't always say so, and then it was "probably" killed for it.
    title: /killed for using more memory than its limit of 96Mi/,
    evidence: [/96Mi/],
  },
  {
    word: 'place',
    cause: 'unschedulable',
    change: withResources('  requests:\n    cpu: "100"\n'),
    title: /No node takes/,
    evidence: [/0\/1 nodes are available: 1 Insufficient cpu/, /cpu 100/],
  },
  {
    word: 'ready',
    cause: 'neverReady',
    change: (copy) => copy.write('app/service.py', (text) => text.replace('async def healthz():', 'async def healthz(answer: Response):\n    answer.status_code = 503\n    return {"status": "no"}\n\n\nasync def unused():')),
    title: /never gets ready/,
    evidence: [/HTTP probe failed with statuscode: 503/],
  },
];

/** A page as words, as somebody reads it. */
async function words(address) {
  const { status, body } = await fairway.rest.get(address);
  assert.equal(status, 200, address);
  const entities = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#x27;': "'", '&#39;': "'" };
  return body.replace(/<[^>]*>/g, ' ').replace(/&(amp|lt|gt|quot|#x27|#39);/g, (entity) => entities[entity]);
}

const flat = (text) => text.replace(/\s+/g, ' ').trim();

/** Pods of a service that run and aren't leaving, and what they run. */
async function running(name) {
  const pods = await servicePods(fairway.namespaces.staging, name);
  return pods.map(({ metadata, spec, status }) => ({
    name: metadata.name,
    leaving: Boolean(metadata.deletionTimestamp),
    ready: Boolean(status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')),
    image: spec.containers[0].image,
    variables: Object.fromEntries((spec.containers[0].env ?? []).map(({ name, value }) => [name, value])),
  }));
}

/**
 * Asks the service five times a second, through its Service, from one of its pods; `stop` gives the versions that answered. A question
 * is asked again for ten seconds: on a machine that is busy, the probe of a pod may fail twice. Where no pod serves, it is for longer.
 */
function askAllTheTime(name, pod) {
  const python = `
import json, time, urllib.request
answered = time.monotonic()
while True:
    try:
        print(json.load(urllib.request.urlopen("http://${name}:8080/", timeout=3))["version"], flush=True)
        answered = time.monotonic()
    except OSError:
        if time.monotonic() - answered > 10:
            raise
    time.sleep(0.2)`;
  const args = ['--namespace', fairway.namespaces.staging, 'exec', pod, '--', 'python3', '-c', python];
  const child = spawn(path.join(cluster.BIN, 'kubectl'), args, { env: { ...process.env, KUBECONFIG: cluster.KUBECONFIG } });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (err += text));
  const ended = new Promise((resolve) => child.once('close', resolve));
  return {
    async stop() {
      assert.equal(child.exitCode, null, `a question wasn't answered: ${err}`);
      child.kill();
      await ended;
      return out.split('\n').filter(({ length }) => length === 40);
    },
  };
}

// A few at once: each of them builds an image, and runs a service that fails again and again.
describe('a new version', { concurrency: 3 }, () => {
  for (const { word, cause, change, spoil, title, evidence } of FAILURES) {
    test(`that fails by ${cause} is named, and rolled back`, async () => {
      const name = await fairway.create(word);
      const status = async () => (await fairway.rest.get(`/api/v1/services/${name}/environments/staging/diagnosis`)).body;
      const { commit: good } = await status();
      const [old] = await running(name);
      const copy = await fairway.git.clone(name);
      await change(copy);
      const bad = await copy.push(`Fail by ${cause}`);
      const build = await fairway.build(name, bad);
      await spoil?.(name, build);

      const asking = askAllTheTime(name, old.name);
      const began = await fairway.deploy(name, 'staging', build.id);
      assert.equal(began.status, 202, JSON.stringify(began.body));
      const { job, number } = began.body;
      const page = await openPage(browser, fairway);
      await page.goto(`/services/${name}/deploys/${number}`);
      await alive(page);

      // A cause may be seen that is a step of a later one; it has to be this one within half a minute after Helm is done.
      await until('Helm is done', 60, async () => (await fairway.rest.get(`/api/v1/jobs/${job}`)).body.steps[0].state === 'succeeded');
      const { findings: [finding] } = await until(`${cause} is named`, 30, async () => {
        const now = await status();
        return now.findings[0]?.cause === cause && evidence.every((fact) => now.findings[0].evidence.some(({ text }) => fact.test(text))) && now;
      });
      assert.match(finding.title, title);
      assert.match(finding.impact, new RegExp(`old version.*${good.slice(0, 7)}.*keeps serving`, 'i'));
      assert.ok(finding.path.length > 0 && finding.next.length > 10 && finding.command.length > 10, JSON.stringify(finding));
      // The same words as REST has by then: a second kill for memory may be less certain than the first.
      const told = (where, text) => until(`${where} says what REST says`, 30, async () => {
        const { findings: [now] } = await status();
        return now.cause === cause && title.test(now.title) && flat(await text()).includes(flat(now.title));
      });
      await told('the page of the deploy', () => page.locator('main').innerText());
      await told('the page of the service', () => words(`/services/${name}`));

      const failed = await fairway.job(job, 'failed');
      assert.equal(failed.steps.find(({ name }) => name === 'ready').state, 'failed');
      const versions = await asking.stop();
      assert.ok(versions.length > 3);
      assert.deepEqual([...new Set(versions)], [good], 'the old version served all the time, and it alone');
      const { body: { deploys: [deploy] } } = await fairway.rest.get(`/api/v1/services/${name}`);
      assert.deepEqual([deploy.number, deploy.state, deploy.finding?.cause], [number, 'failed', cause], JSON.stringify(deploy));
      for (const fact of evidence) assert.ok(deploy.finding.evidence.some(({ text }) => fact.test(text)), `${fact}: ${JSON.stringify(deploy.finding)}`);
      await page.locator('main').getByText(/^failed$/i).first().waitFor();

      const back = await fairway.deployed(name, 'staging', { backTo: 1 });
      assert.equal(back.rollbackOf, 1);
      // Done says that what was asked for runs; the failed pod may still be on its way out.
      const serving = (await running(name)).filter(({ ready, leaving }) => ready && !leaving);
      assert.deepEqual(serving.map(({ image }) => image), [`${back.image.repository}@${back.image.digest}`]);
      // The failed pod has half a minute to end.
      const healed = await until('it is well again', 60, async () => {
        const now = await status();
        return now.health === 'healthy' && now.findings.length === 0 && now.pods.length === 1 && now;
      });
      assert.deepEqual([healed.commit, healed.ready], [good, 1]);

      const frozen = flat(await words(`/services/${name}/deploys/${number}`));
      for (const { text } of deploy.finding.evidence) assert.ok(frozen.includes(flat(text)), `the deploy's page still tells ${text}: ${frozen}`);
      assert.deepEqual(page.troubles, []);
      await page.context().close();
    });
  }

  test('is done when its own pods serve, also where only a variable differs', async () => {
    const name = await fairway.create('done');
    const copy = await fairway.git.clone(name);
    for (const value of ['007', '1e3']) {
      await copy.write('fairway.yaml', (text) => text.replace(/^variables:[\s\S]*?\n\n/m, `variables:\n  GREETING: "${value}"\n\n`));
      const build = await fairway.build(name, await copy.push(`Greet with ${value}`));
      const deploy = await fairway.deployed(name, 'staging', build.id);
      const serving = (await running(name)).filter(({ ready, leaving }) => ready && !leaving);
      assert.deepEqual(serving.map(({ variables }) => variables.GREETING), [value], 'the pod that serves is the new one');
      assert.equal(serving[0].image, `${deploy.image.repository}@${deploy.image.digest}`);
      assert.equal(JSON.parse(await inCluster(fairway.namespaces.staging, serving[0].name, `http://${name}:8080/`)).version, build.commit.sha);
    }
  });
});
