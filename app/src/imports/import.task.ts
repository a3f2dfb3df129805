import { z } from 'zod';
import { defineTask } from '../tasks';
import { FORMATS } from './raw-row';

/** Imports one file of films. The file itself waits in the object store. */
export const importFilms = defineTask({
  name: 'films.import',
  queue: 'imports',
  attempts: 5,
  backoff: { firstSeconds: 1, maxSeconds: 300 },
  result: z.object({ rows: z.int(), imported: z.int(), refused: z.int() }),
  keepLog: true,
  // 50 MiB of the shortest rows, at the slowest that a small database was seen to write them.
  timeLimitSeconds: 900,
  payload: z.strictObject({
    objectKey: z.string(),
    format: z.enum(FORMATS),
    /** Rows in the file, counted when it was uploaded. */
    rows: z.int().min(1),
    /** When it was uploaded; what counts as a sane release date depends on it. */
    receivedAt: z.iso.datetime(),
  }),
});
