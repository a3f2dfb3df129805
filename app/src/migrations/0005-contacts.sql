-- Addresses that readers want to be written to, each proved by a code that was sent to it. An id is as good as a
-- password for its address: it is random, and only who asked for the code knows it.

create table app.contact (
  id          uuid primary key default gen_random_uuid(),
  channel     text not null check (channel in ('email', 'sms')),
  -- Normalised: what is the same to the receiver is the same here.
  address     text not null,
  created_at  timestamptz not null default now(),
  verified_at timestamptz,
  -- How often a code has been typed, right or wrong.
  tries       integer not null default 0
);

-- How many codes an address was sent of late.
create index contact_address on app.contact (address, created_at);
-- What may be forgotten.
create index contact_created_at on app.contact (created_at);

-- Hashes of the codes that may have been sent: one for each attempt to send.
create table app.contact_code (
  contact_id uuid not null references app.contact on delete cascade,
  hash       bytea not null,
  expires_at timestamptz not null,
  primary key (contact_id, hash)
);
