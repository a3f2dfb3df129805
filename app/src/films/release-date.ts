const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** The oldest film that is preserved, Roundhay Garden Scene, was shot on this day; ISO 8601. */
export const EARLIEST_RELEASE = '1888-10-14';

/** How far ahead films are announced, in years. Dates beyond are two-digit years read as the wrong century. */
export const ANNOUNCED_YEARS = 5;

export const releaseDateForms = 'written Jun 12 1998 or 1998-06-12';

/** @returns the date in ISO 8601, or undefined when `text` is in neither form or not a day of the calendar. */
export function parseReleaseDate(text: string): string | undefined {
  const words = /^([A-Z][a-z]{2}) (\d{1,2}) (\d{4})$/.exec(text);
  if (words !== null) return calendarDay(Number(words[3]), MONTHS.indexOf(words[1] ?? '') + 1, Number(words[2]));
  const iso = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  return iso === null ? undefined : calendarDay(Number(iso[1]), Number(iso[2]), Number(iso[3]));
}

/** The last release date that an import received at `receivedAt` may hold; ISO 8601. */
export function latestRelease(receivedAt: Date): string {
  const latest = new Date(receivedAt);
  latest.setUTCFullYear(latest.getUTCFullYear() + ANNOUNCED_YEARS);
  return latest.toISOString().slice(0, 10);
}

function calendarDay(year: number, month: number, day: number): string | undefined {
  const date = new Date(Date.UTC(year, month - 1, day));
  const exists = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return exists ? date.toISOString().slice(0, 10) : undefined;
}
