import type { LibraryTime } from '../library/time';

export interface MomentProps {
  readonly time: LibraryTime;
  readonly at: Date;
  readonly now: Date;
}

/** A time as its distance from now, with the exact one on hover; task.js and live.js keep it true. */
export function Moment({ time, at, now }: MomentProps) {
  const exact = `${time.date(at)}, ${time.second(at)}`;
  return (
    <time dateTime={at.toISOString()} title={exact} data-ago="">
      {distance((at.getTime() - now.getTime()) / 1000)}
    </time>
  );
}

const RELATIVE = new Intl.RelativeTimeFormat('en-GB', { numeric: 'auto' });
const STEPS = [
  [60, 'second', 1],
  [3600, 'minute', 60],
  [86_400, 'hour', 3600],
  [Infinity, 'day', 86_400],
] as const;

/** `5 seconds ago`, `in 2 hours`. @param seconds from now; the past is negative */
export function distance(seconds: number): string {
  const [, unit, length] = STEPS.find(([below]) => Math.abs(seconds) < below) ?? STEPS[3];
  return RELATIVE.format(Math.trunc(seconds / length), unit);
}
