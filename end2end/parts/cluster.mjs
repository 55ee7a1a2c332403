// The real cluster and its registry, as a terminal reaches them.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './run.mjs';

export const clone = path.resolve(fileURLToPath(import.meta.url), '../../..');
const state = path.resolve(process.env.FAIRWAY_STATE ?? path.join(clone, '.fairway'));

/** What `cluster/cluster up` wrote down: kubeconfig, registry, programs, base images. */
export const cluster = Object.fromEntries(
  readFileSync(path.join(state, 'cluster/cluster.env'), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
);

const environment = { ...process.env, KUBECONFIG: cluster.KUBECONFIG };
const program = (name) => (...args) => run(path.join(cluster.BIN, name), args, { env: environment });
export const kubectl = program('kubectl');
export const helm = program('helm');

/** Runs a shell line as it would be typed in a terminal that knows the cluster. */
export const inTerminal = (line, cwd) =>
  run('bash', ['-euc', line], { cwd, env: { ...environment, PATH: `${cluster.BIN}:${process.env.PATH}` } });

/** The pods of a service, those on their way out too. */
export async function servicePods(namespace, name) {
  const selector = `app.kubernetes.io/name=${name},app.kubernetes.io/component=service`;
  return JSON.parse(await kubectl('--namespace', namespace, 'get', 'pods', '--selector', selector, '--output', 'json')).items;
}

/** Asks a service from inside the cluster, by a pod of the same namespace; gives the body. */
export function inCluster(namespace, pod, url) {
  const python = `import urllib.request; print(urllib.request.urlopen(${JSON.stringify(url)}, timeout=3).read().decode())`;
  return kubectl('--namespace', namespace, 'exec', pod, '--', 'python3', '-c', python);
}

/** `redis-cli` in the pod of a service's Redis; `input` is what it reads, a command a line. */
export async function redisCli(namespace, service, input) {
  const secret = await kubectl('--namespace', namespace, 'get', 'secret', `${service}-redis`, '--output', 'jsonpath={.data.password}');
  const password = Buffer.from(secret, 'base64').toString();
  const args = ['--namespace', namespace, 'exec', '--stdin', `deployment/${service}-redis`, '--', 'env', `REDISCLI_AUTH=${password}`, 'redis-cli'];
  return run(path.join(cluster.BIN, 'kubectl'), args, { env: environment, input: `${input}\n` });
}

/** A request to the registry's own API. */
export const registry = (path, options) => fetch(`http://${cluster.REGISTRY}/v2/${path}`, options);

/** Removes an image by its digest, as a clean-up job that is too eager would. */
export async function removeManifest(name, digest) {
  const { status } = await registry(`${name}/manifests/${digest}`, { method: 'DELETE' });
  if (status !== 202) throw new Error(`the registry answered ${status} when ${name}@${digest} was to be removed`);
}

/** Removes every image of a service. */
export async function removeImages(name) {
  const { tags } = await (await registry(`${name}/tags/list`)).json();
  for (const tag of tags ?? []) {
    const headers = { accept: 'application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json' };
    const digest = (await registry(`${name}/manifests/${tag}`, { method: 'HEAD', headers })).headers.get('docker-content-digest');
    if (digest) await registry(`${name}/manifests/${digest}`, { method: 'DELETE' });
  }
}
