// A task's page that follows the task: at each event it takes the parts with `data-live` from the page as it is then.

const page = document.getElementById('task');
const announcement = document.getElementById('announcement');
let said = stateWords();
let asking = false;
let askAgain = false;
let failures = 0;
let timer;
const PATIENCE_MS = 8000;

function stateWords() {
  const [state, reason] = ['strong', '.reason'].map((part) => document.querySelector(`.task-state ${part}`));
  return [state, reason].flatMap((part) => part?.textContent ?? []).join('. ');
}

/** For screen readers, only when the state has changed. */
function announce() {
  const words = stateWords();
  if (words === said) return;
  said = words;
  announcement.textContent = words;
}

function replaceParts(fresh) {
  for (const part of document.querySelectorAll('[data-live]')) {
    const next = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
    if (next === null || next.innerHTML === part.innerHTML || part.contains(document.activeElement)) continue;
    part.replaceChildren(...next.childNodes);
  }
  if (fresh.getElementById('task')?.dataset.finished !== undefined) page.dataset.finished = '';
  document.title = fresh.title;
}

/** One question at a time; what changes meanwhile is asked for afterwards, and one that failed is asked again. */
async function ask() {
  askAgain = asking;
  if (asking) return;
  asking = true;
  clearTimeout(timer);
  try {
    const answer = await fetch(location.href, {
      headers: { accept: 'text/html' },
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    replaceParts(new DOMParser().parseFromString(await answer.text(), 'text/html'));
    announce();
    failures = 0;
  } catch {
    timer = setTimeout(() => void ask(), pauseMs());
  } finally {
    asking = false;
    if (askAgain) void ask();
  }
}

/** 1 s, 2 s, 4 s and so on, half a minute at most. */
function pauseMs() {
  failures += 1;
  return Math.min(30_000, 500 * 2 ** failures);
}

function follow() {
  const events = new EventSource(`/api/tasks/${page.dataset.task}/events`);
  events.addEventListener('task', (event) => {
    if (JSON.parse(event.data).finishedAt !== null) events.close();
    void ask();
  });
  // Browsers connect again by themselves after a cut, but not after an answer that is none, as while a server starts.
  events.addEventListener('error', () => {
    if (events.readyState === EventSource.CLOSED) setTimeout(follow, pauseMs());
  });
}

function isUnfinished() {
  return page !== null && page.dataset.finished === undefined;
}

if (isUnfinished()) {
  follow();
  // What happened while the machine slept or had no network is not told later.
  const askAnew = () => {
    if (isUnfinished() && !document.hidden) void ask();
  };
  window.addEventListener('online', askAnew);
  document.addEventListener('visibilitychange', askAnew);
}

const UNITS = [
  [60, 'second', 1],
  [3600, 'minute', 60],
  [86_400, 'hour', 3600],
  [Infinity, 'day', 86_400],
];
const words = new Intl.RelativeTimeFormat('en-GB', { numeric: 'auto' });

setInterval(() => {
  for (const time of document.querySelectorAll('time[data-ago]')) {
    const seconds = (Date.parse(time.dateTime) - Date.now()) / 1000;
    const [, unit, length] = UNITS.find(([below]) => Math.abs(seconds) < below);
    time.textContent = words.format(Math.trunc(seconds / length), unit);
  }
}, 5000);
