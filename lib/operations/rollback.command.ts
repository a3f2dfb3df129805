import type { AwsClients } from './aws/clients';
import { rolledBackOf } from './aws/rollbacks';
import { definitionIfThere, deregister, revisionOf } from './aws/task-definitions';
import type { Definition } from './aws/task-definitions';
import { isSet, textOption } from './command';
import type { CommandResult, Input, OperationsCommand } from './command';
import type { OperationsContext } from './context';
import { missingError, usageError } from './exit-codes';
import { ago } from './output/amounts';
import { GAP, good, text } from './output/block';
import { previousVersion } from './rollback/previous-version';
import { registerAgain } from './rollback/register-again';
import { replaceDefinitions } from './rollback/replace-definitions';
import { runningVersions } from './rollback/running-version';
import type { RunningVersion } from './rollback/running-version';
import { undo } from './rollback/undo';

/** A deploy registers what it changes within minutes. */
const SAME_DEPLOY_MS = 15 * 60_000;

export const rollback: OperationsCommand = {
  name: 'rollback',
  summary: 'Run the versions before the last deploy again, within minutes',
  description:
    'Run the versions before the last deploy again: of all processes that it changed, or of one. Containers are replaced as in a deploy; the database keeps its migrations, which have to suit the version before. status, doctor and npx cdk deploy tell that it is rolled back until a deploy replaces the process, or --undo does.',
  words: { '[process]': 'web, worker-KIND or scheduler (default: all that the last deploy changed)' },
  options: {
    '--to <revision>': "with a process: this revision of its task definition, status shows today's",
    '--undo': 'run again what was deployed',
  },
  examples: ['rollback --stage production', 'rollback worker-default --to 41', 'rollback --undo --yes'],
  notLocal: 'it runs the files of this folder: check out others and start it again',
  async run(context, input) {
    const to = revisionAsked(input);
    await refuseDuringDeploy(context);
    const running = await runningVersions(context, input.words[0]);
    return isSet(input, 'undo') ? undo(context, running) : back(context, running, to);
  },
};

/** A process and the definition that it is to run. */
interface Change extends RunningVersion {
  readonly target: Definition;
}

function revisionAsked(input: Input): number | undefined {
  const given = textOption(input, 'to');
  if (given === undefined) return undefined;
  if (isSet(input, 'undo')) throw usageError('rollback has both --to and --undo; allowed is one: leave the other out.');
  if (input.words[0] === undefined) {
    throw usageError(`--to stands alone; allowed is it beside a process: write rollback web --to ${given}.`);
  }
  if (/^[1-9]\d{0,8}$/.test(given)) return Number(given);
  throw usageError(`--to is "${given}"; allowed is the number of a revision: write --to 41.`);
}

/** CloudFormation waits for what it has told the services, and would take another change for its own. */
async function refuseDuringDeploy(context: OperationsContext): Promise<void> {
  const { StackName = '', StackStatus = '' } = await (await context.deployed()).stack('stateless');
  if (!StackStatus.endsWith('_IN_PROGRESS')) return;
  // CancelUpdateStack takes a stack in this state only.
  const mend =
    StackStatus === 'UPDATE_IN_PROGRESS'
      ? `wait, or take it back with aws cloudformation cancel-update-stack --stack-name ${StackName}`
      : 'wait for its end';
  throw usageError(`A deploy of ${StackName} is under way (${StackStatus}); allowed is a rollback after it: ${mend}.`);
}

async function back(
  context: OperationsContext,
  running: readonly RunningVersion[],
  to: number | undefined,
): Promise<CommandResult> {
  const changes = await context.terminal.during('Looking for the versions before', () =>
    to === undefined ? changesBefore(context, running) : changesTo(context, running, to),
  );
  await context.terminal.confirm(
    `Run ${changes.map(({ process, definition, target }) => `${process} ${target.revision} instead of ${definition.revision} (registered ${registered(definition)})`).join(', ')} on stage ${context.stage}? The database keeps its migrations.`,
  );
  const moved: Move[] = [];
  const aws = await context.aws();
  await replaceDefinitions(context, changes, {
    make: async ({ service, definition, target, process }) => {
      const deployed = rolledBackOf(service, definition)?.fromArn ?? definition.arn;
      const arn = await registerAgain(aws, target, deployed);
      moved.push({ process, from: revisionOf(deployed), to: revisionOf(arn), sameAs: String(target.revision) });
      return arn;
    },
    unused: (arn) => deregister(aws, arn),
  });
  return {
    data: { stage: context.stage, rolledBack: moved },
    view: [
      ...moved.map(({ process, from, to: revision, sameAs }) =>
        text(good(`${process} runs what revision ${sameAs} was, as ${revision}, instead of ${from}.`)),
      ),
      GAP,
      text(
        'Next: deploy a mended version; processes that it does not change stay rolled back until npx holdfast rollback --undo.',
      ),
    ],
  };
}

async function changesTo(
  context: OperationsContext,
  running: readonly RunningVersion[],
  to: number,
): Promise<Change[]> {
  const aws = await context.aws();
  return Promise.all(
    running.map(async (each) => {
      const target = await definitionIfThere(aws, `${each.definition.family}:${to}`);
      if (target !== undefined) return { ...each, target };
      throw missingError(
        `${each.process} has no revision ${to}: aws ecs list-task-definitions --family-prefix ${each.definition.family} lists them.`,
      );
    }),
  );
}

/** Of what the last deploy changed, what is not rolled back yet: an interrupted rollback goes on. */
async function changesBefore(context: OperationsContext, running: readonly RunningVersion[]): Promise<Change[]> {
  const aws = await context.aws();
  const stage = await context.configuration();
  const changed = await ofLastDeploy(aws, running);
  const deployed = changed.filter(({ service, definition }) => rolledBackOf(service, definition) === undefined);
  const [first] = changed.flatMap(({ service, definition }) => rolledBackOf(service, definition) ?? []);
  if (first !== undefined && deployed.length === 0) {
    throw usageError(
      `${first.process} is rolled back already, from revision ${first.from} to ${first.to}; allowed is to end that first, or to name a revision: write rollback --undo, or rollback ${first.process} --to NUMBER.`,
    );
  }
  const found = await Promise.all(
    deployed.map(async (each) => {
      const target = await previousVersion(aws, stage, each.service, each.definition);
      return target === undefined ? [] : [{ ...each, target }];
    }),
  );
  const changes = found.flat();
  if (changes.length > 0) return changes;
  const names = deployed.map(({ process }) => process).join(', ');
  throw missingError(`No earlier version is known of ${names}: deploy the one that you want.`);
}

/** What the last deploy left alone was right before it, and is now. */
async function ofLastDeploy(aws: AwsClients, running: readonly RunningVersion[]): Promise<RunningVersion[]> {
  const timed = await Promise.all(
    running.map(async (each) => {
      const back = rolledBackOf(each.service, each.definition);
      const deployed = back === undefined ? undefined : await definitionIfThere(aws, back.fromArn);
      return { each, at: (deployed ?? each.definition).content.registeredAt?.getTime() ?? 0 };
    }),
  );
  const newest = Math.max(...timed.map(({ at }) => at));
  return timed.filter(({ at }) => newest - at <= SAME_DEPLOY_MS).map(({ each }) => each);
}

function registered({ content: { registeredAt } }: Definition): string {
  return registeredAt === undefined ? 'at an unknown time' : ago(registeredAt);
}

interface Move {
  readonly process: string;
  readonly from: string;
  readonly to: string;
  /** The earlier revision of which `to` is a copy. */
  readonly sameAs: string;
}
