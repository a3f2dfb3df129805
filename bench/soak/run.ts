import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { migrate } from '../../app/src/tasks';
import { createProgress } from '../progress';
import { startServers } from '../servers';
import type { Servers } from '../servers';
import { SoakProcess } from './child';
import { NARROW_LIMIT } from './definitions';
import type { Acknowledged, Start, Told } from './messages';
import { grown, takeSample } from './samples';
import type { Sample } from './samples';
import { brokenPromises, SOAK_SCHEMA, writeJournal } from './verdict';

const HELP = `Usage: npm run soak -- [options]

Accepts tasks of every kind at a steady rate while processes and Redis are killed
at random, on servers of its own, and says whether a promise was broken, a table
or a process grew, or something went on working when there was nothing to do.

Options
  --minutes N     how long tasks are accepted (30)
  --rate N        tasks a second (500)
  --kill-every N  seconds between two kills, on average (20)
  --json          prints the result for programs
  --help          this text

Exit codes: 0 all held, 1 something did not, 2 wrong usage, 130 interrupted.`;

const SAMPLE_SECONDS = 10;
const DRAIN_SECONDS = 180;
/** Long enough for the pruning of the last tasks not to be mistaken for idleness. */
const SETTLE_SECONDS = 10;
const IDLE_SECONDS = 10;
/** A share of one core: heartbeats, looks and samples, and nothing else. */
const IDLE_CPU = 0.15;

interface Options {
  readonly minutes: number;
  readonly rate: number;
  readonly killEvery: number;
  readonly json: boolean;
}

class Soak {
  private readonly samples: Sample[] = [];
  private readonly processes: readonly SoakProcess[];
  private readonly killed: readonly SoakProcess[];
  private readonly acceptor: SoakProcess;
  private readonly waiting: Acknowledged[] = [];
  private journalled = 0;
  private refused = new Map<string, number>();
  private kills = 0;
  private overLimit = 0;

  constructor(
    private readonly servers: Servers,
    private readonly pool: Pool,
    private readonly options: Options,
    private readonly signal: AbortSignal,
    private readonly say: (text: string) => void,
  ) {
    const make = (name: string, role: Start['role']): SoakProcess => {
      const { postgresUrl, redisUrl } = servers;
      return new SoakProcess(name, { role, postgresUrl, redisUrl, rate: options.rate }, (told) => this.hear(told));
    };
    this.acceptor = make('acceptor', 'acceptor');
    // The first worker is never killed: its memory is looked at.
    this.killed = [make('worker-2', 'worker'), make('worker-3', 'worker'), make('scheduler', 'scheduler')];
    this.processes = [this.acceptor, make('worker-1', 'worker'), ...this.killed];
  }

  async run(): Promise<{ readonly broken: readonly string[]; readonly facts: Readonly<Record<string, unknown>> }> {
    const broken: string[] = [];
    try {
      for (const process of this.processes) await process.run();
      await this.load();
      await this.acceptor.stop();
      await this.writeDown();
      if (!(await this.drained()))
        broken.push(`not everything was finished ${DRAIN_SECONDS} s after the last was accepted`);
      broken.push(...(await brokenPromises(this.pool)), ...grown(this.samples));
      const idle = await this.idleShare();
      if (idle > IDLE_CPU) broken.push(`the processes used ${idle.toFixed(2)} cores while there was nothing to do`);
      if (this.overLimit > 0)
        broken.push(`more than ${NARROW_LIMIT} of the limited queue ran, ${this.overLimit} times`);
      return { broken, facts: await this.facts(idle) };
    } finally {
      await Promise.all(this.processes.map((process) => process.stop()));
    }
  }

  private async load(): Promise<void> {
    const began = performance.now();
    const endMs = began + this.options.minutes * 60_000;
    let [nextSampleMs, nextKillMs] = [began, began + this.pauseMs()];
    while (performance.now() < endMs) {
      this.signal.throwIfAborted();
      await sleep(250);
      await this.writeDown();
      await this.countLimited();
      if (performance.now() >= nextSampleMs) {
        nextSampleMs += SAMPLE_SECONDS * 1_000;
        const minute = (performance.now() - began) / 60_000;
        const sample = await takeSample(this.pool, this.processes, minute);
        this.samples.push(sample);
        const { task } = sample.tables;
        this.say(
          `minute ${minute.toFixed(1)}: ${this.journalled} accepted, ${sample.unfinished} unfinished, ` +
            `task table ${Math.round(task ?? 0)} MiB, ${this.kills} kills`,
        );
      }
      if (performance.now() >= nextKillMs) {
        nextKillMs = performance.now() + this.pauseMs();
        await this.hurt();
      }
    }
  }

  /** Somewhere between none and twice the average. */
  private pauseMs(): number {
    return randomInt(this.options.killEvery * 2_000);
  }

  private async hurt(): Promise<void> {
    this.kills += 1;
    const victim = this.killed[randomInt(this.killed.length + 1)];
    if (victim !== undefined) {
      victim.kill();
      return;
    }
    const redis = new Redis(this.servers.redisUrl);
    redis.on('error', () => undefined);
    await redis.flushall();
    redis.disconnect();
  }

  private hear(told: Told): void {
    if (told.kind === 'accepted') this.waiting.push(...told.tasks);
    if (told.kind === 'failed') this.refused.set(told.reason, (this.refused.get(told.reason) ?? 0) + 1);
  }

  private async writeDown(): Promise<void> {
    const tasks = this.waiting.splice(0);
    if (tasks.length === 0) return;
    await writeJournal(this.pool, tasks);
    this.journalled += tasks.length;
  }

  private async countLimited(): Promise<void> {
    const [row] = (
      await this.pool.query<{ running: number }>(
        `select count(*)::int as running from holdfast.task
         where queue = 'soak-narrow' and state = 'running' and finished_at is null`,
      )
    ).rows;
    if ((row?.running ?? 0) > NARROW_LIMIT) this.overLimit += 1;
  }

  private async drained(): Promise<boolean> {
    const endMs = performance.now() + DRAIN_SECONDS * 1_000;
    while (performance.now() < endMs) {
      const sample = await takeSample(this.pool, this.processes, 0);
      this.say(`draining: ${sample.unfinished} unfinished`);
      if (sample.unfinished === 0) return true;
      await sleep(500);
    }
    return false;
  }

  /** Cores that all processes together use while only the schedule gives them something to do. */
  private async idleShare(): Promise<number> {
    this.say('looking whether they rest');
    await sleep(SETTLE_SECONDS * 1_000);
    const lasting = this.processes.filter((process) => process !== this.acceptor);
    const used = (): number => lasting.reduce((sum, process) => sum + process.cpuSeconds(), 0);
    const before = used();
    await sleep(IDLE_SECONDS * 1_000);
    return (used() - before) / IDLE_SECONDS;
  }

  private async facts(idle: number): Promise<Record<string, unknown>> {
    const [effects] = (await this.pool.query<{ count: number }>('select count(*)::int from soak.effect')).rows;
    const [ticks] = (await this.pool.query<{ count: number }>('select count(*)::int from holdfast.schedule_tick')).rows;
    const largest = (table: string): number => Math.max(0, ...this.samples.map(({ tables }) => tables[table] ?? 0));
    const memory = (name: string): string => {
      const seen = this.samples.map((sample) => sample.memory[name] ?? 0).filter((value) => value > 0);
      return `${Math.round(Math.min(...seen))} to ${Math.round(Math.max(...seen))} MiB`;
    };
    return {
      acknowledged: this.journalled,
      effects: effects?.count ?? 0,
      ticks: ticks?.count ?? 0,
      kills: this.kills,
      refused: Object.fromEntries(this.refused),
      largestBacklog: Math.max(0, ...this.samples.map(({ unfinished }) => unfinished)),
      largestTaskTableMiB: Math.round(largest('task')),
      memoryOfAcceptor: memory('acceptor'),
      memoryOfWorker1: memory('worker-1'),
      idleCores: Number(idle.toFixed(3)),
    };
  }
}

function readOptions(): Options | 'help' {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '30' },
      rate: { type: 'string', default: '500' },
      'kill-every': { type: 'string', default: '20' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const number = (name: string, given: string, min: number, max: number): number => {
    const value = Number(given);
    if (value >= min && value <= max) return value;
    throw new TypeError(`${name} is "${given}"; allowed is a number from ${min} to ${max}`);
  };
  return {
    minutes: number('--minutes', values.minutes, 1, 1_440),
    rate: number('--rate', values.rate, 1, 5_000),
    killEvery: number('--kill-every', values['kill-every'], 1, 3_600),
    json: values.json,
  };
}

async function main(): Promise<number> {
  const options = readOptions();
  if (options === 'help') {
    console.log(HELP);
    return 0;
  }
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => interrupted.abort());
  const progress = createProgress(process.stderr);
  progress.say('starting PostgreSQL and Redis');
  const servers = await startServers(undefined);
  const pool = new Pool({ connectionString: servers.postgresUrl, max: 4 });
  pool.on('error', () => undefined);
  try {
    await migrate({ connectionString: servers.postgresUrl });
    await pool.query(SOAK_SCHEMA);
    const soak = new Soak(servers, pool, options, interrupted.signal, (text) => progress.say(text));
    const { broken, facts } = await soak.run();
    progress.clear();
    if (options.json) console.log(JSON.stringify({ ...options, ...facts, broken }, null, 2));
    else {
      for (const [name, value] of Object.entries(facts)) {
        console.log(`${name.padEnd(22)}${typeof value === 'string' ? value : JSON.stringify(value)}`);
      }
      console.log(broken.length === 0 ? 'all held' : broken.map((promise) => `BROKEN: ${promise}`).join('\n'));
    }
    return broken.length === 0 ? 0 : 1;
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
    console.error('interrupted; the servers are stopped and their data is gone');
    return 130;
  } finally {
    progress.clear();
    await pool.end();
    await servers.stop();
  }
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(`soak: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(error instanceof TypeError ? 2 : 1);
  },
);
