import { setTimeout as pause } from 'node:timers/promises';
import type { Redis } from 'ioredis';

/** Between two samples; the relay refills an overflowing lane every 20 ms. */
const EVERY_MS = 5;

export interface ListLengths {
  /** Looks taken, each at every list that existed at that moment. */
  readonly samples: number;
  /** Most ids that a list held in any sample, by key. */
  readonly longest: ReadonlyMap<string, number>;
}

/** Every list of the server and its length, found by the server itself: no list is missed because nobody knew its name. */
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
  private longest = new Map<string, number>();
  private samples = 0;
  private readonly running: Promise<void>;

  constructor(private readonly redis: Redis) {
    this.running = this.run();
  }

  /** What was seen since the last call. */
  take(): ListLengths {
    const seen = { samples: this.samples, longest: this.longest };
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
      for (let i = 0; i < answer.length; i += 2) {
        const key = String(answer[i]);
        this.longest.set(key, Math.max(this.longest.get(key) ?? 0, Number(answer[i + 1])));
      }
      this.samples += 1;
      await pause(EVERY_MS);
    }
  }
}
