import type { BenchContext, Benchmark } from '../benchmark';
import { packageVersion, readEnvironment } from '../environment';
import type { Comparison, Report } from '../report';
import { quantile, summarise } from '../statistics';
import type { ContenderName } from './contender';
import { BATCH_CALLERS, COALESCED_CALLERS, CONCURRENCY, CONTENDERS, SINGLE_CALLERS } from './contender';
import type { Figure, Scene } from './scenes';
import { SCENES, STEADY_PER_SECOND, STEADY_TASKS } from './scenes';
import { Stores } from './stores';
import { Troupe } from './troupe';

/** The figures in the order of the table. */
const FIGURES: readonly Figure[] = [
  'accept-single',
  'accept-coalesced',
  'accept-batch',
  'processed-1',
  'processed-2',
  'cpu-1',
  'cpu-2',
  'both-at-once',
  'start-p50',
  'start-p99',
].flatMap((id) => SCENES.flatMap((scene) => scene.figures.filter((figure) => figure.id === id)));

/** Figure to contender to one value a round. */
type Values = Map<string, Record<ContenderName, number[]>>;

/** Tasks before the measured ones, so that neither compiler nor caches are cold: a tenth, within these bounds. */
const WARM_UP = { least: 500, most: 5_000 };

/** The task engine beside bare BullMQ. */
export const tasksBenchmark: Benchmark = {
  name: 'tasks',
  summary: 'durable tasks beside bare BullMQ: accepting, processing, both at once, latency',
  figures: FIGURES.map(({ id }) => id),
  run: async (context) => {
    const { servers, options, progress, signal } = context;
    const environment = await readEnvironment(servers, ['bullmq', 'ioredis', 'pg']);
    const stores = await Stores.open(servers);
    const values: Values = new Map();
    const { only } = options;
    const scenes = SCENES.filter(({ figures }) => only.length === 0 || figures.some(({ id }) => only.includes(id)));
    try {
      for (let round = 1; round <= options.rounds; round += 1) {
        for (const scene of scenes) {
          // Who comes first alternates, so that a drift of the machine does not favour one of them.
          for (const contender of round % 2 === 1 ? CONTENDERS : [...CONTENDERS].reverse()) {
            signal.throwIfAborted();
            progress.say(`round ${round}/${options.rounds}: ${scene.title}: ${contender}`);
            note(values, scene, contender, await play(scene, contender, stores, context));
          }
        }
      }
    } finally {
      await stores.close();
    }
    return report(values, context, environment);
  },
};

/** One scene with processes of its own on empty servers, checked in the store afterwards. */
async function play(
  scene: Scene,
  contender: ContenderName,
  stores: Stores,
  { servers, options, signal }: BenchContext,
): Promise<readonly (number | undefined)[]> {
  await stores.empty();
  const troupe = await Troupe.assemble(contender, scene.workers, servers, signal);
  try {
    await troupe.accept(scene.warmUp, warmUpTasks(options.tasks));
    await troupe.startWorkers();
    await troupe.untilAllDone(signal);
    await troupe.stopWorkers();
    const figures = await scene.play(troupe, options.tasks, signal);
    await troupe.stopWorkers();
    await stores.verify(contender, troupe.accepted);
    await troupe.disband();
    return figures;
  } finally {
    await troupe.kill();
  }
}

function note(values: Values, scene: Scene, contender: ContenderName, figures: readonly (number | undefined)[]): void {
  scene.figures.forEach(({ id }, i) => {
    const value = figures[i];
    if (value === undefined) return;
    const rounds = values.get(id) ?? { holdfast: [], bullmq: [] };
    rounds[contender].push(value);
    values.set(id, rounds);
  });
}

function report(values: Values, { options }: BenchContext, environment: Report['environment']): Report {
  return {
    benchmark: 'tasks',
    subject: 'Holdfast',
    notes: [
      'Over 1 is better for tasks a second and worse for times.',
      'The two do not promise the same: see bench/README.md.',
    ],
    peer: `BullMQ ${packageVersion('bullmq')}`,
    environment,
    settings: {
      rounds: `${options.rounds} interleaved, each figure of ${options.tasks} no-op tasks after ${warmUpTasks(options.tasks)} to warm up`,
      worker: `${CONCURRENCY} tasks at a time in each worker process`,
      callers: `${SINGLE_CALLERS} one by one, ${COALESCED_CALLERS} coalesced, ${BATCH_CALLERS} with batches`,
      latency: `${STEADY_TASKS} tasks a round at ${STEADY_PER_SECOND} tasks/s`,
    },
    comparisons: FIGURES.flatMap((figure) => {
      const rounds = values.get(figure.id);
      return rounds === undefined ? [] : [compare(figure, rounds)];
    }),
  };
}

function compare(figure: Figure, rounds: Record<ContenderName, number[]>): Comparison {
  const ratios = rounds.holdfast.map((value, i) => value / (rounds.bullmq[i] ?? Number.NaN));
  return {
    ...figure,
    subject: summarise(rounds.holdfast),
    peer: summarise(rounds.bullmq),
    ratio: quantile(ratios, 0.5),
  };
}

function warmUpTasks(tasks: number): number {
  return Math.max(WARM_UP.least, Math.min(WARM_UP.most, Math.round(tasks / 10)));
}
