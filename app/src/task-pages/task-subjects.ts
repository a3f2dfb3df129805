import { sendCode } from '../contacts/send-code.task';
import { importFilms } from '../imports/import.task';
import { makePoster } from '../posters/make-poster.task';
import { announceNews, fetchFeed, parseFeed, storeNews } from '../news/news.tasks';
import { acceptReminders, sendReminder } from '../reminders/reminders.task';
import { countedProgress } from './task-subject';
import type { TaskSubjects } from './task-subject';

const NEWS = { href: '/news', text: 'The news' };

/** What the app's tasks are about; one that is missing here is shown by its name. */
export const TASK_SUBJECTS: TaskSubjects = {
  [fetchFeed.name]: () => ({ title: 'Fetching a news feed', link: NEWS }),
  [parseFeed.name]: () => ({ title: 'Reading a news feed', link: NEWS }),
  [storeNews.name]: () => ({ title: 'Storing news', link: NEWS }),
  [announceNews.name]: () => ({ title: 'Counting news', link: NEWS }),
  [sendCode.name]: () => ({ title: 'Code for an address', sends: { code: 'the code' } }),
  [acceptReminders.name]: () => ({ title: 'Looking for reminders that are due' }),
  [sendReminder.name]: () => ({ title: 'Reminder of a screening', sends: { message: 'the reminder' } }),
  [importFilms.name]: ({ progress }) => ({
    title: 'Import of films',
    progress: countedProgress(progress, 'rows', 'rows'),
  }),
  [makePoster.name]: ({ payload, progress }) => {
    const about = {
      title: 'Poster of a screening',
      progress: countedProgress(progress, 'done', 'pictures'),
    };
    const read = makePoster.payload.safeParse(payload);
    if (!read.success) return about;
    const { screeningId } = read.data;
    return {
      ...about,
      link: { href: `/screenings/${screeningId}`, text: 'To the screening' },
      staffLink: { href: `/staff/screenings/${screeningId}`, text: 'Back to the screening' },
    };
  },
};
