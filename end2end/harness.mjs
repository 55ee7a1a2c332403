// A Fairway of a test's own, beside whatever else runs on this machine: on a free port, with a data folder and two namespaces that are
// made for it and removed with it. The cluster is the real one, as `cluster.env` names it.
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { cluster, clone, kubectl, removeImages, servicePods } from './parts/cluster.mjs';
import { Git } from './parts/git.mjs';
import { Rest } from './parts/rest.mjs';

export { cluster, helm, inCluster, kubectl, redisCli, registry, removeManifest, servicePods } from './parts/cluster.mjs';
export { run } from './parts/run.mjs';
export { pause };

/** Letters and digits that no other run has: names of services end with them. */
export const unique = () => (Date.now() % 2_000_000_000).toString(36) + Math.floor(Math.random() * 1296).toString(36).padStart(2, '0');

/** How many times longer than on a quiet machine something may take: who waits for what comes at last loses nothing by it. */
const PATIENCE = 3;

/** Asks until the answer is truthy, and gives it; what the last try threw or gave is told when the time is over, which is `seconds` on a quiet machine. */
export async function until(what, seconds, ask, every = 200) {
  const deadline = Date.now() + seconds * 1000 * PATIENCE;
  for (;;) {
    let last;
    try {
      last = await ask();
      if (last) return last;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) {
      throw new Error(`not within ${seconds} s: ${what}; the last answer was ${last instanceof Error ? last.stack : JSON.stringify(last)}`);
    }
    await pause(every);
  }
}

/** Those that were started and not removed yet. */
const started = new Set();

// A run that is cut short leaves nothing behind either. The test runner ends this process at once, so somebody else tidies up.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) {
  process.once(signal, () => {
    for (const fairway of started) fairway.abandon();
  });
}

export class Fairway {
  /** Names that were given to services, so that their images go with this Fairway. */
  #named = new Set();

  /** Starts one. `kubeconfig` and `path` replace the cluster's own and the search path, for a test that stands between; `namespaces` the names; `variables` more of the configuration. */
  static async start({ kubeconfig = cluster.KUBECONFIG, path: search = process.env.PATH, namespaces, variables = {} } = {}) {
    const fairway = new Fairway();
    fairway.suffix = unique();
    fairway.namespaces = namespaces ?? { staging: `fairway-test-${fairway.suffix}-staging`, production: `fairway-test-${fairway.suffix}-production` };
    fairway.data = await mkdtemp(path.join(tmpdir(), 'fairway-test-'));
    fairway.port = await freePort();
    fairway.url = `http://127.0.0.1:${fairway.port}`;
    fairway.log = path.join(fairway.data, 'fairway.log');
    fairway.rest = new Rest(fairway.url);
    fairway.git = new Git(fairway);
    const { staging, production } = fairway.namespaces;
    fairway.environment = {
      HOME: fairway.data,
      PATH: `${cluster.BIN}:${search}`,
      RUST_LOG: 'info,sqlx=warn',
      RUST_BACKTRACE: '1',
      FAIRWAY_LISTEN: `127.0.0.1:${fairway.port}`,
      FAIRWAY_DATA: path.join(fairway.data, 'data'),
      FAIRWAY_SITE: path.join(clone, 'target/site'),
      FAIRWAY_KUBERNETES_KUBECONFIG: kubeconfig,
      FAIRWAY_ENVIRONMENTS: `staging=${staging}:purgeable,production=${production}`,
      FAIRWAY_REGISTRY_ADDRESS: cluster.REGISTRY,
      FAIRWAY_REGISTRY_PLAIN_HTTP: 'true',
      FAIRWAY_BASE_IMAGES_PYTHON: cluster.BASE_PYTHON,
      FAIRWAY_BASE_IMAGES_REDIS: cluster.BASE_REDIS,
      FAIRWAY_BASE_IMAGES_GO_BUILDER: cluster.BASE_GO_BUILDER,
      FAIRWAY_BUILDER_ROOT: cluster.BUILDAH_ROOT,
      FAIRWAY_BUILDER_RUN_ROOT: cluster.BUILDAH_RUNROOT,
      FAIRWAY_BUILDER_BUILD_ARGUMENTS: `GOPROXY=${cluster.GOPROXY}`,
      FAIRWAY_BUILDER_READ_ONLY_MOUNTS: '/etc/ssl/certs:/etc/ssl/certs,/etc/resolv.conf:/etc/resolv.conf',
      FAIRWAY_HELM_PROGRAM: path.join(cluster.BIN, 'helm'),
      ...variables,
    };
    started.add(fairway);
    try {
      for (const namespace of Object.values(fairway.namespaces)) {
        await kubectl('create', 'namespace', namespace);
        await kubectl('label', 'namespace', namespace, 'fairway.dev/test=end2end');
      }
      await fairway.run();
    } catch (error) {
      await fairway.remove();
      throw error;
    }
    return fairway;
  }

  /** Runs the program; returns once it answers. */
  async run() {
    const log = await open(this.log, 'a');
    const program = process.env.FAIRWAY_PROGRAM ?? path.join(clone, 'target/debug/fairway');
    const child = spawn(program, [], { env: this.environment, stdio: ['ignore', log.fd, log.fd] });
    await log.close();
    this.child = child;
    this.ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code)));
    await until('Fairway answers', 30, async () => {
      if (child.exitCode !== null) throw new Error(`Fairway ended with ${child.exitCode}: ${await this.lastWords()}`);
      return (await fetch(`${this.url}/readyz`)).ok;
    }, 50);
  }

  /** Ends it as a crash or the machine would: at once, with no chance to tidy up. */
  async kill() {
    this.child.kill('SIGKILL');
    await this.ended;
  }

  /** Asks it to stop, and says with what it ended. */
  async stop() {
    this.child.kill('SIGTERM');
    const late = setTimeout(() => this.child.kill('SIGKILL'), 20_000);
    const ended = await this.ended;
    clearTimeout(late);
    return ended;
  }

  async lastWords(lines = 30) {
    return (await readFile(this.log, 'utf8')).trimEnd().split('\n').slice(-lines).join('\n');
  }

  /** Ends it at once, and leaves the removal of what was made for it to a process of its own. */
  abandon() {
    this.child?.kill('SIGKILL');
    const removal = '"$0" delete namespace --ignore-not-found --wait=false "$2" "$3"; rm -rf "$1"';
    const args = [path.join(cluster.BIN, 'kubectl'), this.data, ...Object.values(this.namespaces)];
    const env = { ...process.env, KUBECONFIG: cluster.KUBECONFIG };
    spawn('sh', ['-c', removal, ...args], { env, detached: true, stdio: 'ignore' }).unref();
  }

  /** Ends it and removes what was made for it. */
  async remove() {
    started.delete(this);
    if (this.child && this.child.exitCode === null && this.child.signalCode === null) await this.stop();
    const kept = process.env.FAIRWAY_TEST_LOGS;
    if (kept) await readFile(this.log).then((text) => open(path.join(kept, `fairway-${this.suffix}.log`), 'w').then((file) => file.writeFile(text).finally(() => file.close())), () => {});
    await kubectl('delete', 'namespace', ...Object.values(this.namespaces), '--ignore-not-found', '--wait=false');
    await rm(this.data, { recursive: true, force: true });
    for (const name of this.#named) await removeImages(name).catch(() => {});
  }

  /** A service's name that no other run has. */
  name(word) {
    const name = `${word}-${this.suffix}`;
    this.#named.add(name);
    return name;
  }

  /** Asks for a service and waits until it is ready on staging; gives its name. */
  async create(word, answers = {}) {
    const name = this.name(word);
    const response = await this.rest.post('/api/v1/services', this.answers(name, answers));
    if (response.status !== 202) throw new Error(`creating ${name}: ${response.status} ${JSON.stringify(response.body)}`);
    await this.job(response.body.id);
    return name;
  }

  /** Answers that are enough for a service, and what replaces them. */
  answers(name, further = {}) {
    return { name, team: 'checkout', description: '', runtime: 'python', port: '8080', replicas: '1', variables: '', redis: false, metrics: true, ...further };
  }

  /** Waits until a job has ended well, or in `state`. */
  async job(id, state = 'succeeded', seconds = 240) {
    let job;
    await until(`job ${id} has ended`, seconds, async () => {
      ({ body: job } = await this.rest.get(`/api/v1/jobs/${id}`));
      return job.state !== 'running';
    });
    if (job.state !== state) throw new Error(`job ${job.kind} of ${job.service} ${job.state}, not ${state}: ${JSON.stringify(job.steps, null, 1)}`);
    return job;
  }

  /** Waits until the commit is built; gives the build. */
  async build(name, commit, state = 'succeeded') {
    return until(`${commit} of ${name} is built`, 180, async () => {
      const { body: builds } = await this.rest.get(`/api/v1/services/${name}/builds`);
      const build = builds.find((one) => one.commit.sha === commit);
      if (build && build.state !== 'running' && build.state !== state) throw new Error(`the build ${build.state}`);
      return build?.state === state && build;
    });
  }

  /** Makes a service's process also run a Python program, from its start on; gives the build of that, which isn't deployed. */
  async alsoRunning(name, program) {
    const copy = await this.git.clone(name);
    await copy.write('app/__main__.py', (text) => text.replace('# uvicorn stops', `${program}\n# uvicorn stops`));
    return this.build(name, await copy.push('Run a program besides'));
  }

  /** Begins a deploy of a build, or back to an earlier deploy (`{ backTo }`). Where many tests run at once, the cluster may be too busy to answer, which refuses it for a moment. */
  deploy(name, environment, target) {
    const order = typeof target === 'string' ? { build: target } : target;
    return until(`a deploy of ${name} is answered`, 60, async () => {
      const answer = await this.rest.post(`/api/v1/services/${name}/environments/${environment}/deploys`, order);
      return answer.body.type !== '/problems/cluster-away' && answer;
    });
  }

  /** Deploys and waits until it has succeeded. */
  async deployed(name, environment, target) {
    const { status, body } = await this.deploy(name, environment, target);
    if (status !== 202) throw new Error(`deploying ${name}: ${status} ${JSON.stringify(body)}`);
    await this.job(body.job);
    return body;
  }

  /** Waits until a service has as many pods on staging, those that a rollout replaced being gone; gives them. */
  settled(name, number) {
    return until(`${name} has ${number} pods`, 60, async () => {
      const pods = await servicePods(this.namespaces.staging, name);
      return pods.length === number && pods;
    });
  }
}

/** A port that nobody listens on, below those that the system gives to whoever connects: no client takes it before the server does. */
export function freePort() {
  const port = randomInt(11_000, 30_000);
  return new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(freePort()));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(port)));
  });
}
