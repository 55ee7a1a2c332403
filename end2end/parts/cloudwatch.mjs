// CloudWatch Logs of a test's own, as moto answers for it. It is installed the first time that one is wanted.
import { execFile, spawn } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { clone } from './cluster.mjs';

const GROUP = '/aws/containerinsights/shop/application';
const REGION = 'eu-central-1';

export class CloudWatch {
  /** What Fairway's environment needs for it. */
  static variables = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_EC2_METADATA_DISABLED: 'true' };
  /** What a page calls it. */
  name = `CloudWatch Logs in ${REGION}`;
  /** Of each stream, whether its lines are brought with their whole times. */
  #streams = new Map();

  /** Starts it, and waits until it answers. */
  static async start({ freePort, until }) {
    const moto = new CloudWatch();
    const { stdout } = await promisify(execFile)(path.join(clone, 'dev/moto'), { timeout: 1_800_000, maxBuffer: 1 << 26 });
    const port = await freePort();
    moto.url = `http://127.0.0.1:${port}`;
    moto.child = spawn(stdout.trim(), ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
    moto.ended = new Promise((resolve) => moto.child.once('exit', resolve));
    await until('moto answers', 120, async () => (await fetch(`${moto.url}/moto-api/`)).ok);
    await moto.#ask('CreateLogGroup', { logGroupName: GROUP });
    return moto;
  }

  /** What stands below `[environments.history]` for it. */
  get configuration() {
    return `kind = "cloudwatch"\nregion = "${REGION}"\nendpoint = "${this.url}"\nlog_group = "${GROUP}"`;
  }

  /** Brings lines, `[nanoseconds, text]`, as Fluent Bit does: every second stream's with their whole times, the others' to the millisecond. */
  async push({ namespace, pod, container }, lines) {
    const stream = `node-1-application.var.log.containers.${pod}_${namespace}_${container}-0123456789abcdef.log`;
    if (!this.#streams.has(stream)) {
      this.#streams.set(stream, this.#streams.size % 2 === 0);
      await this.#ask('CreateLogStream', { logGroupName: GROUP, logStreamName: stream });
    }
    const whole = this.#streams.get(stream);
    const event = ([nanos, text]) => {
      const timestamp = Number(nanos / 1_000_000n);
      const time = `${new Date(timestamp).toISOString().slice(0, 19)}.${String(nanos % 1_000_000_000n).padStart(9, '0')}Z`;
      const kubernetes = { pod_name: pod, namespace_name: namespace, container_name: container };
      return { timestamp, message: JSON.stringify({ ...(whole ? { time } : {}), stream: 'stdout', log: text, kubernetes }) };
    };
    for (let first = 0; first < lines.length; first += 2000) {
      const logEvents = lines.slice(first, first + 2000).map(event);
      await this.#ask('PutLogEvents', { logGroupName: GROUP, logStreamName: stream, logEvents });
    }
  }

  async #ask(operation, body) {
    const headers = {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `Logs_20140328.${operation}`,
      authorization: `AWS4-HMAC-SHA256 Credential=test/20260101/${REGION}/logs/aws4_request, SignedHeaders=host, Signature=0`,
    };
    const answer = await fetch(this.url, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${operation}: ${answer.status} ${await answer.text()}`);
  }

  /** Ends it at once. */
  async kill() {
    this.child.kill('SIGKILL');
    await this.ended;
  }

  remove() {
    return this.kill();
  }
}
