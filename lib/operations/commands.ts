import type { OperationsCommand } from './command';
import { backup } from './backup.command';
import { connect } from './connect.command';
import { cost } from './cost.command';
import { diagram } from './diagram.command';
import { doctor } from './doctor.command';
import { drill } from './drill.command';
import { exec } from './exec.command';
import { logs } from './logs.command';
import { pause, resume } from './pause.command';
import { queues } from './queues.command';
import { resolve } from './resolve.command';
import { retry } from './retry.command';
import { rollback } from './rollback.command';
import { run } from './run.command';
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
  doctor,
  rollback,
  run,
  exec,
  connect,
  secrets,
  backup,
  drill,
  cost,
  diagram,
];
