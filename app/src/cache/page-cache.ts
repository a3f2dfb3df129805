import { randomUUID } from 'node:crypto';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { CacheAwayError } from './cache-store';
import type { CacheStore } from './cache-store';

/** What became of a look into the cache; the header `x-cache` shows it. */
export type CacheStatus = 'hit' | 'miss' | 'bypass';

/** Says of an answer what became of the look into the cache: a CacheStatus. */
export const CACHE_HEADER = 'x-cache';

export interface Cached {
  readonly text: string;
  readonly status: CacheStatus;
}

export interface PageCacheOptions {
  /** Undefined: there is no cache, everything is computed. */
  readonly store: CacheStore | undefined;
  /** Names what is invalidated together, for example `screenings`. */
  readonly group: string;
  /** Age in seconds at which an entry is computed anew. @default 30 */
  readonly ttlSeconds?: number;
}

/** The group's generation, and the entry if it is of that generation. */
interface Found {
  readonly generation: string;
  readonly text?: string;
}

/** Longer than computing an entry takes; a process that dies with the right to compute keeps others waiting so long. */
const LOCK_SECONDS = 3;
const LOOK_AGAIN_MS = 15;
/** Generations have no meaning of their own; they expire because a shared node evicts nothing that does not. */
const GENERATION_SECONDS = 86_400;

/**
 * Texts that are expensive to compute, shared by all web processes.
 *
 * Every entry carries the generation of its group that its computation began under, and counts only while the group is
 * still in that generation. `invalidate`, called after a commit, begins a new generation: what was computed from older
 * data, or is being computed from it and stored later, no longer counts. So nothing stale is shown once a write has
 * been answered, as long as the cache can be reached; else for `ttlSeconds` at most.
 *
 * Of all processes one computes a missing entry; the others wait for it, LOCK_SECONDS at most.
 */
export class PageCache {
  private readonly ttlSeconds: number;
  /** A write was answered while the cache could not be reached. */
  private owesInvalidation = false;
  /** Looks of this process that have not been sent yet, by key. */
  private readonly nextLooks = new Map<string, Promise<Found>>();
  /** Computations under way in this process, by generation and key. */
  private readonly underWay = new Map<string, Promise<Cached>>();

  constructor(private readonly options: PageCacheOptions) {
    this.ttlSeconds = options.ttlSeconds ?? 30;
    options.store?.whenBack(() => {
      if (this.owesInvalidation) void this.invalidate();
    });
  }

  /**
   * The entry under `key`, from `compute` when there is none. A cache that is away makes this slower, never fail.
   * @throws what `compute` throws.
   */
  async getOrSet(key: string, compute: () => Promise<string>): Promise<Cached> {
    const { store } = this.options;
    if (store === undefined) return { text: await compute(), status: 'bypass' };
    const entryKey = `${this.prefix}entry:${key}`;
    const found = await this.nextLook(store, entryKey).catch(ignoreAway);
    if (found === undefined) return { text: await compute(), status: 'bypass' };
    if (found.text !== undefined) return { text: found.text, status: 'hit' };
    const name = `${found.generation} ${key}`;
    const joined = this.underWay.get(name);
    if (joined !== undefined) return joined;
    const computation = this.computeOnce(store, entryKey, found.generation, compute);
    this.underWay.set(name, computation);
    try {
      return await computation;
    } finally {
      this.underWay.delete(name);
    }
  }

  /**
   * After the commit of a write, before it is answered. When the cache cannot be reached it is done as soon as it can.
   * @returns whether the entries of before have ceased to count.
   */
  async invalidate(): Promise<boolean> {
    const { store } = this.options;
    if (store === undefined) return true;
    const done = await store.mustSet(this.generationKey, randomUUID, GENERATION_SECONDS).then(() => true, ignoreAway);
    this.owesInvalidation = done !== true;
    return done === true;
  }

  private get prefix(): string {
    return `holdfast:${this.options.group}:`;
  }

  private get generationKey(): string {
    return `${this.prefix}generation`;
  }

  /**
   * One look for all who ask in the same turn of the event loop: it is sent after all of them asked, so it sees every
   * write that had been answered before. Under load the cache costs a turn one question instead of one a request.
   */
  private nextLook(store: CacheStore, entryKey: string): Promise<Found> {
    const next = this.nextLooks.get(entryKey);
    if (next !== undefined) return next;
    const look = setImmediate().then(() => {
      this.nextLooks.delete(entryKey);
      return this.look(store, entryKey);
    });
    this.nextLooks.set(entryKey, look);
    return look;
  }

  private async look(store: CacheStore, entryKey: string): Promise<Found> {
    const [known, entry] = await store.get([this.generationKey, entryKey]);
    if (known === null || known === undefined) return { generation: await this.begin(store) };
    const isCurrent = entry?.startsWith(`${known}\n`) ?? false;
    return { generation: known, ...(isCurrent && entry ? { text: entry.slice(known.length + 1) } : {}) };
  }

  /** The first generation, or the one after an eviction. */
  private async begin(store: CacheStore): Promise<string> {
    const mine = randomUUID();
    if (await store.setIfFree(this.generationKey, mine, GENERATION_SECONDS)) return mine;
    const [theirs] = await store.get([this.generationKey]);
    return theirs ?? mine;
  }

  private async computeOnce(
    store: CacheStore,
    entryKey: string,
    generation: string,
    compute: () => Promise<string>,
  ): Promise<Cached> {
    const lock = `${entryKey}:lock:${generation}`;
    const mine = await store.setIfFree(lock, '', LOCK_SECONDS).catch(ignoreAway);
    if (mine === undefined) return { text: await compute(), status: 'bypass' };
    if (!mine) {
      const text = await this.waitFor(store, entryKey, generation, lock);
      return text === undefined ? { text: await compute(), status: 'bypass' } : { text, status: 'hit' };
    }
    try {
      const text = await compute();
      await store.set(entryKey, `${generation}\n${text}`, this.ttlSeconds).catch(ignoreAway);
      return { text, status: 'miss' };
    } finally {
      await store.delete(lock).catch(ignoreAway);
    }
  }

  /** What another process computes; undefined when it gives up, or a new generation has begun. */
  private async waitFor(
    store: CacheStore,
    entryKey: string,
    generation: string,
    lock: string,
  ): Promise<string | undefined> {
    const end = performance.now() + LOCK_SECONDS * 1000;
    while (performance.now() < end) {
      await sleep(LOOK_AGAIN_MS);
      const [entry, held] = await store.get([entryKey, lock]).catch(() => [null, null]);
      if (entry?.startsWith(`${generation}\n`)) return entry.slice(generation.length + 1);
      if (held === null) return undefined;
    }
    return undefined;
  }
}

function ignoreAway(error: unknown): undefined {
  if (error instanceof CacheAwayError) return undefined;
  throw error;
}
