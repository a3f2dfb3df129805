import { z } from 'zod';
import { defineTask } from '../tasks';

/** Makes the pictures of one uploaded poster and shows it. The file itself waits in the object store. */
export const makePoster = defineTask({
  name: 'posters.make',
  queue: 'images',
  attempts: 5,
  backoff: { firstSeconds: 1, maxSeconds: 60 },
  // The largest image takes 5 s; a worker makes one after the other, and ten may be in its hands.
  timeLimitSeconds: 180,
  keepLog: true,
  result: z.object({ format: z.string(), width: z.int(), height: z.int() }),
  payload: z.strictObject({ posterId: z.uuid(), screeningId: z.uuid() }),
});
