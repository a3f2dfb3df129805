import { STEP_NAMES } from '../emulator/scenario/step-names';

/** A fault of the list that this suite does not bring: another command does, and its result is not counted here. */
export interface RowElsewhere {
  readonly id: string;
  readonly fault: string;
  readonly mustHold: string;
  /** The command. */
  readonly command: string;
  /** As the command names it. */
  readonly step: string;
}

const COMMAND = 'npm run test:deploy';

export const ROWS_ELSEWHERE: readonly RowElsewhere[] = [
  {
    id: 'I4',
    fault: 'bad image rolled out (crash loop)',
    mustHold: 'rolled back, the old version serves throughout',
    command: COMMAND,
    step: STEP_NAMES.brokenImage,
  },
  {
    id: 'I5',
    fault: 'migration fails',
    mustHold: 'nothing new serves, the old version goes on',
    command: COMMAND,
    step: STEP_NAMES.failingMigration,
  },
];

export function where({ command, step }: RowElsewhere): string {
  return `not run here, and not counted: ${command}, step "${step}"`;
}
