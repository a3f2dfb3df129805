import { isAwsError } from '../aws/told-error';
import type { OperationsContext } from '../context';
import { isRotationOpen } from '../secrets/pending-value';
import { secretsOf } from '../secrets/stage-secrets';
import type { StageSecret } from '../secrets/stage-secrets';
import { failed, ok, warned } from './finding';
import type { Finding } from './finding';

/** Whether a rotation of what a server knows too was begun and has not ended: its old value may still be taken. */
export async function checkRotations(context: OperationsContext): Promise<Finding[]> {
  const rotated = (await secretsOf(context)).filter(({ kind, existing }) => kind === 'server' && existing !== true);
  const open = (await Promise.all(rotated.map((secret) => checkSecret(context, secret)))).flat();
  return open.length > 0 ? open : [ok('secrets', 'no rotation is open')];
}

async function checkSecret(context: OperationsContext, secret: StageSecret): Promise<Finding[]> {
  const check = `secrets, ${secret.name}`;
  try {
    if (!(await isRotationOpen(await context.aws(), secret))) return [];
    return [
      warned(
        check,
        'a rotation of it has not ended: the value of before may still be taken, and the next rotation makes no other',
        `Run npx holdfast secrets rotate ${secret.name}, which ends it; once more for another value.`,
      ),
    ];
  } catch (error) {
    if (!isAwsError(error, 'ResourceNotFoundException')) throw error;
    return [
      failed(check, 'it is not there', `Restore it: aws secretsmanager restore-secret --secret-id ${secret.arn}.`),
    ];
  }
}
