import { ModifyReplicationGroupCommand } from '@aws-sdk/client-elasticache';
import type { AuthTokenUpdateStatus, AuthTokenUpdateStrategyType } from '@aws-sdk/client-elasticache';
import { ModifyDBInstanceCommand } from '@aws-sdk/client-rds';
import { SECRET_LENGTHS } from '../../config';
import { databaseOf, redisOf } from '../aws/backing-servers';
import { DeploymentError } from '../aws/deployments';
import type { OperationsContext } from '../context';
import { missingError } from '../exit-codes';
import { isRotationOpen, pendingValue, putValue, randomValue } from './pending-value';
import type { PendingValue } from './pending-value';
import type { StageSecret } from './stage-secrets';
import { untilAvailable, untilTaken } from './until-available';
import type { ServerState } from './until-available';

export interface Rotation {
  /** What people notice meanwhile, as a sentence of the question. */
  readonly noticed: string;
  /** Whether one that was interrupted is open, whose value is taken up. */
  isOpen(): Promise<boolean>;
  /**
   * Makes the new value valid; `roll` replaces the containers and waits for them.
   * @returns whether it has ended an interrupted one, so that the value is none that was made now.
   */
  run(roll: () => Promise<void>): Promise<boolean>;
}

/** How a secret gets a new value. @throws OperationsError for one that somebody else gives out. */
export function rotationOf(context: OperationsContext, secret: StageSecret): Rotation {
  if (secret.kind !== 'server') {
    return {
      noticed: 'Whoever holds the old value needs the new one.',
      isOpen: () => Promise.resolve(false),
      run: ofApp(context, secret),
    };
  }
  if (secret.existing === true) {
    throw missingError(
      `${secret.name} is a server that existed before the stage: change its password there, then write it with secrets set ${secret.name}.`,
    );
  }
  const isOpen = async (): Promise<boolean> => isRotationOpen(await context.aws(), secret);
  if (secret.name === 'database') {
    return {
      isOpen,
      noticed:
        'Until the new containers have started, running ones keep their connections and cannot open others: some requests may be answered with 503 for minutes.',
      run: ofDatabase(context, secret),
    };
  }
  return {
    isOpen,
    noticed: 'Both tokens are valid until the new containers have started.',
    run: ofRedis(context, secret),
  };
}

/**
 * Does what follows once the new value is written down.
 * @returns whether an earlier run has written it down.
 */
async function finish(
  { terminal }: OperationsContext,
  { name }: StageSecret,
  pending: PendingValue,
  work: () => Promise<void>,
): Promise<boolean> {
  await terminal.during(
    `Rotating ${name}`,
    async () => {
      await work();
      await pending.end();
    },
    { unfinished: 'the rotation has not ended: run the same command again, which takes it up where it stopped.' },
  );
  return pending.isTakenUp;
}

/** Nobody but the containers knows it, so an interrupted one is done again from the start. */
function ofApp(context: OperationsContext, secret: StageSecret): Rotation['run'] {
  return async (roll) => {
    await putValue(await context.aws(), secret, randomValue(SECRET_LENGTHS.token));
    await roll();
    return false;
  };
}

function ofDatabase(context: OperationsContext, secret: StageSecret): Rotation['run'] {
  return async (roll) => {
    const aws = await context.aws();
    const state = async (): Promise<ServerState> => {
      const { DBInstanceStatus: status = '', PendingModifiedValues } = (await databaseOf(context)) ?? {};
      return { status, isPending: PendingModifiedValues?.MasterUserPassword !== undefined };
    };
    const pending = await pendingValue(aws, secret, SECRET_LENGTHS.database);
    return finish(context, secret, pending, async () => {
      if (!pending.isPromoted) {
        await untilAvailable(context, 'RDS is busy with the database', state);
        const change = new ModifyDBInstanceCommand({
          DBInstanceIdentifier: (await databaseOf(context))?.DBInstanceIdentifier,
          MasterUserPassword: pending.value,
          ApplyImmediately: true,
        });
        await aws.rds.send(change);
        await untilTaken(context, 'RDS changes the password', state);
        await pending.markAtServer();
        await pending.promote();
      }
      await twice(context, roll);
    });
  };
}

/**
 * Until they are replaced, old containers answer some requests with 503, which may sound the very alarm that takes the
 * deployment back. One that sounds already when a deployment begins does not (lib/observability/deployment-alarms.ts).
 */
async function twice(context: OperationsContext, roll: () => Promise<void>): Promise<void> {
  try {
    await roll();
  } catch (error) {
    if (!(error instanceof DeploymentError)) throw error;
    context.terminal.say(`${error.message} Once more: an alarm that sounds by now does not take the next one back.`);
    await roll();
  }
}

/**
 * Both tokens are valid between ROTATE and SET. A second ROTATE would take the oldest of two away, which containers may
 * still have, so it is written down that it was asked for; SET needs the token that was rotated last.
 * Source: ElastiCache guide, "Authenticating with the AUTH command".
 */
function ofRedis(context: OperationsContext, secret: StageSecret): Rotation['run'] {
  const concept = secret.name === 'cache' ? 'cache' : 'queue';
  return async (roll) => {
    const aws = await context.aws();
    const ask = async (AuthToken: string, AuthTokenUpdateStrategy: AuthTokenUpdateStrategyType): Promise<void> => {
      const ReplicationGroupId = (await redisOf(context, concept))?.ReplicationGroupId;
      const change = { ReplicationGroupId, AuthToken, AuthTokenUpdateStrategy, ApplyImmediately: true };
      await aws.elastiCache.send(new ModifyReplicationGroupCommand(change));
    };
    // While both are valid, ROTATING may stay among the pending values.
    const untilChanged = (finished: AuthTokenUpdateStatus[]): Promise<void> =>
      untilTaken(context, `ElastiCache changes the token of the ${concept}`, async () => {
        const { Status: status = '', PendingModifiedValues } = (await redisOf(context, concept)) ?? {};
        const now = PendingModifiedValues?.AuthTokenStatus;
        return { status, isPending: now !== undefined && !finished.includes(now) };
      });
    const pending = await pendingValue(aws, secret, SECRET_LENGTHS.redis);
    return finish(context, secret, pending, async () => {
      const seen = new Set<AuthTokenUpdateStatus | undefined>();
      await untilAvailable(context, `ElastiCache is busy with the ${concept}`, async () => {
        const { Status: status = '', PendingModifiedValues } = (await redisOf(context, concept)) ?? {};
        seen.add(PendingModifiedValues?.AuthTokenStatus);
        return { status };
      });
      if (!pending.isPromoted) {
        if (!pending.isAtServer) {
          // Where the run before ended between ROTATE and the mark, ElastiCache knows.
          if (!(pending.isTakenUp && seen.has('ROTATING'))) await ask(pending.value, 'ROTATE');
          await pending.markAtServer();
        }
        await untilChanged(['ROTATING']);
        await pending.promote();
      }
      await roll();
      await ask(pending.value, 'SET');
      await untilChanged([]);
    });
  };
}
