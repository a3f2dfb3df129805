import { z } from 'zod';
import type { Queryable } from '../postgres/queryable';
import type { App } from '../http/app';
import { inTime } from '../http/deadline';
import { Problem } from '../http/problem';
import { LibraryTime } from '../library/time';
import { checkForm, EMPTY_FORM, Field } from '../pages/forms';
import type { FormState } from '../pages/forms';
import { Pager } from '../pages/pager';
import { redirectWithNotice } from '../pages/page';
import { PosterForm } from '../posters/poster.pages';
import { unfinishedTask } from '../posters/poster-store';
import { uuid } from '../validation/values';
import { DESCRIPTION_LENGTH, ROOM_LENGTH, screeningTexts, TITLE_LENGTH } from './screening';
import type { Screening, ScreeningContent } from './screening';
import { SCREENINGS_PER_PAGE } from './screening-store';
import type { ScreeningPage } from './screening-store';
import { listQuery } from './screenings.pages';
import { BeginningPassed } from './screenings';
import type { ScreeningPagesDependencies } from './screenings.pages';

export interface StaffScreeningPagesDependencies extends ScreeningPagesDependencies {
  readonly database: Queryable;
}

const HOME = '/staff/screenings';

/** Where staff add, change and delete screenings. */
export function registerStaffScreeningPages(app: App, dependencies: StaffScreeningPagesDependencies): void {
  const { library, send, screenings, database } = dependencies;
  const time = new LibraryTime(library.timeZone);
  const check = screeningForm(time);
  const params = z.object({ id: uuid() });

  app.get(HOME, { schema: { hide: true, querystring: listQuery } }, async (request, reply) => {
    const { query, page } = request.query;
    const found = await inTime(screenings.list(query, page));
    return send(request, reply, { title: 'Screenings for staff', body: <Table {...{ time, query, page, found }} /> });
  });

  app.get(`${HOME}/new`, { schema: { hide: true } }, (request, reply) =>
    send(request, reply, { title: 'New screening', body: <Editor time={time} form={EMPTY_FORM} /> }),
  );

  app.post(HOME, { schema: { hide: true } }, async (request, reply) => {
    const checked = check(request.body);
    if (!checked.ok) {
      const body = <Editor time={time} form={checked.form} />;
      return send(request, reply, { title: 'New screening', status: 400, body });
    }
    try {
      const created = await screenings.create(checked.value);
      return await redirectWithNotice(reply, `/screenings/${created.id}`, `“${created.title}” is in the list.`);
    } catch (error) {
      const { status, errors } = refusalOf(error);
      const body = <Editor time={time} form={{ values: textsOf(time, checked.value), errors }} />;
      return send(request, reply, { title: 'New screening', status, body });
    }
  });

  app.get(`${HOME}/:id`, { schema: { hide: true, params } }, async (request, reply) => {
    const screening = await inTime(screenings.get(request.params.id));
    const posterTask = await inTime(unfinishedTask(database, screening.id));
    const body = <Editor time={time} form={EMPTY_FORM} screening={screening} posterTask={posterTask} />;
    return send(request, reply, { title: screening.title, body });
  });

  app.post(`${HOME}/:id`, { schema: { hide: true, params } }, async (request, reply) => {
    const { id } = request.params;
    const checked = check(request.body);
    const screening = await inTime(screenings.get(id));
    if (!checked.ok) {
      const body = <Editor time={time} form={checked.form} screening={screening} />;
      return send(request, reply, { title: screening.title, status: 400, body });
    }
    const { version, ...content } = checked.value;
    // The field shows no seconds; a beginning that was left as it is must not lose them.
    const isKept = time.field(content.startsAt) === time.field(screening.startsAt);
    const { startsAt } = isKept ? screening : content;
    try {
      const changed = await screenings.change(id, version ?? 0, { ...content, startsAt });
      return await redirectWithNotice(reply, `/screenings/${id}`, `“${changed.title}” is changed.`);
    } catch (error) {
      const { status, errors } = refusalOf(error);
      // What was typed stays; sending it again overwrites knowingly.
      const form = { values: textsOf(time, content), errors };
      const body = <Editor time={time} form={form} screening={await inTime(screenings.get(id))} />;
      return send(request, reply, { title: screening.title, status, body });
    }
  });

  app.post(`${HOME}/:id/delete`, { schema: { hide: true, params } }, async (request, reply) => {
    const { title } = await inTime(screenings.get(request.params.id));
    await screenings.delete(request.params.id);
    return redirectWithNotice(reply, HOME, `“${title}” is deleted.`);
  });
}

function screeningForm(time: LibraryTime) {
  const schema = z.object({
    ...screeningTexts,
    startsAt: z
      .string('is missing')
      .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d$/, 'is no date and time')
      .refine((text) => !Number.isNaN(Date.parse(`${text}Z`)), 'is no date and time')
      .transform((text) => time.fromField(text)),
    version: z.coerce.number().int().min(1).optional(),
  });
  return (body: unknown) => checkForm(schema, body);
}

/** What the form says that is shown again. @throws what no other input would mend. */
function refusalOf(error: unknown): { readonly status: number; readonly errors: FormState['errors'] } {
  if (error instanceof BeginningPassed) {
    return { status: error.status, errors: { startsAt: 'has passed; choose a moment to come' } };
  }
  if (!(error instanceof Problem) || error.status !== 409) throw error;
  const form = 'was changed by somebody else in the meantime; check what you write over it and send again';
  return { status: error.status, errors: { form } };
}

function textsOf(time: LibraryTime, { title, description, room, startsAt }: ScreeningContent): Record<string, string> {
  return { title, description, room, startsAt: time.field(startsAt) };
}

interface TableProps {
  readonly time: LibraryTime;
  readonly query: string;
  readonly page: number;
  readonly found: ScreeningPage;
}

function Table({ time, query, page, found }: TableProps) {
  return (
    <>
      <div class="title-row">
        <h1>Screenings</h1>
        <a class="button" href={`${HOME}/new`}>
          New screening
        </a>
      </div>
      {found.items.length === 0 ? <p class="empty">Nothing is planned.</p> : null}
      <ul class="rows">
        {found.items.map((screening) => (
          <li key={screening.id}>
            <a href={`${HOME}/${screening.id}`}>{screening.title}</a>
            <span>
              {time.date(screening.startsAt)}, {time.time(screening.startsAt)}
            </span>
            <span>{screening.room}</span>
          </li>
        ))}
      </ul>
      <Pager path={HOME} query={query} page={page} pages={Math.ceil(found.total / SCREENINGS_PER_PAGE)} />
    </>
  );
}

interface EditorProps {
  readonly time: LibraryTime;
  readonly form: FormState;
  /** Absent for a new one. */
  readonly screening?: Screening;
  /** Task of the last poster that is not shown. */
  readonly posterTask?: string | undefined;
}

function Editor({ time, form, screening, posterTask }: EditorProps) {
  const value = screening === undefined ? {} : textsOf(time, screening);
  return (
    <article class="narrow">
      <h1>{screening === undefined ? 'New screening' : screening.title}</h1>
      {form.errors['form'] === undefined ? null : (
        <p class="error" role="alert">
          The screening {form.errors['form']}.
        </p>
      )}
      <form method="post" action={screening === undefined ? HOME : `${HOME}/${screening.id}`} class="card">
        {screening === undefined ? null : (
          <input type="hidden" name="version" value={form.values['version'] ?? screening.version} />
        )}
        <Field form={form} name="title" label="Title" value={value['title'] ?? ''} required maxLength={TITLE_LENGTH} />
        <Field
          form={form}
          name="startsAt"
          label="Begins"
          type="datetime-local"
          value={value['startsAt'] ?? ''}
          required
        />
        <Field form={form} name="room" label="Room" value={value['room'] ?? ''} required maxLength={ROOM_LENGTH} />
        <Field
          form={form}
          name="description"
          label="Description"
          hint="An empty line begins a new paragraph."
          type="textarea"
          value={value['description'] ?? ''}
          maxLength={DESCRIPTION_LENGTH}
        />
        <button>{screening === undefined ? 'Add the screening' : 'Save'}</button>
      </form>
      {screening === undefined ? null : <PosterForm screening={screening} unfinishedTask={posterTask} />}
      {screening === undefined ? null : (
        <form
          method="post"
          action={`${HOME}/${screening.id}/delete`}
          class="danger"
          data-confirm={`Delete “${screening.title}”?`}
        >
          <button class="danger">Delete the screening</button>
        </form>
      )}
    </article>
  );
}
