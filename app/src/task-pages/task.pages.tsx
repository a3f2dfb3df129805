import { z } from 'zod';
import type { App } from '../http/app';
import { inTime } from '../http/deadline';
import { concernsTask } from '../http/request-log';
import type { Library } from '../library/library';
import { LibraryTime } from '../library/time';
import type { SendPage } from '../pages/page';
import type { StaffSessions } from '../staff/sessions';
import { publicTask } from '../task-api/task-view';
import { existing } from '../task-api/tasks.routes';
import type { Tasks } from '../tasks';
import { uuid } from '../validation/values';
import { TASK_SUBJECTS } from './task-subjects';
import { meaningOf } from './task-state';
import { TaskPage } from './task-page';

export interface TaskPagesDependencies {
  readonly library: Library;
  readonly send: SendPage;
  readonly sessions: StaffSessions;
  readonly tasks: Pick<Tasks, 'get'>;
}

/** How soon a browser without JavaScript asks again, in seconds. */
const REFRESH_SECONDS = 3;

/** The live page of a task: for everybody who knows its id, as `GET /api/tasks/:id` is. */
export function registerTaskPages(app: App, { library, send, sessions, tasks }: TaskPagesDependencies): void {
  const time = new LibraryTime(library.timeZone);
  app.get('/tasks/:id', { schema: { hide: true, params: z.object({ id: uuid() }) } }, async (request, reply) => {
    const { id } = request.params;
    concernsTask(request, id);
    const task = existing(await inTime(tasks.get(id)), id);
    const subject = TASK_SUBJECTS[task.name]?.(task) ?? { title: task.name };
    const staff = sessions.isStaff(request);
    return send(request, reply, {
      title: `${subject.title}: ${meaningOf(task.state)}`,
      body: <TaskPage {...{ time, subject, staff }} task={staff ? task : publicTask(task)} now={new Date()} />,
      refreshSeconds: task.finishedAt === null ? REFRESH_SECONDS : undefined,
    });
  });
}
