import { z } from 'zod';
import { defineTask } from '../tasks';

/**
 * Sends a code to an address. A person waits for it, so it goes before all else, and is given up within minutes. The
 * payload names the contact only: payloads are shown to administrators, who are to see neither addresses nor codes.
 */
export const sendCode = defineTask({
  name: 'contacts.send-code',
  priority: 'high',
  attempts: 8,
  backoff: { firstSeconds: 2, maxSeconds: 30 },
  timeLimitSeconds: 40,
  payload: z.strictObject({ contactId: z.uuid() }),
});
