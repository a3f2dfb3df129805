// Refreshes the part of a page that changes, every 2 s while somebody looks at it. Nodes that stay are kept, so that
// focus, selection and what was opened stay too. Without this file the page is what it was when it was loaded.

const EVERY_MS = 2000;
const PATIENCE_MS = 8000;
const part = document.querySelector('[data-live]');
const bar = document.getElementById('live');
const state = document.getElementById('live-state');
const toggle = document.getElementById('live-toggle');
let isPaused = false;
let isLost = false;
let timer;

function keyOf(node) {
  return node.nodeType === Node.ELEMENT_NODE ? node.dataset.key || node.id : '';
}

function isSame(old, fresh) {
  return old.nodeType === fresh.nodeType && old.nodeName === fresh.nodeName && keyOf(old) === keyOf(fresh);
}

function updateAttributes(old, fresh) {
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !(name === 'open' && old.nodeName === 'DETAILS')) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

/** Makes `old` like `fresh`, touching only what differs. */
function update(old, fresh) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return;
  }
  updateAttributes(old, fresh);
  updateChildren(old, fresh);
}

function updateChildren(old, fresh) {
  let place = old.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    let found = place;
    while (found !== null && !isSame(found, wanted)) found = found.nextSibling;
    if (found === null) {
      old.insertBefore(wanted, place);
      continue;
    }
    // What lies between is gone, or comes later and is then made anew.
    while (place !== found) {
      const gone = place;
      place = place.nextSibling;
      gone.remove();
    }
    update(found, wanted);
    place = found.nextSibling;
  }
  while (place !== null) {
    const gone = place;
    place = place.nextSibling;
    gone.remove();
  }
}

/** The focus must not fall out of the page when what had it is gone. */
function keepFocus(change) {
  const focused = document.activeElement;
  const section = part.contains(focused) ? focused.closest('section') : null;
  change();
  if (section === null || focused.isConnected) return;
  const heading = (section.isConnected ? section : document).querySelector('h2, h1');
  heading?.setAttribute('tabindex', '-1');
  heading?.focus({ preventScroll: true });
}

function say(words, kind) {
  if (state.textContent !== words) state.textContent = words;
  bar.dataset.state = kind;
}

async function refresh() {
  try {
    const answer = await fetch(location.href, {
      headers: { accept: 'text/html', 'x-part': 'live' },
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (answer.redirected) return location.reload();
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html').body;
    if (isPaused || document.hidden) return;
    keepFocus(() => updateChildren(part, fresh));
    isLost = false;
    say('Live', 'live');
  } catch {
    if (!isLost) {
      const now = new Date().toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
      say(`Connection lost at ${now}; trying again`, 'lost');
    }
    isLost = true;
  }
}

async function run() {
  clearTimeout(timer);
  if (isPaused || document.hidden) return;
  await refresh();
  clearTimeout(timer);
  timer = setTimeout(() => void run(), EVERY_MS);
}

if (part !== null && bar !== null) {
  bar.hidden = false;
  say('Live', 'live');
  timer = setTimeout(() => void run(), EVERY_MS);
  document.addEventListener('visibilitychange', () => void run());
  toggle.addEventListener('click', () => {
    isPaused = !isPaused;
    toggle.textContent = isPaused ? 'Resume updates' : 'Pause updates';
    if (isPaused) say('Paused', 'paused');
    else void run();
  });
}
