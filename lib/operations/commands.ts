import type { OperationsCommand } from './command';
import { queues } from './queues.command';
import { status } from './status.command';

/** All commands, in the order of the help. */
export const COMMANDS: readonly OperationsCommand[] = [status, queues];
