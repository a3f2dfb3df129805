import type { System } from '../system/system';
import type { Trial } from '../trial';

/** The run time tells the tasks of these requests from all others. */
export const KEYED = { count: 3, runMs: 7 };

/** Each request under a key was accepted once. @param told the ids that were answered */
export async function keyedOnce(trial: Trial, system: System, told: readonly string[], tasks: number): Promise<void> {
  const asked = new Set(told);
  trial.check(asked.size === tasks, `${tasks} tasks were asked for, ${asked.size} were acknowledged`);
  const [answer] = await system.ledger.rows<{ tasks: number }>(
    `select count(*)::int as tasks from holdfast.task where payload ->> 'runMs' = $1`,
    [String(KEYED.runMs)],
  );
  trial.check(answer!.tasks === tasks, `${tasks} tasks were asked for, ${answer!.tasks} exist`);
}
