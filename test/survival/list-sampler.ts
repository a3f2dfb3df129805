import { setTimeout as pause } from 'node:timers/promises';
import type { Redis } from 'ioredis';

/** Between two samples; the relay refills an overflowing lane every 20 ms. */
const EVERY_MS = 5;

export interface ListLengths {
  /** Looks taken, each at every list that existed at that moment. */
  readonly samples: number;
  /** Most ids that each list held in any sample, by key. */
  readonly longest: Readonly<Record<string, number>>;
}

/** Every list of the server with its length, found by the server itself: none is missed for want of its name. */
const LENGTHS = `
local answer = {}
for _, key in ipairs(redis.call('keys', '*')) do
  if redis.call('type', key).ok == 'list' then
    table.insert(answer, key)
    table.insert(answer, redis.call('llen', key))
  end
end
return answer`;

/** Samples the length of every list of a Redis until it is stopped. */
export class ListSampler {
  private readonly stopping = new AbortController();
  private readonly running: Promise<void>;
  private lengths = new Map<string, number>();
  private longest = new Map<string, number>();
  private samples = 0;

  constructor(private readonly redis: Redis) {
    this.running = this.run();
  }

  /** The lengths of the last sample. */
  get latest(): readonly number[] {
    return [...this.lengths.values()];
  }

  /** What was seen since the last call; every sample is in exactly one answer. */
  take(): ListLengths {
    const seen = { samples: this.samples, longest: Object.fromEntries(this.longest) };
    this.longest = new Map();
    this.samples = 0;
    return seen;
  }

  /** @throws what a sample threw. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      const answer = (await this.redis.eval(LENGTHS, 0)) as (string | number)[];
      this.lengths = new Map();
      for (let i = 0; i < answer.length; i += 2) this.lengths.set(String(answer[i]), Number(answer[i + 1]));
      for (const [key, length] of this.lengths) {
        this.longest.set(key, Math.max(this.longest.get(key) ?? 0, length));
      }
      this.samples += 1;
      await pause(EVERY_MS);
    }
  }
}
