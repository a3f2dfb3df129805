import type { OperationsContext } from '../context';

/** Whether a worker ought to live at any time: not where each kind may scale to none. */
export async function wantsWorkers(context: OperationsContext): Promise<boolean> {
  if (context.isLocal) return true;
  const { workers } = await context.configuration();
  return Object.values(workers).some(({ scaling }) => scaling.min > 0);
}
