import type { z } from 'zod';
import { refuse } from './refuse';

/** How a reader can be written to. */
export const CHANNELS = ['email', 'sms'] as const;
export type Channel = (typeof CHANNELS)[number];

/** Reads `email,sms`; the empty text names none. */
export function toChannels(value: string, context: z.RefinementCtx): Channel[] {
  const names = value
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const wrong = names.find((name) => !isChannel(name));
  if (wrong !== undefined) return refuse(context, `holds ${JSON.stringify(wrong)}; allowed are ${CHANNELS.join(', ')}`);
  return CHANNELS.filter((channel) => names.includes(channel));
}

function isChannel(name: string): name is Channel {
  return CHANNELS.some((channel) => channel === name);
}
