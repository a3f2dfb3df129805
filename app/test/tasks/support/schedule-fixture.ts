import { z } from 'zod';
import { defineTask } from '../../../src/tasks';
import type { ScheduleDefinition } from '../../../src/tasks';
import { Scheduler } from '../../../src/tasks/scheduling/scheduler';
import { ledgerFixture } from './ledger-fixture';
import type { LedgerFixture } from './ledger-fixture';
import { workerParts } from './worker-parts';
import type { TestParts } from './worker-parts';

export const report = defineTask({ name: 'report', payload: z.object({ of: z.string() }) });

/** One scheduler, which looks when it is told to, with what it is made of. */
export interface SchedulerUnderTest {
  readonly scheduler: Scheduler;
  readonly parts: TestParts;
  /** Looks until there is nothing to do any more, at most ten times. */
  readonly settle: () => Promise<void>;
}

export interface ScheduleFixture extends LedgerFixture {
  /** As `url`, on connections whose `now()` is what `setClock` said. */
  readonly clockedUrl: string;
  /** What PostgreSQL takes for the time. */
  setClock(iso: string | Date): Promise<void>;
  scheduler(...schedules: readonly ScheduleDefinition[]): SchedulerUnderTest;
  /** The ticks of a schedule that were accepted, oldest first, each with the state of its task. */
  ticks(schedule: string): Promise<string[]>;
  /** `of` of all tasks, in the order of acceptance. */
  accepted(): Promise<string[]>;
}

export async function scheduleFixture(): Promise<ScheduleFixture> {
  const fixture = await ledgerFixture();
  await fixture.rows('create schema test_clock');
  await fixture.rows('create table test_clock.clock (at timestamptz not null)');
  await fixture.rows(`insert into test_clock.clock values (date_trunc('milliseconds', now()))`);
  await fixture.rows(
    `create function test_clock.now() returns timestamptz stable language sql as 'select at from test_clock.clock'`,
  );
  const clocked = new URL(fixture.url);
  clocked.searchParams.set('options', '-c search_path=test_clock,pg_catalog,public');
  const parts: TestParts[] = [];
  return {
    ...fixture,
    clockedUrl: clocked.href,
    setClock: async (iso) => {
      await fixture.rows('update test_clock.clock set at = $1', [new Date(iso)]);
    },
    scheduler: (...schedules) => {
      const mine = workerParts(clocked.href);
      parts.push(mine);
      const scheduler = new Scheduler(schedules, mine);
      return {
        scheduler,
        parts: mine,
        settle: async () => {
          for (let looks = 0; looks < 10; looks += 1) if ((await scheduler.look()) > 0) return;
          throw new Error('the scheduler finds something to do in every look');
        },
      };
    },
    ticks: async (schedule) => {
      const rows = await fixture.rows<{ tick_at: Date }>(
        `select tick.tick_at from holdfast.schedule_tick tick join holdfast.task on task.uuid = tick.task_id
         where tick.schedule = $1 order by tick.tick_at`,
        [schedule],
      );
      return rows.map((row) => row.tick_at.toISOString());
    },
    accepted: async () => {
      const rows = await fixture.rows<{ of: string }>(`select payload ->> 'of' as of from holdfast.task order by id`);
      return rows.map((row) => row.of);
    },
    drop: async () => {
      await Promise.all(parts.map((one) => one.close()));
      await fixture.drop();
    },
  };
}

/** Every minute, with the tick as the payload. */
export function minutely(name: string, more: Partial<ScheduleDefinition> = {}): ScheduleDefinition {
  return {
    ...{ name, task: report, timing: { every: 60 }, catchUp: 'latest', version: 1, options: {} },
    payload: (tick) => ({ of: tick.toISOString() }),
    ...more,
  };
}
