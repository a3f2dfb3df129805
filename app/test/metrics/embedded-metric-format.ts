/*
 * The rules of CloudWatch's embedded metric format, as its specification and its published JSON schema have them:
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
const MAX_BYTES = 256 * 1024;
const MAX_DIMENSIONS = 30;
const MAX_METRICS = 100;
const RATES = [
  'Bytes',
  'Kilobytes',
  'Megabytes',
  'Gigabytes',
  'Terabytes',
  'Bits',
  'Kilobits',
  'Megabits',
  'Gigabits',
  'Terabits',
];
const UNITS = [
  ...['Seconds', 'Microseconds', 'Milliseconds', 'Percent', 'Count', 'Count/Second', 'None'],
  ...RATES,
  ...RATES.map((unit) => `${unit}/Second`),
];
/** CloudWatch Logs takes events of the last two weeks and the next two hours. */
const OLDEST_MS = 14 * 86_400_000;
const NEWEST_MS = 2 * 3_600_000;

/** What keeps CloudWatch from reading metrics out of the line; empty when nothing does. */
export function embeddedMetricMistakes(line: string, nowMs: number): string[] {
  const mistakes: string[] = [];
  const expect = (holds: boolean, rule: string): void => {
    if (!holds) mistakes.push(rule);
  };
  expect(Buffer.byteLength(line) <= MAX_BYTES, `a line has at most ${MAX_BYTES} bytes`);
  expect(!/\n./s.test(line), 'a line is one event');
  const root = object(JSON.parse(line));
  const meta = object(root?.['_aws']);
  if (root === undefined || meta === undefined) return ['the root is an object with the member _aws'];
  expect(members(meta).join() === 'CloudWatchMetrics,Timestamp', '_aws has Timestamp and CloudWatchMetrics, no more');
  const { Timestamp: at, CloudWatchMetrics: directives } = meta;
  expect(Number.isInteger(at), 'Timestamp is a whole number of milliseconds since 1970');
  expect(Number(at) > nowMs - OLDEST_MS && Number(at) < nowMs + NEWEST_MS, 'Timestamp is of these days');
  if (!Array.isArray(directives)) return [...mistakes, 'CloudWatchMetrics is an array'];
  for (const directive of directives.map(object)) {
    if (directive === undefined) return [...mistakes, 'a directive is an object'];
    expect(members(directive).join() === 'Dimensions,Metrics,Namespace', 'a directive has these three members');
    expect(text(directive['Namespace'], 1024), 'Namespace is a text of 1 to 1024 characters');
    const sets = directive['Dimensions'];
    expect(Array.isArray(sets) && sets.length > 0, 'Dimensions holds at least one set');
    for (const set of list(sets)) {
      expect(Array.isArray(set) && set.length <= MAX_DIMENSIONS, `a set is an array of at most ${MAX_DIMENSIONS}`);
      for (const dimension of list(set)) {
        expect(text(dimension, 250), 'a dimension is a text of 1 to 250 characters');
        expect(text(root[String(dimension)], 1024), `the root's member ${String(dimension)} is a text`);
      }
    }
    const metrics = list(directive['Metrics']).map(object);
    expect(metrics.length > 0 && metrics.length <= MAX_METRICS, `a directive has 1 to ${MAX_METRICS} metrics`);
    for (const metric of metrics) {
      const name = metric?.['Name'];
      expect(text(name, 1024), 'Name is a text of 1 to 1024 characters');
      expect(UNITS.includes(String(metric?.['Unit'])), `${String(name)} has a known unit`);
      expect(Number.isFinite(root[String(name)]), `the root's member ${String(name)} is a finite number`);
    }
  }
  return mistakes;
}

function object(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
}

function members(value: object): string[] {
  return Object.keys(value).sort();
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown, most: number): boolean {
  return typeof value === 'string' && value.length > 0 && value.length <= most;
}
