-- Where a chore stands that takes more than one step (holdfast.chore), for whichever process takes the next one. $1 is the
-- chore's name. Relies on: primary key.

-- name: begin
insert into holdfast.chore (name) values ($1) on conflict do nothing

-- name: place
-- Nothing while its next round has not come.
select position::text from holdfast.chore where name = $1 and resume_at <= now()

-- name: go_on
-- $2 position, $3 seconds until the next step may begin.
update holdfast.chore
set position = $2, resume_at = now() + make_interval(secs => $3),
    completed_at = case when $2::bigint = 0 then now() else completed_at end
where name = $1
