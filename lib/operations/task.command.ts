import type { OperationsCommand } from './command';
import { taskId } from './task-id';
import { taskView } from './task-view';

export const task: OperationsCommand = {
  name: 'task',
  summary: 'One task: state, attempts, errors, flow, what it did outside',
  words: { '<id>': "the task's id" },
  examples: [
    'task 019f9ab1-3c5e-7a3b-9d2c-6b1f0f6f5e11 --stage production',
    'task 019f9ab1-3c5e-7a3b-9d2c-6b1f0f6f5e11 --stage local --json',
  ],
  async run(context, { words: [word] }) {
    const id = taskId(word);
    const app = await context.app();
    const found = await context.terminal.during('Asking the app', () => app.task(id));
    return { data: found, view: taskView(found) };
  },
};
