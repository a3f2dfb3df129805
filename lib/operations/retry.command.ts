import type { Task } from './app-api/answers';
import type { AppApi } from './app-api/app-api';
import { textOption } from './command';
import type { CommandResult, Input, OperationsCommand } from './command';
import type { OperationsContext } from './context';
import { EXIT, usageError } from './exit-codes';
import { ago, counted } from './output/amounts';
import { GAP, good, text, warning } from './output/block';
import type { Block } from './output/block';
import { taskId } from './task-id';
import { taskView } from './task-view';

const LISTED = 20;
const STATES = ['dead', 'cancelled'];

export const retry: OperationsCommand = {
  name: 'retry',
  summary: 'Queue a dead or cancelled task again, or all of a kind',
  description:
    'Queue a dead or cancelled task again with a fresh budget of attempts: one by its id, or all that a kind or a queue has, after a question. Without either it shows the dead tasks with their reasons.',
  words: { '[id]': "the task's id" },
  options: {
    '--kind <name>': 'all dead tasks of this kind',
    '--queue <name>': 'all dead tasks of this queue',
    '--state <state>': 'with --kind or --queue: dead or cancelled (default: dead)',
  },
  examples: [
    'retry --stage production',
    'retry 019f9ab1-3c5e-7a3b-9d2c-6b1f0f6f5e11 --stage production',
    'retry --kind films.import --stage production',
  ],
  async run(context, input) {
    const [word] = input.words;
    const filter = filterOf(input);
    if (word !== undefined && filter !== undefined) {
      throw usageError(
        'retry has both an id and --kind, --queue or --state; allowed is one of them: leave the other out.',
      );
    }
    const app = await context.app();
    if (word !== undefined) {
      const task = await app.retry(taskId(word));
      return { data: task, view: [text(good('Queued again.')), GAP, ...taskView(task)] };
    }
    return filter === undefined ? await listDead(app) : await retryAll(context, app, filter);
  },
};

interface Filter {
  readonly name?: string;
  readonly queue?: string;
  readonly state: string;
}

function filterOf(input: Input): Filter | undefined {
  const [name, queue, state] = ['kind', 'queue', 'state'].map((option) => textOption(input, option));
  if (state !== undefined && !STATES.includes(state)) {
    throw usageError(`--state is "${state}"; allowed is dead or cancelled: write --state dead, or leave it out.`);
  }
  if (name === undefined && queue === undefined) {
    if (state === undefined) return undefined;
    throw usageError('--state stands alone; allowed is it beside --kind or --queue: add --kind NAME.');
  }
  return { ...(name === undefined ? {} : { name }), ...(queue === undefined ? {} : { queue }), state: state ?? 'dead' };
}

async function listDead(app: AppApi): Promise<CommandResult> {
  const { items, next } = await app.tasks({ state: 'dead', limit: LISTED });
  if (items.length === 0) return { data: { dead: [], more: false }, view: [text(good('No task is dead.'))] };
  return {
    data: { dead: items, more: next !== null },
    view: [
      ...items.flatMap(deadTask),
      ...(next === null ? [] : [text(`There are more than these ${LISTED}, the newest.`)]),
      text('Next: when the cause is mended, npx holdfast retry ID, or retry --kind NAME for all of a kind.'),
    ],
  };
}

/** Not as a table: an id is half a line, and a reason wants one of its own. */
function deadTask(task: Task): Block[] {
  const when = task.finishedAt === null ? '' : `, ${ago(task.finishedAt)}`;
  return [
    { kind: 'lines', lines: [`${task.id}  ${task.name}${when}`] },
    { kind: 'text', text: warning(task.error ?? 'no reason'), start: 2, indent: 2 },
  ];
}

async function retryAll(context: OperationsContext, app: AppApi, filter: Filter): Promise<CommandResult> {
  const which = [
    ...(filter.name === undefined ? [] : [`of kind ${filter.name}`]),
    ...(filter.queue === undefined ? [] : [`on queue ${filter.queue}`]),
  ].join(' ');
  await context.terminal.confirm(`Queue all ${filter.state} tasks ${which} of stage ${context.stage} again?`);
  let changed = 0;
  let left = 0;
  let after: string | undefined;
  await context.terminal.during('Queueing tasks again', async (tell) => {
    do {
      context.signal.throwIfAborted();
      const step = await app.retryAll({ ...filter, ...(after === undefined ? {} : { after }) });
      changed += step.changed;
      left = step.left;
      after = step.next ?? undefined;
      tell(counted(changed, 'task'));
    } while (after !== undefined);
  });
  return {
    data: { ...filter, changed, left },
    view: [
      text(
        changed > 0 ? good(`${counted(changed, 'task')} queued again.`) : `There is no ${filter.state} task ${which}.`,
      ),
      ...(left > 0
        ? [text(warning(`${counted(left, 'task')} changed meanwhile or was held: do it again for them.`))]
        : []),
    ],
    exitCode: left > 0 ? EXIT.found : EXIT.done,
  };
}
