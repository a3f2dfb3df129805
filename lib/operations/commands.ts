import type { OperationsCommand } from './command';
import { backup } from './backup.command';
import { cost } from './cost.command';
import { diagram } from './diagram.command';
import { doctor } from './doctor.command';
import { logs } from './logs.command';
import { pause, resume } from './pause.command';
import { queues } from './queues.command';
import { resolve } from './resolve.command';
import { retry } from './retry.command';
import { secrets } from './secrets.command';
import { status } from './status.command';
import { task } from './task.command';

/** All commands, in the order of the help. */
export const COMMANDS: readonly OperationsCommand[] = [
  status,
  queues,
  task,
  retry,
  resolve,
  pause,
  resume,
  logs,
  secrets,
  doctor,
  backup,
  cost,
  diagram,
];
