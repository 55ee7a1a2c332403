// One connection for all tabs of a browser: it follows every topic that any of them follows, and tells each what it asked for.
// A topic that can be resumed is followed once for each follower; of the others the newest message is kept for whoever comes later.
const resumable = (topic) => /^(logs|log-search)\//.test(topic);
// How many characters of a topic may wait for a tab that is asleep or slow. What follows is asked for again once it has heard those.
const WAITING = 8_000_000;
const topics = new Map(); // name → { last, message, followers: Set }
const ports = new Map(); // port → its followers by their numbers: { port, number, name, waiting, behind }
let source;
let due;
let lost = false;
let unique = 0;
let heartbeat = 15_000; // as the server says
let heardAt;

function follow(port, { follow: topic, number, after }) {
  const name = resumable(topic) ? `${topic}#${unique++}` : topic;
  const known = topics.get(name);
  const follower = { port, number, name, waiting: 0, behind: false };
  ports.get(port)?.set(number, follower);
  if (known) {
    known.followers.add(follower);
    if (known.message !== undefined) send(follower, known.message);
  } else {
    topics.set(name, { followers: new Set([follower]), last: after });
    reopenSoon(10);
  }
  if (lost) port.postMessage({ kind: 'lost', data: '' });
}

function stop(port, number) {
  const follower = ports.get(port)?.get(number);
  if (!follower) return;
  ports.get(port).delete(number);
  const { followers } = topics.get(follower.name);
  followers.delete(follower);
  if (followers.size) return;
  topics.delete(follower.name);
  reopenSoon(10);
}

function reopenSoon(milliseconds) {
  clearTimeout(due);
  due = setTimeout(reopen, milliseconds);
}

function reopen() {
  source?.close();
  source = undefined;
  const wanted = [...topics].filter(([name, { followers }]) => !resumable(name) || ![...followers][0].behind);
  if (!wanted.length) return;
  const asked = wanted.map(([name, { last }]) => `topic=${encodeURIComponent(last ? `${name}@${last}` : name)}`);
  source = new EventSource(`/events?${asked.join('&')}`);
  heardAt = Date.now();
  for (const [name, topic] of wanted) source.addEventListener(name, (event) => heard(name, topic, event));
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
  const again = resumable(name);
  if (!again) topic.message = data;
  for (const follower of topic.followers) {
    if (follower.behind) continue;
    // What has no id yet would begin again; of what isn't resumed, only the newest is worth sending.
    if (again ? topic.last && follower.waiting > WAITING : follower.waiting) {
      follower.behind = true;
      if (again) reopenSoon(10);
      continue;
    }
    if (again && lastEventId) topic.last = lastEventId;
    send(follower, data, lastEventId);
  }
}

function send(follower, data, id) {
  const { port, number } = follower;
  follower.waiting += data.length;
  port.postMessage({ number, kind: 'message', data, id });
}

// A tab has heard a message. Once it has heard all that waited, it gets what it missed.
function taken(port, { taken: number, length }) {
  const follower = ports.get(port)?.get(number);
  if (!follower) return;
  follower.waiting -= length;
  if (follower.waiting || !follower.behind) return;
  follower.behind = false;
  if (resumable(follower.name)) reopenSoon(10);
  else send(follower, topics.get(follower.name).message);
}

// Everybody hears when the connection breaks and when it stands again.
function tell(isLost) {
  if (lost === isLost) return;
  lost = isLost;
  for (const port of ports.keys()) port.postMessage({ kind: lost ? 'lost' : 'back', data: '' });
}

function serve(port) {
  ports.set(port, new Map());
  port.onmessage = ({ data }) => {
    if (data.follow) follow(port, data);
    else if (data.taken) taken(port, data);
    else if (data.stop) stop(port, data.stop);
    else if (data.lock) navigator.locks.request(data.lock, () => leave(port));
  };
}

function leave(port) {
  for (const number of ports.get(port)?.keys() ?? []) stop(port, number);
  ports.delete(port);
}

globalThis.fairwayLive = serve;
globalThis.onconnect = ({ ports: [port] }) => serve(port);
