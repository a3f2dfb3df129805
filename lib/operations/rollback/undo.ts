import { copiesInsteadOf, endedRollbackOf, rolledBackOf } from '../aws/rollbacks';
import type { EndedRollback, RolledBack } from '../aws/rollbacks';
import { definitionOf, deregister } from '../aws/task-definitions';
import type { CommandResult } from '../command';
import type { OperationsContext } from '../context';
import { missingError } from '../exit-codes';
import { good, text } from '../output/block';
import { capitalised } from '../output/sentence';
import { replaceDefinitions } from './replace-definitions';
import type { RunningVersion } from './running-version';

/**
 * Runs what was deployed again, and deregisters the copies that ran instead: a copy that stays says that something else has
 * ended the rollback. Where a deploy has done so, deregistering is all that is left.
 */
export async function undo(context: OperationsContext, running: readonly RunningVersion[]): Promise<CommandResult> {
  const aws = await context.aws();
  const back = running.flatMap(({ service, definition }) => rolledBackOf(service, definition) ?? []);
  const ended = (
    await Promise.all(running.map(async ({ service, definition }) => endedRollbackOf(aws, service, definition)))
  ).flatMap((each) => each ?? []);
  if (back.length === 0 && ended.length === 0) {
    throw missingError(
      `Nothing is rolled back: ${running.map(({ process }) => process).join(', ')} run what was deployed.`,
    );
  }
  await context.terminal.confirm(`${question(back, ended)} on stage ${context.stage}?`);
  if (back.length > 0) await replaceDefinitions(context, back, { make: ({ fromArn }) => Promise.resolve(fromArn) });
  await context.terminal.during(
    'Forgetting the rollback',
    async () => {
      const copies = await Promise.all(
        back.map(async ({ fromArn }) => copiesInsteadOf(aws, await definitionOf(aws, fromArn))),
      );
      const arns = [...copies.flat().map(({ arn }) => arn), ...ended.flatMap((each) => each.copies)];
      for (const arn of arns) await deregister(aws, arn);
    },
    { unfinished: 'what was deployed runs; the same command deregisters what ran instead.' },
  );
  const undone = [
    ...back.map(({ process, from, to }) => ({ process, from: String(to), to: from })),
    ...ended.map(({ process, running: now, was }) => ({ process, from: String(was), to: String(now) })),
  ];
  return {
    data: { stage: context.stage, undone },
    view: [
      ...back.map(({ process, from }) => text(good(`${process} runs revision ${from} again, as deployed.`))),
      ...ended.map(({ process, running: now }) => text(good(`${process} keeps revision ${now}, as deployed.`))),
    ],
  };
}

function question(back: readonly RolledBack[], ended: readonly EndedRollback[]): string {
  const runs = back.map(({ process, from, to }) => `${process} ${from} instead of ${to}`).join(', ');
  const keeps = ended.map(
    ({ process, running, was }) => `${process} ${running} and forget that it was rolled back to ${was}`,
  );
  const parts = [
    ...(back.length === 0 ? [] : [`run ${runs} again`]),
    ...(ended.length === 0 ? [] : [`keep ${keeps.join(', ')}`]),
  ];
  return capitalised(parts.join(' and '));
}
