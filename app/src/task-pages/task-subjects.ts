import { importFilms } from '../imports/import.task';
import { countedProgress } from './task-subject';
import type { TaskSubjects } from './task-subject';

/** What the app's tasks are about; one that is missing here is shown by its name. */
export const TASK_SUBJECTS: TaskSubjects = {
  [importFilms.name]: ({ progress }) => ({
    title: 'Import of films',
    progress: countedProgress(progress, 'rows', 'rows'),
  }),
};
