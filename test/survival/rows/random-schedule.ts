import { setTimeout as sleep } from 'node:timers/promises';
import type { Span } from '../system/idleness';
import type { KeptBacklog } from '../system/kept-backlog';
import type { System } from '../system/system';
import type { Trial } from '../trial';
import { POSTGRES, randomFaults } from './random-faults';
import type { RandomFault } from './random-faults';

/** Unfinished at each fault, at least. */
const LEAST_BACKLOG = 1_000;
/** At the same time. */
const DISTURBERS = 2;
const LONGEST_MS = 25_000;
/** Of PostgreSQL: a process that is started meanwhile waits for it, within 30 s. */
const LONGEST_ON_POSTGRES_MS = 15_000;
const CALM_MS = 6_000;

/** A fault that came, until it was healed. */
interface Event extends Span {
  readonly fault: RandomFault;
}

/** Which faults come when, and which have come. */
export class RandomSchedule {
  /** How often each fault came. */
  readonly counts = new Map<string, number>();
  /** The fewest unfinished tasks at a fault. */
  leastBacklog = Infinity;
  private readonly stopping = new AbortController();
  private readonly busy = new Set<string>();
  private readonly events: Event[] = [];
  /** Faults that are being healed: a process may be starting. */
  private healing = 0;
  private firstError: unknown;

  constructor(
    private readonly trial: Trial,
    private readonly system: System,
    private readonly course: { readonly backlog: KeptBacklog; readonly endMs: number },
  ) {}

  get faults(): number {
    return this.events.length;
  }

  /** Resolves when the time is over and everything is healed. @throws the first error, when everything has ended */
  async run(): Promise<void> {
    await Promise.all(Array.from({ length: DISTURBERS }, () => this.disturb()));
    if (this.firstError !== undefined) throw this.firstError as Error;
  }

  /** Whether at some moment of this span calls of the process to the database could fail, or could so many seconds before. */
  couldLackDatabase(process: string, span: Span, recoverySeconds: number): boolean {
    return this.lacking(process, ['gone', 'shaky'], recoverySeconds).some(
      ({ fromMs, toMs }) => fromMs < span.toMs && span.fromMs < toMs,
    );
  }

  /** The parts of a span in which the database was not gone for the process, for longer than so many seconds already. */
  hadDatabase(process: string, { fromMs, toMs }: Span, recoverySeconds: number): Span[] {
    const had: Span[] = [];
    let since = fromMs;
    const lacking = this.lacking(process, ['gone'], recoverySeconds).sort((a, b) => a.fromMs - b.fromMs);
    for (const span of [...lacking, { fromMs: toMs, toMs }]) {
      const until = Math.min(span.fromMs, toMs);
      if (until > since) had.push({ fromMs: since, toMs: until });
      since = Math.max(since, span.toMs);
    }
    return had;
  }

  private lacking(process: string, states: readonly RandomFault['database'][], recoverySeconds: number): Span[] {
    return this.events
      .filter(({ fault: { on, database } }) => states.includes(database) && (on === POSTGRES || on === process))
      .map(({ fromMs, toMs }) => ({ fromMs, toMs: toMs + recoverySeconds * 1_000 }));
  }

  /** One fault after the other, with some calm between them. */
  private async disturb(): Promise<void> {
    const { random } = this.trial;
    try {
      for (;;) {
        await this.wait(500 + random() * CALM_MS);
        if (Date.now() >= this.course.endMs || this.stopping.signal.aborted) return;
        const backlog = await this.course.backlog.unfinished();
        if (this.system.ownEnds.length > 0) throw new Error('broken off, as a process ended by itself');
        const fault = this.choose();
        if (fault === undefined || backlog < LEAST_BACKLOG) continue;
        this.leastBacklog = Math.min(this.leastBacklog, backlog);
        this.counts.set(fault.name, (this.counts.get(fault.name) ?? 0) + 1);
        await this.bring(fault, 500 + random() ** 2 * (fault.on === POSTGRES ? LONGEST_ON_POSTGRES_MS : LONGEST_MS));
      }
    } catch (error) {
      this.firstError ??= error;
      // The others heal what they have brought, and end.
      this.stopping.abort();
    }
  }

  /** First whom it befalls, so that each is as likely as any other, then what. */
  private choose(): RandomFault | undefined {
    const { random } = this.trial;
    const possible = randomFaults(this.system, random).filter(
      // A process that starts waits for PostgreSQL; only so long.
      ({ on }) => !this.busy.has(on) && (on !== POSTGRES || this.healing === 0),
    );
    const targets = [...new Set(possible.map(({ on }) => on))];
    const target = targets[Math.floor(random() * targets.length)];
    const faults = possible.filter(({ on }) => on === target);
    return faults[Math.floor(random() * faults.length)];
  }

  private async bring(fault: RandomFault, lastsMs: number): Promise<void> {
    this.busy.add(fault.on);
    this.system.log.note(`${fault.name} on ${fault.on} for ${(lastsMs / 1_000).toFixed(1)} s`);
    const fromMs = Date.now();
    try {
      await fault.begin();
      await this.wait(lastsMs);
    } catch (error) {
      // Not what the healing of half a fault may say.
      this.firstError ??= error;
    }
    this.healing += 1;
    await fault.heal().finally(() => (this.healing -= 1));
    this.events.push({ fault, fromMs, toMs: Date.now() });
    this.busy.delete(fault.on);
    if (this.firstError !== undefined) this.stopping.abort();
  }

  /** Shorter when the schedule is stopped. */
  private async wait(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.stopping.signal }).catch(() => undefined);
  }
}
