import { PRICE_SOURCES, estimateCost, resolveStage } from '../../lib/config';
import type { Configuration, CostEstimate, CostItem, StageConfiguration, StageOverrides } from '../../lib/config';
import { watchedCounts } from '../../lib/observability';
import { markdownTable } from './table';

/** Regions that there are price lists for. */
export const REGIONS = ['us-east-1', 'ap-northeast-2'] as const;
type Region = (typeof REGIONS)[number];

/** What a stage of the configuration would cost in a region, whatever region it names itself. */
export function costIn(configuration: Configuration, stage: string, region: Region): CostEstimate {
  const stages = { ...configuration.stages, [stage]: { ...configuration.stages[stage], region } };
  const resolved = resolveStage({ ...configuration, stages }, stage);
  return estimateCost(resolved, watchedCounts(resolved));
}

/** `73.40` */
export function usd(amount: number): string {
  return amount.toFixed(2);
}

export function unverifiedPercent({ totalUsdPerMonth, unverifiedUsdPerMonth }: CostEstimate): string {
  return `${Math.round((100 * unverifiedUsdPerMonth) / totalUsdPerMonth)} %`;
}

/** What a stage contains, in the words of the readme. */
function contents(configuration: Configuration, stage: string): string {
  const { fleet, network, database, redis } = resolveStage(configuration, stage);
  const gateways = 'existing' in network ? 0 : network.natGateways;
  return [
    `${fleet.min} × ${fleet.instanceType}`,
    'load balancer',
    gateways === 0 ? 'no NAT' : `${gateways} NAT gateway${gateways === 1 ? '' : 's'}`,
    'existing' in database ? 'no database' : `db.${database.instanceClass}${database.multiAz ? ' in two zones' : ''}`,
    ...redisNodes(redis),
  ].join(', ');
}

/** Nodes of one type are counted together. */
function redisNodes(redis: StageConfiguration['redis']): string[] {
  if ('existing' in redis) return ['no Redis'];
  const types = [
    ...Array.from({ length: 1 + redis.queue.replicas }, () => redis.queue.nodeType),
    ...(redis.cache === 'shared' ? [] : [redis.cache.nodeType]),
  ];
  return [...new Set(types)].map((type) => `${types.filter((each) => each === type).length} × ${type}`);
}

/** The totals, for the readme too. */
export function summaryTable(
  configuration: Configuration,
  stages: readonly string[] = Object.keys(configuration.stages),
): string {
  return markdownTable(
    [
      { heading: 'stage' },
      { heading: 'contains' },
      ...REGIONS.flatMap((region) => [
        { heading: region, align: 'right' as const },
        { heading: 'of it unverified', align: 'right' as const },
      ]),
    ],
    stages.map((stage) => [
      `\`${stage}\``,
      contents(configuration, stage),
      ...REGIONS.flatMap((region) => totals(configuration, stage, region)),
    ]),
  );
}

interface Saving {
  readonly turn: string;
  readonly change: StageOverrides;
  /** Whether the stage has what would be saved, and may do without. */
  readonly applies: (stage: StageConfiguration) => boolean;
  readonly price: string;
}

/** What can be left out of a stage, and what that costs in promise. */
const SAVINGS: readonly Saving[] = [
  {
    turn: 'network.natGateways: 0',
    change: { network: { natGateways: 0 } },
    applies: ({ network, fleet }) =>
      !('existing' in network) && network.natGateways > 0 && fleet.networkMode === 'bridge',
    price:
      'instances have public addresses, behind security groups that let only the load balancer in. Three steps in a stage that runs',
  },
  {
    turn: 'redis.queue.replicas: 0',
    change: { redis: { queue: { replicas: 0 } } },
    applies: ({ redis, taskEngine }) =>
      !('existing' in redis) && redis.queue.replicas > 0 && !redis.queue.clusterMode && taskEngine !== 'celery',
    price:
      'no task; while a lost node is replaced, workers draw from PostgreSQL. Refused for Celery. Two steps in a stage that runs',
  },
  {
    turn: "redis.cache: 'shared'",
    change: { redis: { cache: 'shared' } },
    applies: ({ redis, taskEngine, like }) =>
      !('existing' in redis) &&
      redis.cache !== 'shared' &&
      !redis.queue.clusterMode &&
      !(taskEngine === 'celery' && like === 'production'),
    price: 'no task; a full cache slows the queue down. Two steps in a stage that runs',
  },
  {
    turn: 'database.multiAz: false',
    change: { database: { multiAz: false } },
    applies: ({ database }) => !('existing' in database) && database.multiAz,
    price:
      'while its zone is away nothing is accepted; if its disk is lost, what came after the last log backup (5 min)',
  },
  {
    turn: "alarms.set: 'essential', dashboard: false",
    change: { alarms: { set: 'essential' }, dashboard: false },
    applies: ({ alarms, dashboard }) => alarms.set !== 'essential' || dashboard,
    price: 'early signs: you hear of late tasks, not of what will make them late',
  },
];

/** @param stage the one to save in. */
export function savingsTable(configuration: Configuration, stage = 'production'): string {
  const own = configuration.stages[stage] ?? {};
  const resolved = resolveStage(configuration, stage);
  const savings = SAVINGS.filter(({ applies }) => applies(resolved));
  if (savings.length === 0) return 'Nothing: the stage has none of what could be left out.';
  return markdownTable(
    [
      { heading: 'turn' },
      ...REGIONS.map((region) => ({ heading: region, align: 'right' as const })),
      { heading: 'what it costs you' },
    ],
    savings.map(({ turn, change, price }) => {
      const changed = { ...configuration, stages: { [stage]: deepMerge(own, change) } };
      const saved = (region: Region): number =>
        costIn(configuration, stage, region).totalUsdPerMonth - costIn(changed, stage, region).totalUsdPerMonth;
      return [`\`${turn}\``, ...REGIONS.map((region) => `−${usd(saved(region))}`), price];
    }),
  );
}

/** One sentence for each stage in a region without a price list. */
export function unpricedStages(configuration: Configuration, stages: readonly string[]): string[] {
  return stages.flatMap((stage) => {
    const { region } = resolveStage(configuration, stage);
    if (REGIONS.some((priced) => priced === region)) return [];
    return [
      `The stage ${stage} stands in ${region}, of which there is no price list: its budget counts with ${REGIONS[0]}.`,
    ];
  });
}

/** What a commitment saves was counted for the reference configuration's instances only. */
function commitment({ fleet }: StageConfiguration): string[] {
  if (fleet.instanceType !== 't4g.medium' || fleet.min !== 2) return [];
  return [
    '',
    'Beyond the configuration: a one-year commitment on the EC2 instances saves about 17 USD per month in us-east-1 and 21 in',
    'ap-northeast-2 (unverified), and costs no promise.',
  ];
}

function deepMerge<T extends object>(base: T, over: object): T {
  const merged = { ...base } as Record<string, unknown>;
  for (const [key, value] of Object.entries(over) as [string, unknown][]) {
    const existing = merged[key];
    merged[key] = isPlain(existing) && isPlain(value) ? deepMerge(existing, value) : value;
  }
  return merged as T;
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export interface DocumentOptions {
  /** The configuration's file, as the page names it. @default 'holdfast.config.ts' */
  readonly file?: string;
  /** @default - all */
  readonly stages?: readonly string[];
  /** The stage that the page saves in. @default 'production' */
  readonly savingsOf?: string;
}

/** docs/cost.md. */
export function costDocument(configuration: Configuration, options: DocumentOptions = {}): string {
  const { file = 'holdfast.config.ts', stages = Object.keys(configuration.stages), savingsOf = 'production' } = options;
  const first = costIn(configuration, stages[0] ?? '', REGIONS[0]);
  return [
    '# What it costs',
    '',
    'When you need it: before you deploy, and before you raise a number in the configuration. `npm run cost` writes this page',
    `from \`${file}\` and \`lib/config/prices.ts\`. In USD per month:`,
    '',
    summaryTable(configuration, stages),
    '',
    ...unpricedStages(configuration, stages).map((sentence) => `- ${sentence}`),
    ...first.assumptions.filter((sentence) => !sentence.startsWith('Load:')).map((sentence) => `- ${sentence}`),
    "- Unverified is what rests on prices without one of AWS's own dated lists behind them; the marks are explained below.",
    '',
    '## What to turn down',
    '',
    `In \`${savingsOf}\`, each alone, in USD per month:`,
    '',
    savingsTable(configuration, savingsOf),
    '',
    '[Deploy, change, remove](deploy.md#change-something) has the steps for a stage that runs.',
    ...commitment(resolveStage(configuration, savingsOf)),
    ...stages.flatMap((stage) => REGIONS.flatMap((region) => section(configuration, stage, region))),
    '',
    '## Marks',
    '',
    markdownTable([{ heading: 'mark' }, { heading: 'source' }], Object.entries(PRICE_SOURCES)),
    '',
  ].join('\n');
}

function totals(configuration: Configuration, stage: string, region: Region): [string, string] {
  const estimate = costIn(configuration, stage, region);
  return [usd(estimate.totalUsdPerMonth), unverifiedPercent(estimate)];
}

function section(configuration: Configuration, stage: string, region: Region): string[] {
  const { items, totalUsdPerMonth, assumptions } = costIn(configuration, stage, region);
  const load = assumptions.find((sentence) => sentence.startsWith('Load:'));
  return [
    '',
    `## ${stage}, ${region}`,
    '',
    markdownTable(
      [
        { heading: 'item' },
        { heading: 'quantity', align: 'right' },
        { heading: 'unit' },
        { heading: 'USD a unit', align: 'right' },
        { heading: 'mark' },
        { heading: 'USD per month', align: 'right' },
      ],
      [...items.map(row), ['**total**', '', '', '', '', `**${usd(totalUsdPerMonth)}**`]],
    ),
    '',
    ...(load === undefined ? [] : [load]),
  ];
}

function row({ label, quantity, unit, unitPriceUsd, mark, usdPerMonth }: CostItem): string[] {
  return [label, amount(quantity), unit, unitPriceUsd?.toString() ?? 'unknown', mark ?? '', usd(usdPerMonth)];
}

/** At most two decimals: 1460 hours, 0.5 GB. */
function amount(quantity: number): string {
  return String(Math.round(quantity * 100) / 100);
}
