-- Who is to be told of which screening.

create table app.reminder (
  id           uuid primary key default gen_random_uuid(),
  screening_id uuid not null references app.screening on delete cascade,
  contact_id   uuid not null references app.contact on delete cascade,
  -- The contact's, so that one person is told once however often he proved his address.
  address      text not null,
  -- What the link that ends the reminder holds.
  token        uuid not null default gen_random_uuid() unique,
  -- The day (in the library's zone) of the screening for which a task was accepted; another one makes it due again.
  accepted_for date,
  sent_at      timestamptz,
  created_at   timestamptz not null default now(),
  unique (screening_id, address)
);

create index reminder_contact_id on app.reminder (contact_id);
