import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { COMMANDS } from '../../lib/operations/commands';
import { EXIT } from '../../lib/operations/exit-codes';
import { changed, monitoredStage } from '../observability/monitored-stage';
import type { MonitoredStage } from '../observability/monitored-stage';

const root = join(__dirname, '..', '..');
const PAGE = join('docs', 'operations.md');
const page = readFileSync(join(root, PAGE), 'utf8');

/** What stands between a heading and the next one, by the heading. */
const sections = new Map(
  page
    .split(/^#{2,3} /m)
    .slice(1)
    .map((section) => {
      const [heading = '', ...lines] = section.split('\n');
      return [heading, lines.join('\n')] as const;
    }),
);

/** As the page calls an alarm: kinds of workers share a section, and so does the memory of all processes. */
function sectionOf(alarm: string): string {
  const name = alarm.replace(/^worker-.+-(oldest-age|backlog|heartbeats|memory|scale-out|wake)$/, 'worker-KIND-$1');
  return name.endsWith('-memory') && !/^(database|queue)-/.test(name) ? 'PROCESS-memory' : name;
}

const own = { queue: { nodeType: 'cache.t4g.micro', replicas: 0 }, cache: { nodeType: 'cache.t4g.micro' } };
const STAGES: Readonly<Record<string, MonitoredStage>> = {
  dev: monitoredStage('dev'),
  production: monitoredStage('production'),
  'production with Spot': monitoredStage(
    'production',
    changed('production', { fleet: { spot: { instanceTypes: ['t4g.medium'], max: 3 } }, budgetUsdPerMonth: undefined }),
  ),
  'dev with Celery': monitoredStage(
    'dev',
    changed('dev', { taskEngine: 'celery', migration: undefined, redis: own, budgetUsdPerMonth: undefined }),
  ),
};

describe.each(Object.entries(STAGES))('docs/operations.md has of %s', (_name, { alarms, telling }) => {
  test('every alarm that tells people, in the table and in a section that says what to do', () => {
    const overview = sections.get('What each alarm means') ?? '';
    for (const alarm of telling.keys()) {
      const name = sectionOf(alarm);
      const section = sections.get(name) ?? `no section ${name}`;
      for (const part of ['Says', 'Causes', 'First', 'Then', 'Worry']) expect(section).toContain(`- **${part}**`);
      expect(overview).toContain(`| [\`${name}\`](#${name.toLowerCase()})`);
    }
  });

  test('the times and shares that each of them speaks of', () => {
    for (const [alarm, { AlarmDescription = '' }] of telling) {
      const [meaning = ''] = AlarmDescription.split(' First step: ');
      const section = (sections.get(sectionOf(alarm)) ?? '').replaceAll(/\s+/g, ' ');
      const numbers = meaning.match(/\d+ (%|minutes|s\b)/g) ?? [];
      expect([alarm, numbers.filter((number) => !section.includes(number))]).toEqual([alarm, []]);
    }
  });

  test('the alarms that only scale', () => {
    const scaling = [...alarms.keys()].filter((alarm) => !telling.has(alarm));
    for (const alarm of scaling) expect(sections.get('What each alarm means')).toContain(`\`${sectionOf(alarm)}\``);
  });
});

test('docs/operations.md has a section on deployments that fail, which an event tells', () => {
  const rules = STAGES.production!.stateless.findResources('AWS::Events::Rule');
  const names = Object.values(rules).map(({ Properties }) => (Properties as { Name: string }).Name);
  expect(names).toEqual(['holdfast-production-deployment-failed']);
  expect(sections.get('deployment-failed')).toContain('- **First**');
});

describe('docs/operations.md describes npx holdfast:', () => {
  test.each(COMMANDS.map(({ name }) => name))('%s', (name) => {
    expect(sections.get('Commands')).toMatch(new RegExp(`^\\| \`${name}[ \`]`, 'm'));
  });

  test.each(Object.entries(EXIT))('the exit code for %s, %i', (_name, code) => {
    expect(sections.get('Exit codes')).toMatch(new RegExp(`^\\| +${code} \\|`, 'm'));
  });

  test('no command that there is not', () => {
    const names = [...(sections.get('Commands') ?? '').matchAll(/^\| `(\w+)/gm)].map(([, name]) => name);
    expect(names.filter((name) => !COMMANDS.some((command) => command.name === name))).toEqual([]);
  });

  test('all options of the commands', () => {
    const options = COMMANDS.flatMap(({ options: flags = {} }) =>
      Object.keys(flags).map((flag) => flag.split(' ')[0] ?? ''),
    );
    const commands = sections.get('Commands') ?? '';
    expect(options.filter((option) => !commands.includes(option))).toEqual([]);
  });
});

/** As GitHub makes anchors of headings. */
function anchorsOf(markdown: string): Set<string> {
  const headings = [...markdown.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(/\s/g, '-'),
    ),
  );
}

test('every link of docs/operations.md leads somewhere', () => {
  const links = [...page.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  expect(links.length).toBeGreaterThan(50);
  const broken = links.filter((link) => {
    if (/^https?:/.test(link)) return false;
    const [file = '', anchor] = link.split('#');
    const path = file === '' ? join(root, PAGE) : join(root, dirname(PAGE), file);
    if (!existsSync(path)) return true;
    return anchor !== undefined && !anchorsOf(readFileSync(path, 'utf8')).has(anchor);
  });
  expect(broken).toEqual([]);
});

test('docs/operations.md has the sections that commands name', () => {
  expect([...sections.keys()]).toEqual(
    expect.arrayContaining(['Restore from a backup', 'Commands', 'Exit codes', 'JSON']),
  );
});
