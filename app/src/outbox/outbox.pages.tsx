import type { App } from '../http/app';
import { LibraryTime } from '../library/time';
import type { Library } from '../library/library';
import type { SendPage } from '../pages/page';
import { readOutbox } from './outbox.client';
import type { OutboxMessage } from './outbox-message';

export interface OutboxDependencies {
  readonly outboxUrl: string;
  readonly library: Library;
  readonly send: SendPage;
}

/** What a catcher has caught, for developers; never registered where mail is delivered. */
export function registerOutboxPages(app: App, { outboxUrl, library, send }: OutboxDependencies): void {
  const time = new LibraryTime(library.timeZone);
  app.get('/dev/outbox', { schema: { hide: true } }, async (request, reply) => {
    const messages = await readOutbox(outboxUrl);
    return send(request, reply, { title: 'Outbox', body: <Outbox time={time} messages={messages} /> });
  });
  app.get('/dev/outbox.json', { schema: { hide: true } }, async () => ({ messages: await readOutbox(outboxUrl) }));
}

interface OutboxProps {
  readonly time: LibraryTime;
  readonly messages: readonly OutboxMessage[];
}

function Outbox({ time, messages }: OutboxProps) {
  return (
    <article class="narrow">
      <div class="title-row">
        <h1>Outbox</h1>
        <a class="button quiet" href="/dev/outbox">
          Look again
        </a>
      </div>
      <p class="hint">Mail and text messages are caught here and delivered to nobody. Newest first.</p>
      {messages.length === 0 ? <p class="empty">Nothing has been sent yet.</p> : null}
      <ol class="outbox">
        {messages.map((message) => (
          <li key={message.id} class="card">
            <Message time={time} message={message} />
          </li>
        ))}
      </ol>
    </article>
  );
}

const KINDS = { email: 'E-mail', sms: 'Text message' } as const;

function Message({ time, message }: { readonly time: LibraryTime; readonly message: OutboxMessage }) {
  const received = new Date(message.receivedAt);
  return (
    <>
      <p class="hint">
        {KINDS[message.channel]} to {message.to},{' '}
        <time dateTime={message.receivedAt}>
          {time.date(received)}, {time.time(received)}
        </time>
      </p>
      {message.subject === '' ? null : <h2>{message.subject}</h2>}
      <p class="message">{withLinks(message.text.trimEnd())}</p>
    </>
  );
}

/** The addresses in a text as links; everything else stays text. */
function withLinks(text: string) {
  return text.split(/(https?:\/\/[^\s<>"]+)/).map((part, index) =>
    index % 2 === 0 ? (
      part
    ) : (
      <a key={index} href={part}>
        {part}
      </a>
    ),
  );
}
