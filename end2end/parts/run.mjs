// Programs that a test starts and waits for.
import { spawn } from 'node:child_process';

/** Runs a program; gives what it printed, or throws with all of it. With `fails`, it has to fail. */
export function run(program, args, { input, fails = false, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], ...options });
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (err += text));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if ((code !== 0) !== fails) reject(new Error(`${program} ${args.join(' ')} ended with ${signal ?? code}:\n${out}${err}`));
      else resolve(fails ? out + err : out);
    });
    child.stdin.on('error', () => {});
    child.stdin.end(input ?? '');
  });
}
