// Each runtime of the template really builds and runs: it answers, uses its Redis, says how it is, counts, logs JSON and stops gracefully.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { Fairway, cluster, inCluster, kubectl, servicePods, until } from './harness.mjs';

let fairway, staging, python;
const services = {};

before(async () => {
  fairway = await Fairway.start();
  staging = fairway.namespaces.staging;
  // Go's image holds nothing but the program, so that of Python asks for both.
  [services.python, services.go] = await Promise.all(['python', 'go'].map((runtime) => fairway.create(runtime, { runtime, redis: true, variables: 'LOG_LEVEL=debug' })));
  python = (await pods(services.python))[0];
});
after(() => fairway?.remove());

const pods = async (name) => (await servicePods(staging, name)).map(({ metadata }) => metadata.name);
const ask = (name, path) => inCluster(staging, python, `http://${name}.${staging}.svc:8080${path}`);

/** Listens to a pod until it is asked what its container ended with: a pod that is gone can't be asked any more. */
function watchExitCodes(pod) {
  const args = ['-n', staging, 'get', 'pod', pod, '--watch', '--output', 'jsonpath={.status.containerStatuses[0].state.terminated.exitCode}{"\\n"}'];
  const watch = spawn(`${cluster.BIN}/kubectl`, args, { env: { ...process.env, KUBECONFIG: cluster.KUBECONFIG }, stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  watch.stdout.setEncoding('utf8').on('data', (more) => (text += more));
  return () => {
    watch.kill();
    return [...new Set(text.match(/^\d+$/gm))];
  };
}

for (const runtime of ['python', 'go']) {
  test(`a ${runtime} service answers, and counts in its Redis`, async () => {
    const name = services[runtime];
    const commit = (await fairway.rest.get(`/api/v1/services/${name}/builds`)).body[0].commit.sha;
    const first = JSON.parse(await ask(name, '/'));
    assert.equal(first.service, name);
    assert.equal(first.version, commit);
    assert.equal(JSON.parse(await ask(name, '/')).hits, first.hits + 1);
    assert.deepEqual(JSON.parse(await ask(name, '/healthz')), { status: 'ok', redis: 'ok' });
  });

  test(`a ${runtime} service has metrics that Prometheus finds and reads`, async () => {
    const name = services[runtime];
    assert.match(await ask(name, '/metrics'), /^http_requests_total\{[^}]*path="\/"[^}]*\} [1-9]/m);
    const annotations = JSON.parse(await kubectl('-n', staging, 'get', 'deployment', name, '-o', 'jsonpath={.spec.template.metadata.annotations}'));
    assert.equal(annotations['prometheus.io/scrape'], 'true');
    assert.equal(annotations['prometheus.io/port'], '8080');
  });

  test(`a ${runtime} service logs JSON, an object a line, with its level`, async () => {
    const name = services[runtime];
    await ask(name, '/');
    const text = (await fairway.rest.get(`/api/v1/services/${name}/environments/staging/logs`)).body;
    const entries = text.trim().split('\n').map((line) => JSON.parse(line)).filter((entry) => !entry.marker);
    assert.ok(entries.length > 1);
    for (const entry of entries) {
      const { level, message, time } = JSON.parse(entry.text);
      assert.ok(message && !Number.isNaN(Date.parse(time)), entry.text);
      assert.equal(entry.level, { warning: 'warn', critical: 'fatal' }[level.toLowerCase()] ?? level.toLowerCase());
    }
  });

  test(`a ${runtime} service stops gracefully`, async () => {
    const name = services[runtime];
    const [pod] = await pods(name);
    const exitCodes = watchExitCodes(pod);
    const begun = Date.now();
    await kubectl('-n', staging, 'delete', 'pod', pod);
    assert.ok(Date.now() - begun < 25_000, 'before Kubernetes would kill it');
    await until('another pod serves', 60, async () => (await pods(name)).every((one) => one !== pod) && (await fairway.rest.get(`/api/v1/services/${name}/environments/staging/diagnosis`)).body.health === 'healthy');
    assert.deepEqual(exitCodes(), ['0']);
    if (runtime === 'python') [python] = await pods(name);
  });
}
