import { AwsSolutionsChecks } from 'cdk-nag';
import { changed, monitoredStage } from './monitored-stage';
import type { MonitoredStage } from './monitored-stage';

interface Widget {
  readonly type: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly properties: { readonly title?: string; readonly markdown?: string; readonly metrics?: readonly unknown[] };
}

/** The dashboard's widgets, with what only the deploy knows as text. */
function widgetsOf({ stateless }: MonitoredStage): { name: unknown; widgets: readonly Widget[] } {
  const [dashboard] = Object.values(stateless.findResources('AWS::CloudWatch::Dashboard'));
  const { DashboardName, DashboardBody } = dashboard!.Properties as {
    DashboardName: string;
    DashboardBody: { 'Fn::Join': [string, readonly unknown[]] };
  };
  const [separator, parts] = DashboardBody['Fn::Join'];
  const json = parts.map((part) => (typeof part === 'string' ? part : 'TOKEN')).join(separator);
  return { name: DashboardName, widgets: (JSON.parse(json) as { widgets: Widget[] }).widgets };
}

const titleOf = ({ properties: { title, markdown } }: Widget) =>
  title ?? markdown?.replaceAll(/\[(.*?)\]\(.*?\)/g, '$1') ?? '';

describe('the dashboard', () => {
  const production = monitoredStage('production');
  const { name, widgets } = widgetsOf(production);

  test('shows tasks first, then web, containers, and the services of AWS', () => {
    expect(name).toBe('holdfast-production');
    expect(widgets.map(titleOf)).toMatchInlineSnapshot(`
     [
       "### Tasks",
       "Backlog (tasks)",
       "Oldest task has waited (s)",
       "Workers that run",
       "Dead tasks",
       "### Web",
       "Requests (per minute)",
       "Server errors (per minute)",
       "Time to first byte (s)",
       "Web containers",
       "### Containers and fleet",
       "CPU of what is reserved (%)",
       "Memory of what is allowed (%)",
       "Instances needed, of those that run (%)",
       "### RDS Instance **Database**",
       "CPU/Disk Usage",
       "Connections",
       "Query Duration",
       "### ElastiCache Cluster **Queue, node 1**",
       "CPU Utilization",
       "Engine CPU Utilization",
       "Memory Utilization",
       "Connections",
       "Items",
       "### ElastiCache Cluster **Queue, node 2**",
       "CPU Utilization",
       "Engine CPU Utilization",
       "Memory Utilization",
       "Connections",
       "Items",
       "### ElastiCache Cluster **Cache**",
       "CPU Utilization",
       "Engine CPU Utilization",
       "Memory Utilization",
       "Connections",
       "Items",
     ]
    `);
  });

  test('reads metrics in each graph, and the graphs do not overlap', () => {
    const taken = new Set<string>();
    for (const { type, x, y, width, height, properties } of widgets) {
      if (type === 'metric') expect(properties.metrics!.length).toBeGreaterThan(0);
      expect(x + width).toBeLessThanOrEqual(24);
      for (let column = x; column < x + width; column += 1) {
        for (let row = y; row < y + height; row += 1) {
          expect(taken.has(`${column},${row}`)).toBe(false);
          taken.add(`${column},${row}`);
        }
      }
    }
  });

  test('makes no alarms of its own', () => {
    const made = Object.keys(production.stateless.findResources('AWS::CloudWatch::Alarm'));
    expect(made.filter((id) => id.startsWith('Dashboard'))).toEqual([]);
  });

  test('is missing where the configuration wants none', () => {
    monitoredStage('dev').stateless.resourceCountIs('AWS::CloudWatch::Dashboard', 0);
  });

  test('shows one graph of memory and CPU for all kinds of workers', () => {
    const more = {
      workers: {
        default: { command: ['work'], queues: [{ name: 'default' }], scaling: { max: 2 } },
        images: { command: ['work'], queues: [{ name: 'images' }], scaling: { max: 2 } },
      },
    };
    const two = widgetsOf(monitoredStage('production', changed('production', { workers: {} }, more)));
    expect(two.widgets).toHaveLength(widgets.length);
    const memory = two.widgets.find((widget) => titleOf(widget).startsWith('Memory'));
    expect(memory!.properties.metrics).toHaveLength(4);
  });

  test('leaves out what is not known of other engines and servers', () => {
    const titles = (overrides: object) =>
      widgetsOf(monitoredStage('dev', changed('dev', { dashboard: true, ...overrides }))).widgets.map(titleOf);
    expect(titles({ taskEngine: 'celery' }).slice(0, 3)).toEqual(['### Tasks', 'Backlog (tasks)', 'Workers that run']);
    expect(titles({ taskEngine: 'custom' })[0]).toBe('### Web');
  });
});

test.each(['dev', 'production'] as const)('cdk-nag finds nothing in what watches %s', (stage) => {
  const { app } = monitoredStage(stage);
  const { violations } = new AwsSolutionsChecks(app).validateScope(app);
  const found = violations.flatMap(({ ruleName, violatingResources }) =>
    violatingResources.map(({ constructPath }) => `${ruleName} at ${constructPath ?? 'unknown'}`),
  );
  expect(found.filter((each) => /Alarms|Dashboard|Scaling|Topic/.test(each))).toEqual([]);
});
