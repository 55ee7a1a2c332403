// Starts the islands of a page, and gives them the live stream: one function to follow a topic, one to stop.
const { glue, wasm, worker } = document.getElementById('boot').dataset;
document.documentElement.classList.add('js');

// --- the live stream -------------------------------------------------------------------------------------------------------
// The worker that all tabs share holds one connection, since a browser opens only six to a host.
const followers = new Map();
let next = 1;
let port;

function connect() {
  if (globalThis.SharedWorker) {
    port = new SharedWorker(worker, { name: 'fairway-live' }).port;
    start();
  } else {
    // Without shared workers the same script serves this tab alone.
    const channel = new MessageChannel();
    port = channel.port1;
    import(worker).then(() => globalThis.fairwayLive(channel.port2));
    start();
  }
}

function start() {
  port.onmessage = ({ data: { number, kind, data, id } }) => {
    if (!number) return connection(kind);
    // The worker sends only as much as a tab takes.
    port.postMessage({ taken: number, length: data.length });
    followers.get(number)?.(kind, data, id ?? '');
  };
  // The worker waits for the same lock: it gets it when this page is gone, however it went.
  const lock = `fairway-${Math.random().toString(36).slice(2)}`;
  navigator.locks?.request(lock, () => {
    port.postMessage({ lock });
    return new Promise(() => {});
  });
}

// Everybody hears when the connection breaks and when it stands again; so does the reader.
function connection(kind) {
  const lost = kind === 'lost';
  document.getElementById('lost').textContent = lost ? 'No connection to Fairway: what you see may be old. Reconnecting …' : '';
  for (const heard of followers.values()) heard(kind, '', '');
}

globalThis.fairway = {
  // Where a topic can be resumed, `after` is the id of the last message that was heard.
  follow(topic, heard, after) {
    if (!port) connect();
    const number = next++;
    followers.set(number, heard);
    port.postMessage({ follow: topic, number, after });
    return number;
  },
  stop(number) {
    followers.delete(number);
    port?.postMessage({ stop: number });
  },
  copy,
};

// --- the islands -----------------------------------------------------------------------------------------------------------
async function hydrate() {
  const islands = await import(glue);
  await islands.default({ module_or_path: wasm });
  islands.hydrate();
  for (const island of document.querySelectorAll('leptos-island')) islands[island.dataset.component]?.(island);
  document.documentElement.dataset.islands = 'live';
}
hydrate();

// --- what plain pages gain -------------------------------------------------------------------------------------------------
document.addEventListener('click', ({ target }) => {
  const button = target.closest?.('button[data-copy]');
  if (button) copy(button.dataset.copy, button);
});

// Copies a text; the button that was pressed says so for a while.
async function copy(text, button) {
  await navigator.clipboard.writeText(text);
  if (!button || button.dataset.said) return;
  button.dataset.said = button.textContent;
  button.textContent = 'Copied';
  setTimeout(() => {
    button.textContent = button.dataset.said;
    delete button.dataset.said;
  }, 1500);
}

// A menu closes when something else is meant.
function closeMenus(meant) {
  for (const menu of document.querySelectorAll('details.tool[open]')) {
    if (menu.contains(meant)) continue;
    if (menu.contains(document.activeElement)) menu.firstElementChild.focus();
    menu.open = false;
  }
}
document.addEventListener('click', ({ target }) => closeMenus(target));
document.addEventListener('keydown', ({ key }) => key === 'Escape' && closeMenus());

// None goes beyond its place.
document.addEventListener('toggle', ({ target }) => {
  if (!target.matches?.('details.tool[open]')) return;
  const menu = target.lastElementChild;
  menu.style.left = '';
  const [right, end] = [menu, target.parentElement].map((element) => element.getBoundingClientRect().right);
  if (right > end) menu.style.left = `${end - right}px`;
}, true);

// A form that is on its way isn't sent again.
document.addEventListener('submit', (event) => {
  const form = event.target;
  if (form.method !== 'post') return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = 'yes';
  for (const button of form.querySelectorAll('button')) button.setAttribute('aria-disabled', 'true');
});
addEventListener('pageshow', () => {
  for (const form of document.querySelectorAll('form[data-sent]')) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll('button')) button.removeAttribute('aria-disabled');
  }
});

// A value that changed by itself is marked for a second.
const still = matchMedia('(prefers-reduced-motion: reduce)');
new MutationObserver((changes) => {
  if (still.matches || document.hidden) return;
  for (const { target } of changes) {
    const parent = target.parentElement;
    const element = parent?.closest('.state') ?? parent;
    if (element?.closest('.live') && !parent.closest('time, pre, .last, .took, .names')) {
      element.animate([{ backgroundColor: 'var(--changed)' }, { backgroundColor: 'transparent' }], 1000);
    }
  }
}).observe(document.body, { subtree: true, characterData: true });
