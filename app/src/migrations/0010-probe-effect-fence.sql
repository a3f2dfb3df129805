-- Which run of a probe left an effect: its fence. Null of workers of the version before.

alter table app.probe_effect add column fence integer;
