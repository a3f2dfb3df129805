import { loadStage } from '../config';
import type { OperationsCommand } from './command';
import type { OperationsContext } from './context';
import { checkBootstrap, checkMachineImage, checkQuotas } from './doctor/account';
import { checkApp } from './doctor/app';
import { checkBuilder } from './doctor/builder';
import { checkDatabase } from './doctor/database';
import { look, ok, warned } from './doctor/finding';
import type { Finding } from './doctor/finding';
import { checkRedis } from './doctor/redis';
import { checkRotations } from './doctor/rotations';
import { checkAlarms, checkInstances, checkServices, checkStacks, checkTopic } from './doctor/running';
import { EXIT } from './exit-codes';
import type { ExitCode } from './exit-codes';
import { GAP, text } from './output/block';
import type { Block, Tone } from './output/block';

export const doctor: OperationsCommand = {
  name: 'doctor',
  summary: 'What is wrong before or after a deploy, and how to mend it',
  description:
    'Looks for what is wrong and names the fix of each. Before the deploy: configuration, credentials, bootstrap, quotas, the machine image, the image builder. After it too: stacks, processes, instances, queue, cache, database, alarms, tasks. Exit code 1 when something failed; warnings alone are 0.',
  examples: ['doctor --stage production', 'doctor --stage local', 'doctor --json'],
  async run(context) {
    const findings = await context.terminal.during('Looking', (tell) => lookAt(context, tell));
    return {
      data: { stage: context.stage, findings },
      view: [...findings.flatMap(findingBlocks), GAP, verdict(findings)],
      exitCode: exitCodeOf(findings),
    };
  },
};

type Check = readonly [string, (context: OperationsContext) => Promise<readonly Finding[]>];

const BEFORE: readonly Check[] = [
  ['bootstrap', checkBootstrap],
  ['quotas', checkQuotas],
  ['machine image', checkMachineImage],
];
const AFTER: readonly Check[] = [
  ['stacks', checkStacks],
  ['processes', checkServices],
  ['instances', checkInstances],
  ['queue', checkRedis],
  ['database', checkDatabase],
  ['secrets', checkRotations],
  ['alarms', checkAlarms],
  ['alarms, who is told', checkTopic],
  ['app', checkApp],
];

async function lookAt(context: OperationsContext, tell: (what: string) => void): Promise<readonly Finding[]> {
  if (context.isLocal) return look('app', () => checkApp(context));
  const findings: Finding[] = [...(await checkConfiguration(context))];
  const through = async (checks: readonly Check[]): Promise<void> => {
    for (const [name, check] of checks) {
      tell(name);
      findings.push(...(await look(name, () => check(context))));
    }
  };
  await through([['image builder', checkBuilder]]);
  const [credentials] = await look('credentials', () => checkCredentials(context));
  if (credentials !== undefined) findings.push(credentials);
  if (credentials?.state !== 'ok') return findings;
  await through(BEFORE);
  const deploy = await look('deploy', () => checkDeploy(context));
  findings.push(...deploy);
  if (!deploy.some(({ state }) => state === 'ok')) await through(AFTER);
  return findings;
}

/** @throws OperationsError when the configuration has mistakes: without it nothing else can be looked at. */
async function checkConfiguration(context: OperationsContext): Promise<Finding[]> {
  const { acknowledge } = await context.configuration();
  const { default: all } = await context.deployment();
  const { warnings } = context.checked(() => loadStage(all, context.stage));
  const open = warnings.filter(({ id }) => acknowledge[id] === undefined);
  return [
    ok('configuration', `${context.options.file} has no mistake`),
    ...open.map(({ id, text: sentence }) =>
      warned(`configuration, ${id}`, sentence, `Mend it, or accept it: acknowledge: { '${id}': 'why' }.`),
    ),
  ];
}

async function checkCredentials(context: OperationsContext): Promise<Finding[]> {
  const account = await context.account();
  const { region } = await context.configuration();
  const { environment } = context.options;
  const other = environment['AWS_REGION'] ?? environment['AWS_DEFAULT_REGION'];
  const aside = other === undefined || other === region ? '' : `; AWS_REGION is ${other}, and is not used here`;
  return [ok('credentials', `account ${account}, region ${region} of the configuration${aside}`)];
}

/** @returns nothing for a stage that is deployed. */
async function checkDeploy(context: OperationsContext): Promise<Finding[]> {
  const stage = await context.deployed();
  for (const part of ['stateful', 'stateless'] as const) if ((await stage.findStack(part)) !== undefined) return [];
  return [ok('deploy', 'not deployed yet; once it is, doctor looks at what runs')];
}

const SHOWN: Readonly<Record<Finding['state'], { readonly word: string; readonly tone: Tone }>> = {
  ok: { word: 'ok', tone: 'good' },
  warning: { word: 'warning', tone: 'warning' },
  failed: { word: 'FAILED', tone: 'bad' },
  unknown: { word: 'unknown', tone: 'warning' },
};
const WORD_WIDTH = 9;

function findingBlocks({ check, state, found, fix }: Finding): Block[] {
  const { word, tone } = SHOWN[state];
  const sentence = `${word.padEnd(WORD_WIDTH)}${check}: ${found}`;
  return [
    { kind: 'text', text: { text: sentence, tone }, indent: WORD_WIDTH },
    ...(fix === undefined
      ? []
      : [{ kind: 'text' as const, text: `Fix: ${fix}`, start: WORD_WIDTH, indent: WORD_WIDTH }]),
  ];
}

function verdict(findings: readonly Finding[]): Block {
  const count = (state: Finding['state']): number => findings.filter((finding) => finding.state === state).length;
  const words = [
    `${count('ok')} in order`,
    ...(count('warning') > 0 ? [`${count('warning')} to look at`] : []),
    ...(count('unknown') > 0 ? [`${count('unknown')} not known`] : []),
    ...(count('failed') > 0 ? [`${count('failed')} failed`] : []),
  ].join(', ');
  const tone = count('failed') > 0 ? 'bad' : count('warning') + count('unknown') > 0 ? 'warning' : 'good';
  return text({ text: `${words}.`, tone });
}

function exitCodeOf(findings: readonly Finding[]): ExitCode {
  const credentials = findings.find(({ check }) => check === 'credentials');
  if (credentials?.exitCode !== undefined) return credentials.exitCode;
  if (findings.some(({ state }) => state === 'failed')) return EXIT.found;
  return findings.some(({ state }) => state === 'unknown') ? EXIT.unavailable : EXIT.done;
}
