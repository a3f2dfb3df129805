import { z } from 'zod';
import { CHANNELS } from '../configuration/channels';

/** A message that was caught instead of being delivered. */
export const outboxMessage = z.object({
  id: z.string(),
  receivedAt: z.iso.datetime(),
  channel: z.enum(CHANNELS),
  /** An address of mail, or a telephone number in E.164. */
  to: z.string(),
  from: z.string(),
  subject: z.string(),
  text: z.string(),
});

export type OutboxMessage = z.output<typeof outboxMessage>;

/** What a catcher answers `GET /messages` with, newest first. */
export const outboxContent = z.object({ messages: z.array(outboxMessage) });
