/** The durable task engine's only entry: everything else in this folder is its inside. */
export { BULK_STATES } from './administering/bulk-filter';
export { defineTask, isValidName, nameRule, PRIORITIES } from './definition';
export type {
  Backoff,
  HandlerResult,
  KeptLog,
  PayloadInput,
  PayloadOutput,
  Priority,
  TaskDefinition,
  Upgrade,
} from './definition';
export {
  AttemptAborted,
  CommitUnknownError,
  DefinitionError,
  Discard,
  HungHandlerError,
  InvalidTaskError,
  KeyBusyError,
  KeyHeldError,
  NonRetryable,
  NotSent,
  RequestKeyReusedError,
  Snooze,
  TaskStateError,
  TransactionEndedError,
} from './errors';
export { isRedisUrl, redisTls } from './dispatching/redis-connection';
export { createTasks, handle } from './engine';
export type { Tasks, TasksOptions } from './tasks';
export { isConnectionError, isTransient } from './ledger/connection-errors';
export { newLedgerEpoch } from './ledger/epoch';
export { MOST_RUNNING, MOST_STARTS, RATE_SECONDS } from './limiting/queue-settings';
export { migrate, runMigrations } from './ledger/migrate';
export type { LedgerHealth, TableHealth } from './inspecting/ledger-health';
export type { Retention } from './maintaining/retention';
export { CATCH_UPS, defineSchedule } from './scheduling/schedule';
export type { CatchUp, ScheduleDefinition, ScheduleProps } from './scheduling/schedule';
export type { ScheduleStatus, ScheduleTick } from './scheduling/schedule-list';
export type { RunningScheduler, SchedulerOptions } from './scheduling/scheduler';
export type { AttemptEvent, AttemptOutcome, TaskEventName, TaskListener } from './running/events';
export { FAILURE_POLICIES, TASK_STATES } from './types';
export type * from './types';
