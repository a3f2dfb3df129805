import { nextLookMs, pause } from '../aws/services';
import type { OperationsContext } from '../context';
import { usageError } from '../exit-codes';

const POLL_MS = 5_000;

/** `HOLDFAST_SETTLE_SECONDS` of an environment whose AWS shows a change at once. */
const SETTLE_VARIABLE = 'HOLDFAST_SETTLE_SECONDS';

/** As long as Terraform's AWS provider waits after ModifyReplicationGroup before it believes `available`. */
const SETTLE_SECONDS = 30;

/** What RDS or ElastiCache says of a server. */
export interface ServerState {
  readonly status: string;
  /** Whether a modification that has to be waited for is still among the pending ones. */
  readonly isPending: boolean;
}

/**
 * Tells when a server has taken a modification. Right after it was asked for AWS may still say `available`, so that counts
 * only when another state was seen before it, or after `settleMs`.
 */
export class Settling {
  private hasMoved = false;

  constructor(private readonly settleMs: number) {}

  /** @param elapsedMs milliseconds since the modification was asked for. */
  isOver({ status, isPending }: ServerState, elapsedMs: number): boolean {
    if (status === 'available' && !isPending) return this.hasMoved || elapsedMs >= this.settleMs;
    this.hasMoved = true;
    return false;
  }
}

/** Waits until the server can be modified. */
export function untilAvailable(
  context: OperationsContext,
  what: string,
  ask: () => Promise<Pick<ServerState, 'status'>>,
): Promise<void> {
  return until(context, what, new Settling(0), async () => ({ ...(await ask()), isPending: false }));
}

/** Waits until the server has taken what was just asked of it. */
export function untilTaken(context: OperationsContext, what: string, ask: () => Promise<ServerState>): Promise<void> {
  return until(context, what, new Settling(settleMs(context.options.environment)), ask);
}

async function until(
  context: OperationsContext,
  what: string,
  settling: Settling,
  ask: () => Promise<ServerState>,
): Promise<void> {
  const begun = performance.now();
  await context.terminal.during(what, async (tell) => {
    for (let look = 0; ; look += 1) {
      const state = await ask();
      if (settling.isOver(state, performance.now() - begun)) return;
      tell(state.status);
      await pause(nextLookMs(look, POLL_MS), context.signal);
    }
  });
}

/** @returns milliseconds. @throws OperationsError for what is no number. */
function settleMs({ [SETTLE_VARIABLE]: given = String(SETTLE_SECONDS) }: NodeJS.ProcessEnv): number {
  if (/^\d{1,4}$/.test(given)) return Number(given) * 1_000;
  throw usageError(`${SETTLE_VARIABLE} is "${given}"; allowed is a number of seconds: leave it out on AWS.`);
}
