// One connection for all tabs of a browser: it follows every topic that any of them follows, and tells each what it asked for.
// A topic that can be resumed is followed once for each follower; of the others the newest message is kept for whoever comes later.
const resumable = (topic) => /^(logs|log-search)\//.test(topic);
const topics = new Map(); // name → { last, message, followers: Set of { port, number } }
const ports = new Set();
let source;
let due;
let lost = false;
let unique = 0;
let heartbeat = 15_000; // as the server says
let heardAt;

function follow(port, { follow: topic, number, after }) {
  const name = resumable(topic) ? `${topic}#${unique++}` : topic;
  const known = topics.get(name);
  const follower = { port, number };
  if (known) {
    known.followers.add(follower);
    if (known.message !== undefined) port.postMessage({ number, kind: 'message', data: known.message });
  } else {
    topics.set(name, { followers: new Set([follower]), last: after });
    reopenSoon(10);
  }
  if (lost) port.postMessage({ kind: 'lost', data: '' });
}

function stop(wanted) {
  let gone = false;
  for (const [name, topic] of topics) {
    for (const follower of topic.followers) if (wanted(follower)) topic.followers.delete(follower);
    if (!topic.followers.size) {
      topics.delete(name);
      gone = true;
    }
  }
  if (gone) reopenSoon(10);
}

function reopenSoon(milliseconds) {
  clearTimeout(due);
  due = setTimeout(reopen, milliseconds);
}

function reopen() {
  source?.close();
  source = undefined;
  if (!topics.size) return;
  const asked = [...topics].map(([name, { last }]) => `topic=${encodeURIComponent(last ? `${name}@${last}` : name)}`);
  source = new EventSource(`/events?${asked.join('&')}`);
  heardAt = Date.now();
  for (const [name, topic] of topics) source.addEventListener(name, (event) => heard(name, topic, event));
  source.addEventListener('heartbeat', ({ data }) => {
    heardAt = Date.now();
    heartbeat = Number(data);
  });
  source.onopen = () => tell(false);
  source.onerror = lose;
}

function lose() {
  source?.close();
  source = undefined;
  tell(true);
  reopenSoon(1000);
}

// A network that drops what is sent ends no connection. One that is new says something at once.
setInterval(() => {
  const beats = source?.readyState === EventSource.OPEN ? 3 : 1;
  if (source && Date.now() - heardAt > beats * heartbeat) lose();
}, 1000);

function heard(name, topic, { data, lastEventId }) {
  heardAt = Date.now();
  if (!resumable(name)) topic.message = data;
  else if (lastEventId) topic.last = lastEventId;
  for (const { port, number } of topic.followers) port.postMessage({ number, kind: 'message', data, id: lastEventId });
}

// Everybody hears when the connection breaks and when it stands again.
function tell(isLost) {
  if (lost === isLost) return;
  lost = isLost;
  for (const port of ports) port.postMessage({ kind: lost ? 'lost' : 'back', data: '' });
}

function serve(port) {
  ports.add(port);
  port.onmessage = ({ data }) => {
    if (data.follow) follow(port, data);
    else if (data.stop) stop((follower) => follower.port === port && follower.number === data.stop);
    else if (data.lock) navigator.locks.request(data.lock, () => leave(port));
  };
}

function leave(port) {
  ports.delete(port);
  stop((follower) => follower.port === port);
}

globalThis.fairwayLive = serve;
globalThis.onconnect = ({ ports: [port] }) => serve(port);
