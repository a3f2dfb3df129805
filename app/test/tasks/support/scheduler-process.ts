import { createTasks } from '../../../src/tasks';
import { minutely } from './schedule-fixture';

/* A process that does nothing but run a scheduler, to be killed. */
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const [connectionString = '', name = ''] = process.argv.slice(2);
const tasks = createTasks({
  postgres: { connectionString, application_name: 'scheduler to be killed' },
  logger: quiet,
});
tasks.startScheduler({ schedules: [minutely(name)] });
