import { isSet, textOption } from './command';
import type { Input, OperationsCommand } from './command';
import type { OperationsContext } from './context';
import { runDrill } from './drill/drill';
import type { Disaster } from './drill/drill';
import { failover } from './drill/failover';
import { instanceLoss } from './drill/instance-loss';
import { queueLoss } from './drill/queue-loss';
import { reportView } from './drill/report-view';
import { EXIT, usageError } from './exit-codes';

const DRILLS = ['queue-loss', 'instance', 'failover'];
const PROBES = { least: 10, most: 9_000, otherwise: 1_000 };
const SECONDS = { least: 1, most: 600, otherwise: 20 };
const LIMIT = { least: 10, most: 3_600, otherwise: 300 };

export const drill: OperationsCommand = {
  name: 'drill',
  summary: 'Break something under load, count what was accepted and done',
  description:
    "Break something while probes run, and count what was accepted and done before, during and after. queue-loss empties the queue's Redis; instance stops what runs on one instance, with notice (locally kills a worker); failover fails the queue's Redis over, or the database. Exit code 1 when something was lost or took longer than the limit. Needs probes: true.",
  words: { '<drill>': 'queue-loss, instance or failover' },
  options: {
    '--probes <count>': `how many, and a tenth more after it (default: ${PROBES.otherwise.toLocaleString('en-US')})`,
    '--seconds <count>': `for how long they keep the workers busy (default: ${SECONDS.otherwise})`,
    '--limit <seconds>': `until when all has to be done (default: ${LIMIT.otherwise})`,
    '--database': 'with failover: of the database; requests fail for a minute or two',
  },
  examples: [
    'drill queue-loss --stage production',
    'drill queue-loss --stage local --yes',
    'drill failover --database --limit 600',
  ],
  async run(context, input) {
    const options = {
      name: drillAsked(input),
      probes: numberOption(input, 'probes', PROBES),
      busySeconds: numberOption(input, 'seconds', SECONDS),
      limitSeconds: numberOption(input, 'limit', LIMIT),
    };
    await requireProbes(context);
    const report = await runDrill(context, await disasterOf(context, input), options);
    return { data: report, view: reportView(report), exitCode: report.passed ? EXIT.done : EXIT.found };
  },
};

function drillAsked(input: Input): string {
  const [name = ''] = input.words;
  if (!DRILLS.includes(name)) {
    throw usageError(`The drill is "${name}"; allowed are ${DRILLS.join(', ')}: write drill queue-loss.`);
  }
  if (isSet(input, 'database') && name !== 'failover') {
    throw usageError(`--database is given with ${name}; allowed is it with failover: leave it out.`);
  }
  return name;
}

function numberOption(
  input: Input,
  name: string,
  { least, most, otherwise }: { readonly least: number; readonly most: number; readonly otherwise: number },
): number {
  const given = textOption(input, name) ?? String(otherwise);
  const number = /^\d{1,6}$/.test(given) ? Number(given) : -1;
  if (number >= least && number <= most) return number;
  throw usageError(
    `--${name} is "${given}"; allowed is a whole number from ${least} to ${most}: write --${name} ${otherwise}.`,
  );
}

/** The app would say so too, after questions were answered. */
async function requireProbes(context: OperationsContext): Promise<void> {
  if (context.isLocal) return;
  const { probes, stage } = await context.configuration();
  if (probes) return;
  throw usageError(`probes of stage ${stage} is false, and a drill needs them: set probes: true and deploy.`);
}

function disasterOf(context: OperationsContext, input: Input): Promise<Disaster> {
  switch (input.words[0]) {
    case 'queue-loss':
      return queueLoss(context);
    case 'instance':
      return instanceLoss(context);
    default:
      return failover(context, isSet(input, 'database') ? 'database' : 'queue');
  }
}
