import type { OperationsCommand } from './command';
import type { OperationsContext } from './context';
import { similarTo } from '../config/similar';
import { missingError } from './exit-codes';
import { counted } from './output/amounts';
import { good, text } from './output/block';

export const pause: OperationsCommand = {
  name: 'pause',
  summary: 'Start nothing of a queue until it is resumed',
  description: 'Start nothing of a queue until it is resumed, from a second later on; what runs goes on.',
  words: { '<queue>': "the queue's name" },
  examples: ['pause imports --stage production', 'pause imports --stage local'],
  async run(context, { words: [name = ''] }) {
    const { backlog, running } = await knownQueue(context, name);
    await (await context.app()).setQueue(name, 'pause');
    return {
      data: { queue: name, paused: true },
      view: [
        text(
          good(
            `${name} is paused: of its ${counted(backlog, 'waiting task')} none starts, and ${running} that run go on.`,
          ),
        ),
        text(`Next: npx holdfast resume ${name} starts them again.`),
      ],
    };
  },
};

export const resume: OperationsCommand = {
  name: 'resume',
  summary: 'Start tasks of a paused queue again, oldest first',
  words: { '<queue>': "the queue's name" },
  examples: ['resume imports --stage production', 'resume imports --stage local'],
  async run(context, { words: [name = ''] }) {
    const { backlog } = await knownQueue(context, name);
    await (await context.app()).setQueue(name, 'resume');
    return {
      data: { queue: name, paused: false },
      view: [text(good(`${name} is open: ${counted(backlog, 'waiting task')} may start.`))],
    };
  },
};

/** The app would pause a queue that nobody uses; a person who does has mistyped another. */
async function knownQueue(context: OperationsContext, name: string): Promise<{ backlog: number; running: number }> {
  const { queues } = await (await context.app()).queues();
  const configured = context.isLocal
    ? []
    : Object.values((await context.configuration()).workers).flatMap((worker) =>
        worker.queues.map((each) => each.name),
      );
  const names = [...new Set([...queues.map((each) => each.name), ...configured])].sort();
  const found = queues.find((queue) => queue.name === name);
  if (found !== undefined) return found;
  if (names.includes(name)) return { backlog: 0, running: 0 };
  const meant = similarTo(name, names);
  throw missingError(
    `The queue is "${name}"; allowed is ${names.join(' or ')}${meant === undefined ? '' : `: write ${meant}`}.`,
  );
}
