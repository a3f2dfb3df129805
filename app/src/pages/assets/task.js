// A task's page that follows the task: at each event it takes the parts with `data-live` from the page as it is then.

const page = document.getElementById('task');
const announcement = document.getElementById('announcement');
let said = stateWords();
let asking = false;
let askAgain = false;

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
  document.title = fresh.title;
}

/** One question at a time; what changes meanwhile is asked for afterwards. */
async function ask() {
  askAgain = asking;
  if (asking) return;
  asking = true;
  try {
    const answer = await fetch(location.href, { headers: { accept: 'text/html' } });
    if (answer.ok) {
      replaceParts(new DOMParser().parseFromString(await answer.text(), 'text/html'));
      announce();
    }
  } catch {
    // The next event asks again.
  } finally {
    asking = false;
    if (askAgain) void ask();
  }
}

if (page !== null && page.dataset.finished === undefined) {
  const events = new EventSource(`/api/tasks/${page.dataset.task}/events`);
  events.addEventListener('task', (event) => {
    if (JSON.parse(event.data).finishedAt !== null) events.close();
    void ask();
  });
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
