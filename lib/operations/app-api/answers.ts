/** What the app's administration routes answer (GET /docs of the app describes them), as far as commands read it. */
export interface Queue {
  readonly name: string;
  readonly backlog: number;
  readonly scheduled: number;
  readonly waiting: number;
  readonly running: number;
  readonly parked: number;
  readonly dead: number;
  readonly pausedAt: string | null;
  readonly maxRunning: number | null;
  readonly rateLimit: { readonly count: number; readonly perSeconds: number } | null;
  readonly oldestAgeSeconds: number;
}

export interface Worker {
  readonly id: string;
  readonly host?: string;
  readonly pid?: number;
  readonly kind: string;
  readonly queues: readonly string[];
  readonly concurrency: number;
  readonly running: number;
  readonly source: 'redis' | 'postgres';
  readonly draining: boolean;
  readonly heartbeatAgeSeconds: number;
  readonly startedAt: string;
}

export interface UnknownKind {
  /** `name@version` */
  readonly kind: string;
  readonly queue: string;
  readonly count: number;
  readonly oldestAgeSeconds: number;
}

export interface QueuesAnswer {
  readonly queues: readonly Queue[];
  readonly workers: readonly Worker[];
  readonly unknownKinds: readonly UnknownKind[];
}

export interface Task {
  readonly id: string;
  readonly name: string;
  readonly queue: string;
  readonly priority: string;
  readonly state: string;
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly runAt: string;
  readonly progress: unknown;
  readonly acceptedAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly error: string | null;
}

export interface Attempt {
  readonly attempt: number;
  readonly worker: string | null;
  readonly startedAt: string;
  readonly finishedAt: string | null;
  readonly error: string | null;
}

export interface Neighbour {
  readonly id?: string;
  readonly name: string;
  readonly state: string;
  readonly onFailure: string;
}

export interface Effect {
  readonly key: string;
  readonly onUnknown: 'repeat' | 'park';
  readonly intentAt: string;
  readonly receiptAt: string | null;
  readonly resolved: boolean;
}

export interface TaskDetails extends Task {
  readonly result: unknown;
  readonly attempts: readonly Attempt[];
  readonly after: readonly Neighbour[];
  readonly before: readonly Neighbour[];
  readonly effects: readonly Effect[];
}

export interface TaskPage {
  readonly items: readonly Task[];
  readonly next: string | null;
}

export interface Bulk {
  readonly changed: number;
  readonly requested: number;
  readonly left: number;
  readonly complete: boolean;
  readonly next: string | null;
}
