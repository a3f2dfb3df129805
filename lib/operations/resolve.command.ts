import { textOption } from './command';
import type { OperationsCommand } from './command';
import { usageError } from './exit-codes';
import { GAP, good, text, warning } from './output/block';
import { taskId } from './task-id';
import { taskView } from './task-view';

const OUTCOMES = ['sent', 'not-sent'];

export const resolve: OperationsCommand = {
  name: 'resolve',
  summary: 'Say whether what a parked task did outside happened',
  description:
    'Say whether what a parked task did outside happened, and let it go on: sent, it is not called again; not-sent, the next attempt calls. Find out at the receiver first.',
  words: { '<id>': "the task's id", '<outcome>': 'sent or not-sent' },
  options: { '--key <key>': 'which effect; needed where more than one is in question' },
  examples: [
    'resolve 019f9ab1-3c5e-7a3b-9d2c-6b1f0f6f5e11 sent --stage dev',
    'resolve 019f9ab1-3c5e-7a3b-9d2c-6b1f0f6f5e11 not-sent --key mail',
  ],
  async run(context, input) {
    const [word, outcome = ''] = input.words;
    const id = taskId(word);
    if (!OUTCOMES.includes(outcome)) {
      throw usageError(
        `The outcome is "${outcome}"; allowed is sent or not-sent: write the one that the receiver knows.`,
      );
    }
    const key = textOption(input, 'key');
    const task = await (await context.app()).resolve(id, { outcome, ...(key === undefined ? {} : { key }) });
    const parked = task.state === 'parked';
    return {
      data: task,
      view: [
        text(
          parked
            ? warning('Resolved; another effect is in question, so it stays parked.')
            : good('Resolved: it goes on.'),
        ),
        GAP,
        ...taskView(task),
      ],
    };
  },
};
