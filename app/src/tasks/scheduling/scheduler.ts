import type { Acceptor } from '../accepting/acceptor';
import { prepare } from '../accepting/prepare';
import { DefinitionError } from '../errors';
import { isConnectionError } from '../ledger/connection-errors';
import type { Ledger } from '../ledger/ledger';
import { loadStatements } from '../ledger/statements';
import { pause } from '../pause';
import type { TaskLogger, Transaction } from '../types';
import { caughtUp } from './catch-up';
import { SCHEDULE_STATEMENTS, sameTiming, storedDefinition, timingIn } from './schedule-row';
import type { ScheduleRow } from './schedule-row';
import type { ScheduleDefinition } from './schedule';
import { tickAfter, ticksBetween } from './timing';
import type { Ticks } from './timing';

export interface SchedulerOptions {
  /** All schedules of this code; one that it does not list any more is marked as having left. */
  readonly schedules: readonly ScheduleDefinition[];
}

export interface RunningScheduler {
  /** Resolves when no tick is being accepted any more. */
  stop(): Promise<void>;
}

export interface SchedulerParts {
  readonly ledger: Pick<Ledger, 'query'>;
  readonly acceptor: Pick<Acceptor, 'transaction' | 'within'>;
  readonly logger: TaskLogger;
}

/** The longest that a tick waits for somebody to see that it is due. */
const LOOK_EVERY_MS = 1_000;
/** A schedule that is back this soon had not left: another build was started beside this one. */
const AWAY_MS = 60_000;
const NO_TICKS: Ticks = { count: 0, newest: [] };

/**
 * Accepts the tasks of schedules. Any number of them may run: a tick is due by the database's clock, its task and the
 * watermark are written in one transaction under the schedule's row lock, and a tick is written down only once.
 */
export class Scheduler implements RunningScheduler {
  private readonly sql = loadStatements(__dirname, 'schedule.sql', SCHEDULE_STATEMENTS);
  private readonly stopping = new AbortController();
  /** What was said of each schedule last: trouble that lasts is told once. */
  private readonly told = new Map<string, string>();
  private readonly names: readonly string[];
  private marked = false;
  private running: Promise<void> | undefined;

  /** @throws DefinitionError when two schedules have one name. */
  constructor(
    private readonly schedules: readonly ScheduleDefinition[],
    private readonly parts: SchedulerParts,
  ) {
    this.names = schedules.map(({ name }) => name);
    const twice = this.names.find((name, i) => this.names.indexOf(name) !== i);
    if (twice !== undefined) throw new DefinitionError('scheduler', 'schedules', twice, 'one schedule of each name');
  }

  start(): void {
    this.running ??= this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /** Settles what is due. @returns milliseconds until the next look. */
  async look(): Promise<number> {
    if (!this.marked) {
      for (const { name } of (await this.parts.ledger.query<{ name: string }>(this.sql.mark_left, [this.names])).rows) {
        this.parts.logger.warn({ schedule: name }, 'schedule left the code and does not run any more');
      }
      this.marked = true;
    }
    const known = (await this.parts.ledger.query<ScheduleRow>(this.sql.known, [this.names])).rows;
    const rows = new Map(known.map((row) => [row.name, row]));
    let waitMs = LOOK_EVERY_MS;
    for (const schedule of this.schedules) {
      const row = rows.get(schedule.name);
      await this.attend(schedule, row);
      waitMs = Math.min(waitMs, dueInMs(schedule, row));
    }
    return waitMs;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    let again = false;
    while (!signal.aborted) {
      let waitMs = LOOK_EVERY_MS;
      try {
        waitMs = await this.look();
      } catch (error) {
        this.parts.logger.debug({ err: error }, 'scheduler could not look; trying again');
      }
      // A look that had something to do is followed by another at once, but only one: what is due even then is in trouble.
      again = waitMs === 0 && !again;
      if (!again) await pause(waitMs === 0 ? LOOK_EVERY_MS : waitMs, signal);
    }
  }

  private async attend(schedule: ScheduleDefinition, row: ScheduleRow | undefined): Promise<void> {
    const { name } = schedule;
    try {
      if (row === undefined) {
        await this.enrol(schedule);
        return;
      }
      if (row.version > schedule.version) {
        const fields = { schedule: name, version: schedule.version, newer: row.version };
        this.tell(name, 'info', fields, 'a newer version of the schedule is in force; this one does not tick');
        return;
      }
      if (row.version === schedule.version && !sameTiming(timingIn(row), schedule.timing)) {
        const fields = { schedule: name, version: row.version, inForce: row.definition, given: schedule.timing };
        this.tell(
          name,
          'error',
          fields,
          'the timing of the schedule was changed without a higher version; it has no effect',
        );
      }
      const due = row.next_at !== null && row.next_at <= row.now;
      if (due || row.version < schedule.version || row.left_at !== null) await this.settle(schedule, row);
    } catch (error) {
      if (isConnectionError(error)) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      const fields = { schedule: name, reason, err: error };
      this.tell(name, 'error', fields, 'a tick of the schedule cannot be accepted; it is tried again every second');
    }
  }

  /** A new schedule ticks from now on: it catches nothing up from before it existed. */
  private async enrol(schedule: ScheduleDefinition): Promise<void> {
    const { ledger, logger } = this.parts;
    const [clock] = (await ledger.query<{ now: Date }>(this.sql.clock)).rows;
    if (clock === undefined) return;
    const next = tickAfter(schedule.timing, clock.now) ?? null;
    const values = [schedule.name, schedule.version, storedDefinition(schedule, schedule.timing), clock.now, next];
    const { rowCount } = await ledger.query(this.sql.enrol, values);
    if (rowCount === 1) logger.info({ schedule: schedule.name, nextAt: next }, 'schedule begins');
  }

  /** Accepts what is due, and lets a higher version take over: until now the old timing ticked, from now on the new one. */
  private async settle(schedule: ScheduleDefinition, row: ScheduleRow): Promise<void> {
    const { acceptor, logger } = this.parts;
    const { name } = schedule;
    const takesOver = row.version < schedule.version;
    const inForce = timingIn(row);
    const wasAway = row.left_at !== null && row.now.getTime() - row.left_at.getTime() > AWAY_MS;
    const ticks = wasAway || inForce === undefined ? NO_TICKS : await ticksBetween(inForce, row.watermark, row.now);
    const { accepted, leftOut } = caughtUp(ticks, schedule.catchUp, row.now);
    const timing = takesOver || inForce === undefined ? schedule.timing : inForce;
    const anew = wasAway || !sameTiming(inForce, timing);
    const watermark = anew ? row.now : (ticks.newest.at(-1) ?? row.watermark);
    const next = tickAfter(timing, watermark) ?? null;
    const definition = storedDefinition(schedule, timing);
    const settled = await acceptor.transaction(async (tx) => {
      const locked = await tx.query(this.sql.lock, [name, row.version, row.watermark, row.left_at]);
      if (locked.rows.length === 0) return false;
      await this.accept(tx, schedule, accepted);
      await tx.query(this.sql.settle, [name, schedule.version, definition, watermark, next]);
      return true;
    });
    if (!settled) return;
    this.told.delete(name);
    if (takesOver) logger.info({ schedule: name, from: row.version, version: schedule.version }, 'schedule taken over');
    if (leftOut === 0) return;
    const fields = { schedule: name, leftOut, accepted: accepted.length, catchUp: schedule.catchUp };
    logger.warn(fields, 'ticks of the schedule were missed and are left out');
  }

  private async accept(tx: Transaction, schedule: ScheduleDefinition, ticks: readonly Date[]): Promise<void> {
    if (ticks.length === 0) return;
    const prepared = ticks.map((tick) => prepare(schedule.task, schedule.payload(tick), schedule.options));
    const values = [schedule.name, ticks, prepared.map(({ uuid }) => uuid)];
    const written = await tx.query<{ tick_at: Date }>(this.sql.write_down, values);
    const ours = new Set(written.rows.map((row) => row.tick_at.getTime()));
    await this.parts.acceptor.within(
      tx,
      prepared.filter((_, i) => ours.has(ticks[i]?.getTime() ?? NaN)),
    );
  }

  private tell(name: string, level: 'info' | 'error', fields: object, message: string): void {
    const said = `${message} ${'reason' in fields ? String(fields.reason) : ''}`;
    if (this.told.get(name) === said) return;
    this.told.set(name, said);
    this.parts.logger[level](fields, message);
  }
}

/** Milliseconds until there is something to do for a schedule; 0 when there was. */
function dueInMs({ version }: ScheduleDefinition, row: ScheduleRow | undefined): number {
  if (row === undefined || row.version < version) return 0;
  if (row.version > version) return Infinity;
  if (row.left_at !== null) return 0;
  return row.next_at === null ? Infinity : Math.max(0, row.next_at.getTime() - row.now.getTime());
}
