import type { LibraryTime } from '../library/time';
import { duration } from './amounts';

export interface MomentProps {
  readonly at: Date;
  readonly now: Date;
  readonly time: LibraryTime;
}

/** How long ago, or in how long; the exact moment on hover. */
export function Moment({ at, now, time }: MomentProps) {
  const seconds = (at.getTime() - now.getTime()) / 1000;
  return (
    <time dateTime={at.toISOString()} title={`${time.date(at)}, ${time.time(at)}`}>
      {Math.abs(seconds) < 1 ? 'now' : seconds > 0 ? `in ${duration(seconds)}` : `${duration(-seconds)} ago`}
    </time>
  );
}

/** How long something has gone on by now; when it began on hover. */
export function Since({ at, now, time }: MomentProps) {
  return (
    <time dateTime={at.toISOString()} title={`since ${time.date(at)}, ${time.time(at)}`}>
      {duration((now.getTime() - at.getTime()) / 1000)}
    </time>
  );
}
