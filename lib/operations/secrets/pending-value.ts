import { randomInt } from 'node:crypto';
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import type { AwsClients } from '../aws/clients';
import { EXIT, OperationsError, usageError } from '../exit-codes';
import type { StageSecret } from './stage-secrets';

const CURRENT = 'AWSCURRENT';
const PENDING = 'AWSPENDING';
/** Our own staging label: the server has been given this version. */
const AT_SERVER = 'HOLDFAST_ROTATED';
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** Letters and digits, which need no escaping in a URL, a shell or an HTTP header; 6 bits each. */
export function randomValue(length: number): string {
  return Array.from({ length }, () => LETTERS[randomInt(LETTERS.length)]).join('');
}

/** A new value of a server's secret, written down so that a rotation that was interrupted goes on with it. */
export interface PendingValue {
  readonly value: string;
  /** Whether an earlier run has written this value down. */
  readonly isTakenUp: boolean;
  /** Whether an earlier run has given it to the server. */
  readonly isAtServer: boolean;
  /** Whether an earlier run has made it the one that containers read. */
  readonly isPromoted: boolean;
  /** Writes down that the server has been given it. */
  markAtServer(): Promise<void>;
  /** Makes it the one that containers read. It stays pending until `end`. */
  promote(): Promise<void>;
  /** Writes down that the rotation is over. */
  end(): Promise<void>;
}

/** Whether a rotation was begun and has not ended, so that the next one takes its value up. */
export async function isRotationOpen(aws: AwsClients, secret: StageSecret): Promise<boolean> {
  return (await versionsOf(aws, secret)).left !== undefined;
}

interface Versions {
  readonly current: string | undefined;
  readonly marked: string | undefined;
  /** What an interrupted rotation has left. */
  readonly left: string | undefined;
}

/**
 * Source: Secrets Manager guide, "How rotation works": the staging labels AWSPENDING and AWSCURRENT. A pending version that
 * is current was promoted by us only if it has our label too: AWS's own rotations may leave AWSPENDING where they end.
 */
async function versionsOf(aws: AwsClients, { arn }: StageSecret): Promise<Versions> {
  const { VersionIdsToStages = {} } = await aws.secrets.send(new DescribeSecretCommand({ SecretId: arn }));
  const holding = (stage: string): string | undefined =>
    Object.entries(VersionIdsToStages).find(([, stages]) => stages.includes(stage))?.[0];
  const [current, pending, marked] = [holding(CURRENT), holding(PENDING), holding(AT_SERVER)];
  return { current, marked, left: pending !== current || pending === marked ? pending : undefined };
}

/** The value that an interrupted rotation has left, or a new one. */
export async function pendingValue(aws: AwsClients, secret: StageSecret, length: number): Promise<PendingValue> {
  const { current, marked, left } = await versionsOf(aws, secret);
  const isTakenUp = left !== undefined;
  const made = isTakenUp
    ? { value: valueIn(await read(aws, secret, PENDING), secret), version: left }
    : await newPending(aws, secret, length);
  const { value, version } = made;
  const label = async (VersionStage: string, from: string | undefined, to: string | undefined): Promise<void> => {
    if (from === to) return;
    await aws.secrets.send(
      new UpdateSecretVersionStageCommand({
        ...{ SecretId: secret.arn, VersionStage },
        ...(to === undefined ? {} : { MoveToVersionId: to }),
        ...(from === undefined ? {} : { RemoveFromVersionId: from }),
      }),
    );
  };
  return {
    ...{ value, isTakenUp, isAtServer: version === marked, isPromoted: version === current },
    markAtServer: () => label(AT_SERVER, marked, version),
    promote: () => label(CURRENT, current, version),
    end: async () => {
      await label(PENDING, version, undefined);
      await label(AT_SERVER, version, undefined);
    },
  };
}

async function newPending(
  aws: AwsClients,
  secret: StageSecret,
  length: number,
): Promise<{ readonly value: string; readonly version: string }> {
  const value = randomValue(length);
  const SecretString = withValue(secret.field === undefined ? '' : await read(aws, secret, CURRENT), secret, value);
  const put = new PutSecretValueCommand({ SecretId: secret.arn, SecretString, VersionStages: [PENDING] });
  const { VersionId: version = '' } = await aws.secrets.send(put);
  return { value, version };
}

/** Writes a value that is valid at once; of a secret in JSON its other fields stay. */
export async function putValue(aws: AwsClients, secret: StageSecret, value: string): Promise<void> {
  const SecretString = withValue(secret.field === undefined ? '' : await read(aws, secret, CURRENT), secret, value);
  await aws.secrets.send(new PutSecretValueCommand({ SecretId: secret.arn, SecretString }));
}

async function read(aws: AwsClients, { arn, name }: StageSecret, VersionStage: string): Promise<string> {
  const { SecretString } = await aws.secrets.send(new GetSecretValueCommand({ SecretId: arn, VersionStage }));
  if (SecretString !== undefined) return SecretString;
  throw usageError(`The secret ${name} is binary; allowed here is text: set it with the AWS command line.`);
}

function valueIn(content: string, secret: StageSecret): string {
  if (secret.field === undefined) return content;
  const value = fieldsOf(content, secret)[secret.field];
  if (typeof value === 'string') return value;
  throw notJson(secret);
}

function withValue(content: string, secret: StageSecret, value: string): string {
  if (secret.field === undefined) return value;
  return JSON.stringify({ ...fieldsOf(content, secret), [secret.field]: value });
}

function fieldsOf(content: string, secret: StageSecret): Readonly<Record<string, unknown>> {
  try {
    const fields: unknown = JSON.parse(content);
    if (typeof fields === 'object' && fields !== null) return fields as Readonly<Record<string, unknown>>;
  } catch {
    // Told below, without what it holds.
  }
  throw notJson(secret);
}

function notJson({ name, field = '' }: StageSecret): OperationsError {
  return new OperationsError(
    EXIT.found,
    `The secret ${name} is no JSON with the field "${field}", which the configuration says: set it as a whole in the Secrets Manager console.`,
  );
}
