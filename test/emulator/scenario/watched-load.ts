import assert from 'node:assert/strict';
import { waitUntil } from '../../../app/local/servers/wait-until';
import type { AppClient } from './app.client';
import { underLoad } from './load';
import type { LoadReport } from './load';
import type { Stage } from './stage';
import { tell } from './tell';

/** Probes that the app has accepted, of which each has to leave one effect, and requests while something happens. */
export class WatchedLoad {
  private expected = 0;

  constructor(
    private readonly app: AppClient,
    private readonly stage: Stage,
  ) {}

  /** Counts what others have had done up to now. */
  async countAnew(): Promise<void> {
    this.expected = (await this.stage.effects()).tasks;
  }

  /** Probes that somebody else has had accepted. */
  expect(more: number): void {
    this.expected += more;
  }

  async accept(count: number, runMs: number): Promise<void> {
    await this.app.acceptProbes(count, runMs);
    this.expected += count;
  }

  /** Every accepted probe has left one row and no second one. */
  async untilDone(limitSeconds: number): Promise<void> {
    await waitUntil(
      `${this.expected} probes are done`,
      async () => (await this.stage.effects()).tasks >= this.expected,
      {
        limitSeconds,
        everyMilliseconds: 250,
      },
    );
    assert.deepEqual(await this.stage.effects(), { rows: this.expected, tasks: this.expected });
  }

  /** Asks while `act` runs; no request may fail. */
  async answeredDuring(act: () => Promise<void>): Promise<void> {
    this.expectAnswers(await underLoad(this.app.url, act));
  }

  private expectAnswers({ answered, askedAgain, failed }: LoadReport): void {
    tell(`${answered} requests answered (${askedAgain} asked again), ${failed.length} not`);
    assert.deepEqual(failed, []);
    assert.ok(answered > 0);
  }
}
