// A network between two programs, that can be cut or swallow what is sent.
import { connect, createServer } from 'node:net';

/** Stands before a port of this machine. */
export class Wire {
  state = 'whole';
  pairs = new Set();

  static async to(port) {
    const wire = new Wire();
    wire.server = createServer((here) => wire.#join(here, port));
    await new Promise((resolve) => wire.server.listen(0, '127.0.0.1', resolve));
    wire.port = wire.server.address().port;
    return wire;
  }

  #join(here, port) {
    if (this.state === 'cut') return here.destroy();
    const there = connect(port, '127.0.0.1');
    const pair = [here, there];
    this.pairs.add(pair);
    for (const [one, other] of [[here, there], [there, here]]) {
      one.on('data', (bytes) => this.state === 'whole' && other.write(bytes));
      one.on('error', () => {});
      one.on('close', () => {
        other.destroy();
        this.pairs.delete(pair);
      });
    }
  }

  /** Ends every connection; new ones are ended at once. */
  cut() {
    this.state = 'cut';
    for (const pair of this.pairs) pair.forEach((socket) => socket.destroy());
  }

  /** Connections stay and are taken, but nothing passes: a firewall that drops packets. */
  swallow() {
    this.state = 'swallowing';
  }

  /** What a swallowed connection lost doesn't come back, so those end. */
  restore() {
    const swallowed = this.state === 'swallowing';
    this.state = 'whole';
    if (swallowed) for (const pair of this.pairs) pair.forEach((socket) => socket.destroy());
  }

  close() {
    this.cut();
    this.server.close();
  }
}
