// A Loki of a test's own: the real one, on free ports, with a folder that goes with it. It is built the first time that one is wanted.
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { clone } from './cluster.mjs';

const CONFIGURATION = ({ folder, port, inner }) => ({
  auth_enabled: true,
  server: { http_listen_address: '127.0.0.1', http_listen_port: port, grpc_listen_address: '127.0.0.1', grpc_listen_port: inner, log_level: 'warn' },
  common: {
    instance_addr: '127.0.0.1',
    path_prefix: folder,
    replication_factor: 1,
    ring: { kvstore: { store: 'inmemory' } },
    storage: { filesystem: { chunks_directory: `${folder}/chunks`, rules_directory: `${folder}/rules` } },
  },
  schema_config: { configs: [{ from: '2024-01-01', store: 'tsdb', object_store: 'filesystem', schema: 'v13', index: { prefix: 'index_', period: '24h' } }] },
  ingester: { lifecycler: { min_ready_duration: '0s' } },
  // Lines of yesterday that were brought just now stand in memory only.
  querier: { query_ingesters_within: 0 },
  limits_config: { reject_old_samples: false, max_entries_limit_per_query: 100 },
  analytics: { reporting_enabled: false },
});

const TENANT = 'shop';

export class Loki {
  /** What Fairway's environment needs for it. */
  static variables = {};

  /** Starts one, and waits until it answers. */
  static async start({ freePort, until }) {
    const loki = new Loki();
    const { stdout } = await promisify(execFile)(path.join(clone, 'dev/loki'), { timeout: 1_800_000, maxBuffer: 1 << 26 });
    loki.folder = await mkdtemp(path.join(tmpdir(), 'fairway-loki-'));
    const port = await freePort();
    loki.url = `http://127.0.0.1:${port}`;
    const file = path.join(loki.folder, 'loki.yaml');
    await writeFile(file, JSON.stringify(CONFIGURATION({ folder: loki.folder, port, inner: await freePort() })));
    const log = await open(path.join(loki.folder, 'loki.log'), 'a');
    loki.child = spawn(stdout.trim(), [`-config.file=${file}`], { stdio: ['ignore', log.fd, log.fd] });
    loki.ended = new Promise((resolve) => loki.child.once('exit', resolve));
    await log.close();
    await until('Loki answers', 120, async () => (await fetch(`${loki.url}/ready`)).ok);
    return loki;
  }

  /** What a page calls it. */
  get name() {
    return `Loki at ${this.url}`;
  }

  /** What stands below `[environments.history]` for it. */
  get configuration() {
    return `kind = "loki"\nurl = "${this.url}"\ntenant = "${TENANT}"`;
  }

  /** Brings lines, `[nanoseconds, text]`, as promtail and Alloy do. */
  async push({ namespace, service, pod, container }, lines) {
    const labels = { namespace, app: service, pod, container, stream: 'stdout' };
    const body = JSON.stringify({ streams: [{ stream: labels, values: lines.map(([nanos, text]) => [String(nanos), text]) }] });
    const headers = { 'content-type': 'application/json', 'x-scope-orgid': TENANT };
    const answer = await fetch(`${this.url}/loki/api/v1/push`, { method: 'POST', headers, body });
    if (!answer.ok) throw new Error(`Loki took no lines: ${answer.status} ${await answer.text()}`);
  }

  /** Ends it at once. */
  async kill() {
    this.child.kill('SIGKILL');
    await this.ended;
  }

  async remove() {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}
