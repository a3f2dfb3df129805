import type { Acceptor } from '../accepting/acceptor';
import type { Finisher } from '../finishing/finisher';
import type { TaskContext, TaskLogger } from '../types';
import type { Attempt } from './attempt';
import { childLogger } from './child-logger';
import type { ProgressWriter } from './progress-writer';

export interface ContextParts {
  readonly finisher: Finisher;
  readonly acceptor: Acceptor;
  readonly progress: ProgressWriter;
  readonly logger: TaskLogger;
}

/** What the handler gets. Everything but the payload is made when it is first asked for: most handlers need little. */
export class AttemptContext implements TaskContext {
  constructor(
    private readonly own: Attempt,
    readonly payload: unknown,
    private readonly parts: ContextParts,
  ) {}

  get taskId(): string {
    return this.own.task.uuid;
  }

  get attempt(): number {
    return this.own.task.attempt;
  }

  get maxAttempts(): number {
    return this.own.task.maxAttempts;
  }

  get signal(): AbortSignal {
    return this.own.signal;
  }

  get log(): TaskLogger {
    const { uuid, name, attempt } = this.own.task;
    return childLogger(this.parts.logger, { task: uuid, name, attempt });
  }

  // The methods are values, so that handlers may take them out of the context.
  get progress(): TaskContext['progress'] {
    return (value) => this.parts.progress.set(this.own.task, value);
  }

  get effects(): TaskContext['effects'] {
    return (write) => void this.own.effects.push(write);
  }

  get transaction(): TaskContext['transaction'] {
    return (write) =>
      this.parts.acceptor.transaction(async (tx) => {
        await this.parts.finisher.holdFence(tx, this.own.task);
        return write(tx);
      });
  }
}
