import type { MomentProps } from '../pages/moment';
import { duration } from './amounts';

/** How long something has gone on by now; when it began on hover. */
export function Since({ at, now, time }: MomentProps) {
  return (
    <time dateTime={at.toISOString()} title={`since ${time.date(at)}, ${time.time(at)}`}>
      {duration((now.getTime() - at.getTime()) / 1000)}
    </time>
  );
}
