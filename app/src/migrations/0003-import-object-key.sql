-- The nightly sweep asks whose an uploaded file is.

-- Fail at once behind a long transaction rather than hold up everybody who queues after us; the migration runs again.
set local lock_timeout = '3s';
create index import_object_key on app.import (object_key);
