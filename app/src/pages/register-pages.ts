import cookie from '@fastify/cookie';
import formbody from '@fastify/formbody';
import { registerAdminActions } from '../admin/admin-actions.pages';
import { registerAdminPages } from '../admin/admin.pages';
import type { PageCache } from '../cache/page-cache';
import type { Queryable } from '../postgres/queryable';
import type { App } from '../http/app';
import type { Limits } from '../http/client-limits';
import { pathOf } from '../http/path-of';
import type { Library } from '../library/library';
import type { Contacts } from '../contacts/contacts';
import { registerReminderPages } from '../reminders/reminders.pages';
import type { Reminders } from '../reminders/reminders';
import { registerNewsPages } from '../news/news.pages';
import { registerOutboxPages } from '../outbox/outbox.pages';
import type { ObjectStore } from '../objects/object-store';
import { registerPosterPages } from '../posters/poster.pages';
import { registerScreeningPages } from '../screenings/screenings.pages';
import type { Screenings } from '../screenings/screenings';
import { registerStaffScreeningPages } from '../screenings/staff-screenings.pages';
import { refuseOtherSites } from '../staff/same-origin';
import type { StaffSessions } from '../staff/sessions';
import { registerSignInPages } from '../staff/sign-in.pages';
import { registerTaskPages } from '../task-pages/task.pages';
import type { Tasks } from '../tasks';
import { serveAssets } from './assets';
import type { SendPage } from './page';

export interface PagesDependencies {
  readonly library: Library;
  readonly sessions: StaffSessions;
  readonly send: SendPage;
  readonly limits: Limits;
  readonly cache: PageCache;
  readonly screenings: Screenings;
  readonly tasks: Tasks;
  readonly contacts: Contacts;
  readonly reminders: Reminders;
  readonly outboxUrl?: string | undefined;
  readonly database: Queryable;
  readonly objects: ObjectStore;
}

/** All pages for people: first those of everybody, then those of the staff. */
export async function registerPages(root: App, dependencies: PagesDependencies): Promise<void> {
  const { sessions } = dependencies;
  await root.register(cookie);
  await serveAssets(root);
  await root.register(async (pages: App) => {
    await pages.register(formbody);
    pages.addHook('onRequest', refuseOtherSites);
    registerSignInPages(pages, dependencies);
    registerScreeningPages(pages, dependencies);
    registerNewsPages(pages, dependencies);
    registerTaskPages(pages, dependencies);
    registerReminderPages(pages, dependencies);
    const { outboxUrl } = dependencies;
    if (outboxUrl !== undefined) registerOutboxPages(pages, { ...dependencies, outboxUrl });
    await pages.register(async (staff: App) => {
      staff.addHook('onRequest', async (request, reply) => {
        if (sessions.isStaff(request)) return;
        // What a form was sent to is no page to come back to.
        const next = request.method === 'GET' ? `?next=${encodeURIComponent(pathOf(request))}` : '';
        await reply.redirect(`/sign-in${next}`, 303);
      });
      registerStaffScreeningPages(staff, dependencies);
      registerAdminPages(staff, dependencies);
      registerAdminActions(staff, dependencies);
      await registerPosterPages(staff, dependencies);
    });
  });
}
