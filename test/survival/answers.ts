import { waitUntil } from '../../app/local/servers/wait-until';
import { statusOf } from './system/journal';
import type { Journal, JournalEntry } from './system/journal';
import type { System } from './system/system';

/** Of these requests those that were answered otherwise than allowed by a process that had to answer. */
export function wrongAnswers(
  system: System,
  entries: readonly JournalEntry[],
  allowed: ReadonlySet<string>,
): JournalEntry[] {
  const lives = new Map(system.webs.map(({ name, life }) => [name, life]));
  return entries.filter((entry) => {
    const life = lives.get(entry.entrance ?? '');
    return !allowed.has(statusOf(entry)) && (life?.owesAnswer(entry.sentAtMs, entry.endedAtMs) ?? true);
  });
}

/** Answers 503 that do not say when to come again. */
export function bareRefusals({ refusals }: Journal): JournalEntry[] {
  return refusals.filter(({ retryAfter }) => !(Number(retryAfter) > 0));
}

/**
 * Waits until every way into the app has answered 202 to a request that was sent from `sinceMs` on.
 * @returns when the last of them did so for the first time, in ms since 1970
 */
export async function acceptsAgain(
  { journal, entrances }: System,
  sinceMs: number,
  limitSeconds: number,
): Promise<number> {
  return waitUntil(
    `${entrances.map(({ name }) => name).join(' and ')} accepts again`,
    () => {
      const accepted = journal.sentBetween(sinceMs, Infinity).filter(({ status }) => status === 202);
      const firsts = entrances.map(({ name }) => accepted.find(({ entrance }) => entrance === name)?.endedAtMs);
      return firsts.every((ms) => ms !== undefined) && Math.max(...firsts);
    },
    { limitSeconds, everyMilliseconds: 50 },
  );
}
