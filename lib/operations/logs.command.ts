import { logGroupName } from '../config';
import { similarTo } from '../config/similar';
import { isAwsError } from './aws/told-error';
import { isSet, textOption } from './command';
import type { Input, OperationsCommand } from './command';
import type { OperationsContext } from './context';
import { missingError, usageError } from './exit-codes';
import { followLog, lastLines } from './logs/cloudwatch-log';
import { followLocal, localLines, localLogFile } from './logs/local-log';
import { readableLine } from './logs/log-line';
import type { LogLine } from './logs/log-line';

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DEFAULT_LINES = 100;
const MOST_LINES = 10_000;

export const logs: OperationsCommand = {
  name: 'logs',
  summary: "A process's log, the last lines or as they come",
  description:
    "A process's log: its last lines, or lines as they come. Times are UTC. With --json each line is an object of its own: at, process, from, message.",
  words: { '<process>': 'web, worker-KIND, scheduler or migration; locally a file of .holdfast/logs' },
  options: {
    '--follow': 'go on with new lines until Ctrl-C',
    '--since <time>': 'how far back: 30s, 10m, 2h, 1d (default: 10m)',
    '--grep <words>': 'only lines that contain these words',
    '--lines <count>': `at most so many, the last (default: ${DEFAULT_LINES})`,
  },
  examples: ['logs web --stage production', 'logs worker-default --follow', 'logs migration --since 2h --grep error'],
  async run(context, input) {
    const [process = ''] = input.words;
    const query = { since: sinceOf(input), words: textOption(input, 'grep') };
    const limit = limitOf(input);
    const take = (line: LogLine): void => writeLine(context, process, line);
    const follow = { take, signal: context.signal };
    if (context.isLocal) {
      const local = { ...query, process, file: localLogFile(context.options.root, process) };
      if (isSet(input, 'follow')) await followLocal(local, follow);
      localLines(local).slice(-limit).forEach(take);
      return undefined;
    }
    const aws = await context.aws();
    const group = logGroupName(await context.configuration(), await processNamed(context, process));
    try {
      if (isSet(input, 'follow')) await followLog(aws, { ...query, group }, follow);
      const lines = await context.terminal.during('Reading the log', () =>
        lastLines(aws, { ...query, group }, { limit, signal: context.signal }),
      );
      lines.forEach(take);
      if (lines.length === 0)
        context.terminal.say(`${process} wrote nothing in that time; --since 1h looks further back.`);
    } catch (error) {
      if (!isAwsError(error, 'ResourceNotFoundException')) throw error;
      throw missingError(`There is no log group ${group} in ${aws.region}: deploy the stage ${context.stage} first.`);
    }
    return undefined;
  },
};

function writeLine({ terminal }: OperationsContext, process: string, line: LogLine): void {
  terminal.write(`${terminal.json ? JSON.stringify({ process, ...line }) : readableLine(line, terminal.rendering)}\n`);
}

async function processNamed(context: OperationsContext, process: string): Promise<string> {
  const { workers, scheduler, migration } = await context.configuration();
  const names = [
    'web',
    ...Object.keys(workers).map((kind) => `worker-${kind}`),
    ...(scheduler === undefined ? [] : ['scheduler']),
    ...(migration === undefined ? [] : ['migration']),
  ];
  if (names.includes(process)) return process;
  const meant = similarTo(process, names) ?? names.find((name) => name === `worker-${process}`);
  throw missingError(
    `The process is "${process}"; allowed is ${names.join(' or ')}${meant === undefined ? '' : `: write ${meant}`}.`,
  );
}

function sinceOf(input: Input): number {
  const given = textOption(input, 'since') ?? '10m';
  const [, amount, unit = ''] = /^(\d{1,6})([smhd])$/.exec(given) ?? [];
  const factor = UNITS[unit];
  if (amount !== undefined && factor !== undefined) return Date.now() - Number(amount) * factor;
  throw usageError(`--since is "${given}"; allowed is a number with s, m, h or d behind it: write --since 2h.`);
}

function limitOf(input: Input): number {
  const given = textOption(input, 'lines') ?? String(DEFAULT_LINES);
  const lines = /^\d+$/.test(given) ? Number(given) : 0;
  if (lines >= 1 && lines <= MOST_LINES) return lines;
  throw usageError(`--lines is "${given}"; allowed is a whole number from 1 to ${MOST_LINES}: write --lines 200.`);
}
