import { z } from 'zod';

/** Refuses the value; `message` continues the sentence `NAME …`. */
export function refuse(context: z.RefinementCtx, message: string): never {
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
}
