import { DescribeSecretCommand } from '@aws-sdk/client-secrets-manager';
import { rollServices, untilSteady } from './aws/deployments';
import { readersOf, secretReaders, servicesOf } from './aws/services';
import { isAwsError } from './aws/told-error';
import type { CommandResult, OperationsCommand } from './command';
import type { OperationsContext } from './context';
import { usageError } from './exit-codes';
import { ago } from './output/amounts';
import { bad, good, text, warning } from './output/block';
import type { Block, Cell } from './output/block';
import { putValue } from './secrets/pending-value';
import { rotationOf } from './secrets/rotate';
import { secretNamed, secretsOf } from './secrets/stage-secrets';
import type { StageSecret } from './secrets/stage-secrets';

/** What the app takes as ADMIN_TOKEN and what an HTTP header carries. */
const TOKEN = /^\S{16,}$/;

const ACTIONS = ['list', 'set', 'rotate'];

export const secrets: OperationsCommand = {
  name: 'secrets',
  summary: 'List secrets by name and age, set one, or rotate one',
  description:
    'Secrets of the stage: list shows names and ages and no value. set takes a value from standard input, or asks for it without showing it. rotate makes a new one, in the server too. Both then replace the containers that read it, and wait for that.',
  words: { '<action>': 'list, set or rotate', '[name]': 'for set and rotate: which, as list names it' },
  examples: [
    'secrets list --stage production',
    'secrets set PAYMENT_KEY --stage production --yes < key.txt',
    'secrets rotate queue --stage production',
  ],
  notLocal: 'its secrets are files in .holdfast',
  async run(context, { words: [action = '', name] }) {
    if (!ACTIONS.includes(action)) {
      throw usageError(`The action is "${action}"; allowed are ${ACTIONS.join(', ')}: write secrets list.`);
    }
    if (action === 'list') {
      if (name !== undefined) throw usageError(`secrets list has "${name}" too many: leave it out.`);
      return list(context);
    }
    if (name === undefined) {
      throw usageError(`secrets ${action} lacks the secret's name: npx holdfast secrets list shows them.`);
    }
    const secret = await secretNamed(context, name);
    return action === 'set' ? set(context, secret) : rotate(context, secret);
  },
};

async function list(context: OperationsContext): Promise<CommandResult> {
  const aws = await context.aws();
  const found = await context.terminal.during('Asking AWS', async () => {
    const readers = await secretReaders(aws, await servicesOf(aws, await context.configuration()));
    return Promise.all(
      (await secretsOf(context)).map(async (secret) => ({
        secret,
        readBy: readersOf(readers, secret.arn),
        changedAt: await changedAt(context, secret),
      })),
    );
  });
  return {
    data: {
      secrets: found.map(({ secret: { name, arn, field }, readBy, changedAt: at }) => ({
        ...{ name, arn, field: field ?? null, readBy, changedAt: at ?? null },
      })),
    },
    view: [
      {
        kind: 'table',
        columns: [
          { heading: 'Secret', cuts: 'end' },
          { heading: 'Changed', align: 'right' },
          { heading: 'Read at the start of', cuts: 'end' },
        ],
        rows: found.map(({ secret, readBy, changedAt: at }) => [
          secret.name,
          at === undefined ? bad('not there') : ago(at),
          readBy.join(', '),
        ]),
      },
    ],
  };
}

/** Undefined for a secret that is not there, which a list shows. */
async function changedAt(context: OperationsContext, { arn }: StageSecret): Promise<Date | undefined> {
  try {
    const { secrets: client } = await context.aws();
    const { LastChangedDate, CreatedDate } = await client.send(new DescribeSecretCommand({ SecretId: arn }));
    return LastChangedDate ?? CreatedDate;
  } catch (error) {
    if (isAwsError(error, 'ResourceNotFoundException')) return undefined;
    throw error;
  }
}

async function set(context: OperationsContext, secret: StageSecret): Promise<CommandResult> {
  if (secret.kind === 'server' && secret.existing !== true) {
    throw usageError(
      `The server knows ${secret.name} too, and would refuse the containers; allowed is to change both: write secrets rotate ${secret.name}.`,
    );
  }
  const readBy = await readers(context, secret);
  const value = await context.terminal.readSecret(secret.name);
  if (value === '') throw usageError(`The value of ${secret.name} is empty, and nothing was changed: give one.`);
  if (secret.kind === 'token' && !TOKEN.test(value)) {
    throw usageError(
      'The administration token is too short or has blanks; allowed are 16 characters or more without any.',
    );
  }
  await context.terminal.confirm(`Set ${secret.name} of stage ${context.stage}${andReplace(readBy)}?`);
  await putValue(await context.aws(), secret, value);
  await roll(context, readBy);
  return { data: { secret: secret.name, replaced: readBy }, view: view(good(`${secret.name} is set.`), readBy) };
}

async function rotate(context: OperationsContext, secret: StageSecret): Promise<CommandResult> {
  const { name } = secret;
  const rotation = rotationOf(context, secret);
  const readBy = await readers(context, secret);
  const what = (await rotation.isOpen())
    ? `End the rotation of ${name} of stage ${context.stage} that was interrupted, with the value that it has made`
    : `Give ${name} of stage ${context.stage} a new random value`;
  await context.terminal.confirm(`${rotation.noticed} ${what}${andReplace(readBy)}?`);
  const takenUp = await rotation.run(() => roll(context, readBy));
  const told = takenUp
    ? warning(
        `The rotation of ${name} that was interrupted has ended, with the value that it had made: run it again for another one.`,
      )
    : good(`${name} has a new value.`);
  return { data: { secret: name, replaced: readBy, takenUp }, view: view(told, readBy) };
}

async function readers(context: OperationsContext, secret: StageSecret): Promise<string[]> {
  const aws = await context.aws();
  const services = await servicesOf(aws, await context.configuration());
  return readersOf(await secretReaders(aws, services), secret.arn);
}

async function roll(context: OperationsContext, readBy: readonly string[]): Promise<void> {
  if (readBy.length === 0) return;
  const aws = await context.aws();
  const configuration = await context.configuration();
  context.terminal.say(`Replacing the containers of ${readBy.join(', ')}; running tasks finish as in a deploy.`);
  const asked = await context.terminal.during(
    'Changing the services',
    () => rollServices(aws, configuration, readBy, context.signal),
    {
      unfinished: 'the new value is there, and not all containers are replaced to read it: run the same command again.',
    },
  );
  await context.terminal.during(
    'Waiting for the new containers',
    (tell) => untilSteady(aws, configuration, asked, tell, context.signal),
    { goesOn: 'Amazon ECS goes on replacing the containers; npx holdfast status shows it.' },
  );
}

function andReplace(readBy: readonly string[]): string {
  return readBy.length === 0 ? '' : ` and replace the containers of ${readBy.join(', ')}`;
}

function view(told: Cell, readBy: readonly string[]): Block[] {
  const replaced =
    readBy.length === 0
      ? 'No container that runs reads it.'
      : `The containers of ${readBy.join(', ')} are replaced and read it.`;
  return [text(told), text(replaced)];
}
