import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { CHANNELS } from '../configuration/channels';
import { ADDRESS_RULES, normalAddress } from '../contacts/address';
import { CODE_MINUTES } from '../contacts/code';
import type { Contact } from '../contacts/contact-store';
import type { Contacts } from '../contacts/contacts';
import { code } from '../contacts/contacts.routes';
import type { App } from '../http/app';
import type { Limits } from '../http/client-limits';
import { inTime } from '../http/deadline';
import { Problem } from '../http/problem';
import type { Library } from '../library/library';
import { LibraryTime } from '../library/time';
import { checkForm, EMPTY_FORM, Field } from '../pages/forms';
import type { FormState } from '../pages/forms';
import { redirectWithNotice } from '../pages/page';
import type { SendPage } from '../pages/page';
import type { Screening } from '../screenings/screening';
import type { Screenings } from '../screenings/screenings';
import { uuid } from '../validation/values';
import type { Reminders } from './reminders';
import { SignUp } from './sign-up';

export interface ReminderPagesDependencies {
  readonly library: Library;
  readonly send: SendPage;
  readonly limits: Limits;
  readonly screenings: Screenings;
  readonly contacts: Contacts;
  readonly reminders: Reminders;
}

const addressForm = z
  .object({ channel: z.enum(CHANNELS, 'is not chosen'), address: z.string('is missing').min(1, 'is missing') })
  .refine(({ channel, address }) => normalAddress(channel, address) !== undefined, {
    path: ['address'],
    error: (issue) => `This is not ${ADDRESS_RULES[(issue.input as { channel: 'email' | 'sms' }).channel]}`,
  });
/** A mail program's form holds one short field. */
const BUTTON_BYTES = 4096;
const codeForm = z.object({ code });
const ofScreening = z.object({ id: uuid() });
const ofContact = z.object({ id: uuid(), contactId: uuid() });

/** From the form on a screening's page by way of the code to the reminder, and out of it again. */
export function registerReminderPages(app: App, dependencies: ReminderPagesDependencies): void {
  const { library, send, limits, screenings, contacts, reminders } = dependencies;
  const time = new LibraryTime(library.timeZone);
  const moment = (at: Date): string => `${time.date(at)} at ${time.time(at)}`;

  const askAddress = async (
    request: FastifyRequest,
    reply: FastifyReply,
    id: string,
    form: FormState,
    status = 400,
  ) => {
    const screening = await inTime(screenings.get(id));
    const body = (
      <article class="narrow">
        <About screening={screening} when={moment(screening.startsAt)} />
        <SignUp screeningId={id} channels={contacts.channels} form={form} />
      </article>
    );
    return send(request, reply, { title: `Be reminded of ${screening.title}`, status, body });
  };
  const askCode = async (
    request: FastifyRequest,
    reply: FastifyReply,
    { id, contact, form, status }: CodePage & { readonly id: string; readonly status: number },
  ) => {
    const screening = await inTime(screenings.get(id));
    const body = (
      <article class="narrow">
        <About screening={screening} when={moment(screening.startsAt)} />
        <Code screeningId={id} contact={contact} form={form} />
      </article>
    );
    return send(request, reply, { title: 'Your code', status, body });
  };

  app.get('/screenings/:id/reminders', { schema: { hide: true, params: ofScreening } }, (request, reply) =>
    askAddress(request, reply, request.params.id, EMPTY_FORM, 200),
  );

  app.post(
    '/screenings/:id/reminders',
    { schema: { hide: true, params: ofScreening }, onRequest: limits.codes },
    async (request, reply) => {
      const { id } = request.params;
      await reminders.momentOf(id);
      const checked = checkForm(addressForm, request.body);
      if (!checked.ok) return askAddress(request, reply, id, checked.form);
      const { channel, address } = checked.value;
      try {
        const contact = await contacts.add(channel, address);
        return await reply.redirect(`/screenings/${id}/reminders/${contact.id}`, 303);
      } catch (error) {
        if (!(error instanceof Problem) || error.status !== 429) throw error;
        void reply.headers(error.headers);
        return askAddress(request, reply, id, { values: { channel, address }, errors: { address: error.detail } }, 429);
      }
    },
  );

  app.get(
    '/screenings/:id/reminders/:contactId',
    { schema: { hide: true, params: ofContact } },
    async (request, reply) => {
      const { id, contactId } = request.params;
      return askCode(request, reply, { id, contact: await contacts.get(contactId), form: EMPTY_FORM, status: 200 });
    },
  );

  app.post(
    '/screenings/:id/reminders/:contactId',
    { schema: { hide: true, params: ofContact }, onRequest: limits.codeTries },
    async (request, reply) => {
      const { id, contactId } = request.params;
      const contact = await contacts.get(contactId);
      const checked = checkForm(codeForm, request.body);
      if (!checked.ok) return askCode(request, reply, { id, contact, form: checked.form, status: 400 });
      try {
        await contacts.verify(contactId, checked.value.code);
      } catch (error) {
        const message = error instanceof Problem && error.status === 400 ? error.errors?.[0]?.message : undefined;
        if (message === undefined) throw error;
        return askCode(request, reply, {
          id,
          contact,
          form: { values: {}, errors: { code: `The code ${message}` } },
          status: 400,
        });
      }
      const { remindAt } = await reminders.add(id, contactId);
      const when = remindAt.getTime() > Date.now() ? `on ${moment(remindAt)}` : 'in a minute or two';
      return redirectWithNotice(reply, `/screenings/${id}`, `You will be reminded ${when}.`);
    },
  );

  app.get(
    '/reminders/:token',
    { schema: { hide: true, params: z.object({ token: uuid() }) } },
    async (request, reply) => {
      const { token } = request.params;
      const found = await reminders.find(token);
      const body =
        found === undefined ? <Ended /> : <End token={token} title={found.title} when={moment(found.startsAt)} />;
      return send(request, reply, { title: 'Your reminder', body });
    },
  );

  // Also what mail programs send by themselves for their own button, as either kind of form (RFC 8058, 3.1); the address
  // says everything.
  void app.register(async (scope: App) => {
    scope.addContentTypeParser('multipart/form-data', { parseAs: 'string', bodyLimit: BUTTON_BYTES }, () =>
      Promise.resolve(undefined),
    );
    scope.post(
      '/reminders/:token',
      { schema: { hide: true, params: z.object({ token: uuid() }) } },
      async (request, reply) => {
        await reminders.end(request.params.token);
        return send(request, reply, { title: 'Your reminder', body: <Ended /> });
      },
    );
    await Promise.resolve();
  });
}

function About({ screening, when }: { readonly screening: Screening; readonly when: string }) {
  return (
    <>
      <h1>
        <a class="plain" href={`/screenings/${screening.id}`}>
          {screening.title}
        </a>
      </h1>
      <p class="when">
        <time dateTime={screening.startsAt.toISOString()}>{when}</time>, {screening.room}
      </p>
    </>
  );
}

interface CodePage {
  readonly contact: Contact;
  readonly form: FormState;
}

function Code({ screeningId, contact, form }: CodePage & { readonly screeningId: string }) {
  const { id, channel, address } = contact;
  return (
    <>
      <form method="post" action={`/screenings/${screeningId}/reminders/${id}`} class="card">
        <h2>Type your code</h2>
        <p>
          A message with six digits is on its way to <strong class="address">{address}</strong>. They are valid for{' '}
          {CODE_MINUTES} minutes.
        </p>
        <Field
          form={form}
          name="code"
          label="Code"
          inputMode="numeric"
          required
          maxLength={12}
          autocomplete="one-time-code"
        />
        <button>Remind me</button>
      </form>
      <form method="post" action={`/screenings/${screeningId}/reminders`} class="again">
        <input type="hidden" name="channel" value={channel} />
        <input type="hidden" name="address" value={address} />
        <p>
          Nothing came? <button class="link">Send another code</button> or{' '}
          <a href={`/screenings/${screeningId}/reminders`}>use another address</a>.
        </p>
      </form>
    </>
  );
}

function End({ token, title, when }: { readonly token: string; readonly title: string; readonly when: string }) {
  return (
    <article class="narrow">
      <h1>Your reminder</h1>
      <form method="post" action={`/reminders/${token}`} class="card">
        <p>
          You are to be reminded of “{title}”, {when}.
        </p>
        <button>Do not remind me</button>
      </form>
    </article>
  );
}

function Ended() {
  return (
    <article class="narrow">
      <h1>No reminder</h1>
      <p>You are not reminded any more. Your address is forgotten when nothing else needs it.</p>
      <p>
        <a href="/">To the screenings</a>
      </p>
    </article>
  );
}
