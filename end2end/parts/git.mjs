// A developer's own git, against a Fairway's repositories.
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { run } from './run.mjs';

const settings = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', '-c', 'commit.gpgsign=false', '-c', 'http.proxy=', '-c', 'advice.detachedHead=false'];

export class Git {
  constructor(fairway) {
    this.fairway = fairway;
  }

  /** Clones a service's repository into a folder of its own. */
  async clone(service) {
    const folder = await mkdtemp(path.join(this.fairway.data, `${service}-`));
    const copy = new Copy(folder);
    await copy.git('clone', '--quiet', `${this.fairway.url}/git/${service}.git`, '.');
    return copy;
  }
}

/** A developer's copy of a repository. */
export class Copy {
  constructor(folder) {
    this.folder = folder;
  }

  git(...args) {
    return this.#run(args);
  }

  /** A git command that has to fail; gives what it printed. */
  refused(...args) {
    return this.#run(args, { fails: true });
  }

  #run(args, options) {
    const env = { ...process.env, HOME: this.folder, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' };
    return run('git', [...settings, ...args], { cwd: this.folder, env, ...options });
  }

  read(file) {
    return readFile(path.join(this.folder, file), 'utf8');
  }

  /** Changes a file: `change` is its new contents, or makes them from the old ones. */
  async write(file, change) {
    const place = path.join(this.folder, file);
    const contents = typeof change === 'function' ? change(await readFile(place, 'utf8')) : change;
    await writeFile(place, contents);
  }

  /** Commits everything; gives the commit. */
  async commit(message) {
    await this.git('add', '--all');
    await this.git('commit', '--quiet', '--allow-empty', '--message', message);
    return (await this.git('rev-parse', 'HEAD')).trim();
  }

  /** Commits everything and pushes it; gives the commit. */
  async push(message) {
    const commit = await this.commit(message);
    await this.git('push', '--quiet', 'origin', 'HEAD:main');
    return commit;
  }
}
