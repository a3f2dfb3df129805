import { EXIT, OperationsError } from '../exit-codes';
import type { ExitCode } from '../exit-codes';

/** What one look has found. */
export interface Finding {
  /** What was looked at, in some words: `queue, eviction`. */
  readonly check: string;
  /** `unknown`: it could not be looked at. */
  readonly state: 'ok' | 'warning' | 'failed' | 'unknown';
  readonly found: string;
  /** What mends it, as a sentence. @default - nothing is to be mended */
  readonly fix?: string;
  /** Of the error that kept from looking. @default - nothing did */
  readonly exitCode?: ExitCode;
}

export function ok(check: string, found: string): Finding {
  return { check, state: 'ok', found };
}

export function failed(check: string, found: string, fix: string): Finding {
  return { check, state: 'failed', found, fix };
}

export function warned(check: string, found: string, fix: string): Finding {
  return { check, state: 'warning', found, fix };
}

/** A fact and what it ought to be: ok, or what mends it. */
export function expected(
  check: string,
  found: string,
  isRight: boolean,
  fix: string,
  otherwise: 'failed' | 'warning' = 'failed',
): Finding {
  return isRight ? ok(check, found) : { check, state: otherwise, found, fix };
}

/**
 * What mends a setting that is not as configured: CloudFormation compares templates, so a deploy leaves what was changed by
 * hand.
 * @param command of AWS that sets it.
 */
export function setAgain(command: string): string {
  return `Deploy, if the configuration was changed since the last one; what was changed by hand a deploy leaves: ${command}.`;
}

/** Looks, and takes what keeps it from looking as a finding of its own, so that the other looks are still taken. */
export async function look(check: string, work: () => Promise<readonly Finding[]>): Promise<readonly Finding[]> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof OperationsError) || error.exitCode === EXIT.interrupted) throw error;
    const { message: found, exitCode } = error;
    return [{ check, state: 'unknown', found, fix: 'Mend that, then look again.', exitCode }];
  }
}
