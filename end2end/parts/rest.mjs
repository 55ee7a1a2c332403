// The REST API as a script would use it.
import { request } from 'node:http';

export class Rest {
  constructor(url) {
    this.url = url;
  }

  get(path, headers = {}) {
    return this.ask('GET', path, undefined, headers);
  }

  post(path, json, headers = {}) {
    return this.ask('POST', path, JSON.stringify(json), { 'content-type': 'application/json', ...headers });
  }

  /** Any request, also ones that a browser would not make; gives status, headers and the body, parsed where it is JSON. */
  ask(method, path, body, headers = {}) {
    const { hostname, port } = new URL(this.url);
    return new Promise((resolve, reject) => {
      // A connection of its own: one that is kept may be closed by the server just when it is used again.
      const asked = request({ hostname, port, method, path, agent: false, headers: { ...headers, ...(body ? { 'content-length': Buffer.byteLength(body) } : {}) }, timeout: 60_000 }, (answer) => {
        const chunks = [];
        answer.on('data', (chunk) => chunks.push(chunk));
        answer.once('error', reject);
        answer.once('end', () => {
          const bytes = Buffer.concat(chunks);
          const json = /[/+]json$/.test((answer.headers['content-type'] ?? '').split(';')[0]);
          resolve({ status: answer.statusCode, headers: answer.headers, bytes, body: json ? JSON.parse(bytes) : bytes.toString() });
        });
      });
      asked.once('timeout', () => asked.destroy(new Error(`${method} ${path} was not answered within 60 s`)));
      asked.once('error', reject);
      asked.end(body);
    });
  }

  /** Server-sent events as they come, until the stream ends or `signal` aborts. */
  async *events(path, { lastEventId, signal } = {}) {
    const headers = { accept: 'text/event-stream', ...(lastEventId ? { 'last-event-id': lastEventId } : {}) };
    const response = await fetch(this.url + path, { headers, signal });
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body) {
      text += decoder.decode(chunk, { stream: true });
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const event = parsed(text.slice(0, end));
        text = text.slice(end + 2);
        if (event) yield event;
      }
    }
  }
}

/** One event's fields; nothing for a heartbeat. */
function parsed(block) {
  const event = {};
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const [field, value] = [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, '')];
    event[field] = field === 'data' && event.data !== undefined ? `${event.data}\n${value}` : value;
  }
  return event.data === undefined ? undefined : event;
}
