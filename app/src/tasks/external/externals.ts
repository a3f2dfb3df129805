import { within } from '../pause';
import type { OnUnknown } from '../types';
import { Parked } from './parked';

/** One external effect of an attempt, while it is under way. */
export interface Known {
  /** What came of it is known, or whoever called deals with it. */
  settle(): void;
  /** What came of it is unknown, and a person must decide. */
  doubt(cause: unknown): Parked;
}

interface State {
  readonly onUnknown: OnUnknown;
  state: 'open' | 'unknown' | 'settled';
  cause?: unknown;
  readonly settled: Promise<void>;
}

/** How long calls may outlast their handler; then they count as unknown. */
const CALL_GRACE_MS = 5_000;

/** The external effects of one attempt: which keys it used, and of which it does not know whether they happened. */
export class Externals {
  private readonly states = new Map<string, State>();

  get any(): boolean {
    return this.states.size > 0;
  }

  has(key: string): boolean {
    return this.states.has(key);
  }

  begin(key: string, onUnknown: OnUnknown): Known {
    let resolve = (): void => undefined;
    const settled = new Promise<void>((done) => (resolve = done));
    const state: State = { onUnknown, state: 'open', settled };
    this.states.set(key, state);
    const become = (next: State['state']): void => {
      if (state.state === 'open') state.state = next;
      resolve();
    };
    return {
      settle: () => become('settled'),
      doubt: (cause) => {
        state.cause = cause;
        become('unknown');
        return new Parked([key], cause);
      },
    };
  }

  /**
   * Waits a moment for calls that outlast their handler.
   * @returns what the attempt has to end with whatever its handler said: Parked while a person must decide, an error when
   * a handler that succeeded did not await its calls; undefined when nothing is in doubt.
   */
  async verdict(handlerSucceeded: boolean): Promise<Error | undefined> {
    const open = this.in('open');
    if (open.length > 0) await within(CALL_GRACE_MS, Promise.all(open.map(([, { settled }]) => settled)));
    const unknown = [...this.in('unknown'), ...this.in('open')].filter(([, { onUnknown }]) => onUnknown === 'park');
    if (unknown.length > 0) {
      const cause: unknown = unknown.find(([, state]) => state.cause !== undefined)?.[1].cause;
      const keys = unknown.map(([key]) => key);
      return new Parked(keys, cause);
    }
    const [left] = this.in('open');
    if (!handlerSucceeded || left === undefined) return undefined;
    return new Error(`the handler returned before its external effect ${JSON.stringify(left[0])} had ended; await it`);
  }

  private in(wanted: State['state']): [string, State][] {
    return [...this.states].filter(([, { state }]) => state === wanted);
  }
}
