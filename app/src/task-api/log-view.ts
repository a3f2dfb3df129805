import { z } from 'zod';
import type { LogPage } from '../tasks';

export const logPageSchema = z
  .object({
    lines: z.array(
      z.object({
        id: z.string(),
        attempt: z.int(),
        at: z.iso.datetime(),
        level: z.enum(['debug', 'info', 'warn', 'error']),
        message: z.string(),
        fields: z.unknown().describe('As logged; null when there were none'),
      }),
    ),
    next: z.string().nullable(),
  })
  .meta({ id: 'TaskLog' });

export function viewLog({ lines, next }: LogPage): z.output<typeof logPageSchema> {
  return {
    lines: lines.map(({ id, attempt, at, level, message, fields }) => ({
      ...{ id, attempt, level, message },
      at: at.toISOString(),
      fields: fields ?? null,
    })),
    next,
  };
}
