import { ModifyReplicationGroupCommand } from '@aws-sdk/client-elasticache';
import type { AuthTokenUpdateStrategyType } from '@aws-sdk/client-elasticache';
import { ModifyDBInstanceCommand } from '@aws-sdk/client-rds';
import { SECRET_LENGTHS } from '../../config';
import { databaseOf, redisOf } from '../aws/backing-servers';
import { pause } from '../aws/services';
import type { OperationsContext } from '../context';
import { missingError } from '../exit-codes';
import { pendingValue } from './pending-value';
import type { StageSecret } from './stage-secrets';

const POLL_MS = 5_000;
const GOES_ON = 'what AWS has begun goes on; the same command takes the rotation up where it stopped.';

export interface Rotation {
  /** What people notice meanwhile, as a sentence of the question. */
  readonly noticed: string;
  /** Makes the new value valid; `roll` replaces the containers and waits for them. */
  run(roll: () => Promise<void>): Promise<void>;
}

/** How a secret gets a new value. @throws OperationsError for one that somebody else gives out. */
export function rotationOf(context: OperationsContext, secret: StageSecret): Rotation {
  if (secret.kind !== 'server')
    return { noticed: 'Whoever holds the old value needs the new one.', run: ofApp(context, secret) };
  if (secret.existing === true) {
    throw missingError(
      `${secret.name} is a server that existed before the stage: change its password there, then write it with secrets set ${secret.name}.`,
    );
  }
  if (secret.name === 'database') {
    return {
      noticed:
        'Until the new containers have started, running ones keep their connections and cannot open others: some requests may be answered with 503 for minutes.',
      run: ofDatabase(context, secret),
    };
  }
  return { noticed: 'Both tokens are valid until the new containers have started.', run: ofRedis(context, secret) };
}

function ofApp(context: OperationsContext, secret: StageSecret): Rotation['run'] {
  return async (roll) => {
    const pending = await pendingValue(await context.aws(), secret, SECRET_LENGTHS.token);
    await pending.promote();
    await roll();
  };
}

function ofDatabase(context: OperationsContext, secret: StageSecret): Rotation['run'] {
  return async (roll) => {
    const aws = await context.aws();
    const database = await databaseOf(context);
    const pending = await pendingValue(aws, secret, SECRET_LENGTHS.database);
    const change = new ModifyDBInstanceCommand({
      DBInstanceIdentifier: database?.DBInstanceIdentifier,
      MasterUserPassword: pending.value,
      ApplyImmediately: true,
    });
    await aws.rds.send(change);
    await until(context, 'RDS changes the password', async () => {
      const { DBInstanceStatus = '', PendingModifiedValues } = (await databaseOf(context)) ?? {};
      const isPending = PendingModifiedValues?.MasterUserPassword !== undefined;
      return { done: DBInstanceStatus === 'available' && !isPending, detail: DBInstanceStatus };
    });
    await pending.promote();
    await roll();
  };
}

/**
 * Both tokens are valid between ROTATE and SET.
 * Source: ElastiCache guide, "Rotating an existing AUTH token".
 */
function ofRedis(context: OperationsContext, secret: StageSecret): Rotation['run'] {
  const concept = secret.name === 'cache' ? 'cache' : 'queue';
  return async (roll) => {
    const aws = await context.aws();
    const group = await redisOf(context, concept);
    const pending = await pendingValue(aws, secret, SECRET_LENGTHS.redis);
    const change = async (AuthTokenUpdateStrategy: AuthTokenUpdateStrategyType): Promise<void> => {
      const asked = { ReplicationGroupId: group?.ReplicationGroupId, AuthToken: pending.value, ApplyImmediately: true };
      await aws.elastiCache.send(new ModifyReplicationGroupCommand({ ...asked, AuthTokenUpdateStrategy }));
      await until(context, `ElastiCache changes the token of the ${concept}`, async () => {
        const { Status = '', PendingModifiedValues } = (await redisOf(context, concept)) ?? {};
        const isPending = PendingModifiedValues?.AuthTokenStatus !== undefined;
        return { done: Status === 'available' && (!isPending || AuthTokenUpdateStrategy === 'ROTATE'), detail: Status };
      });
    };
    await change('ROTATE');
    await pending.promote();
    await roll();
    await change('SET');
  };
}

async function until(
  context: OperationsContext,
  what: string,
  ask: () => Promise<{ readonly done: boolean; readonly detail: string }>,
): Promise<void> {
  await context.terminal.during(
    what,
    async (tell) => {
      for (;;) {
        // At once AWS may still show the state of before.
        await pause(POLL_MS, context.signal);
        const { done, detail } = await ask();
        if (done) return;
        tell(detail);
      }
    },
    { goesOn: GOES_ON },
  );
}
