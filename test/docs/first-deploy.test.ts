import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DrillReport } from '../../lib/operations/drill/drill';
import type { Tally } from '../../lib/operations/drill/probe-load';
import { reportView } from '../../lib/operations/drill/report-view';
import { render } from '../../lib/operations/output/render';
import { WIDTH } from '../../lib/operations/output/terminal';
import { readCommandLine } from '../../lib/operations/program';
import { FIRST_DEPLOY } from '../emulator/first-deploy';
import { LEFT_OUT, shortened } from '../emulator/session';

const page = readFileSync(join(__dirname, '..', '..', 'docs', 'first-deploy.md'), 'utf8');
const session = page.split('```\n')[3] ?? '';

/** What was printed, by command. */
const printed = session
  .split(/^\$ /m)
  .slice(1)
  .map((part) => {
    const [command = '', ...lines] = part.trimEnd().split('\n');
    return { command, lines };
  });

const outputOf = (words: string): readonly string[] =>
  printed.find(({ command }) => command.startsWith(words))?.lines ?? [];

describe('docs/first-deploy.md', () => {
  test('says first that it was not recorded on AWS', () => {
    expect(page.slice(0, page.indexOf('```'))).toContain('Recorded on the [emulated AWS]');
  });

  test('has the commands that the recording types today, in their order', () => {
    expect(printed.map(({ command }) => command)).toEqual(FIRST_DEPLOY.map(({ command }) => command));
    for (const { lines } of printed) expect(lines.length).toBeGreaterThan(0);
  });

  test('has only commands and options that there are', () => {
    const ours = printed.map(({ command }) => command.split(' ')).filter(([, program]) => program === 'holdfast');
    expect(ours.length).toBeGreaterThan(3);
    for (const words of ours) expect(readCommandLine(words.slice(2), () => undefined)).toBeDefined();
  });

  test('shows a drill as drills are shown', () => {
    const lines = outputOf('npx holdfast drill');
    const begin = lines.findIndex((line) => line.startsWith('Probes'));
    const shown = `${lines.slice(begin).join('\n')}\n`;
    expect(render(reportView(reportIn(shown)), { width: WIDTH, color: false })).toBe(shown);
  });

  test('shows queues and processes under the headings that they have', () => {
    expect(outputOf('npx holdfast queues')[0]).toMatch(
      /^Queue +Backlog +Oldest +Running +Later +Waiting +Parked +Dead/,
    );
    expect(outputOf('npx holdfast status').join('\n')).toMatch(/^Process +Running +Version +Deployment$/m);
  });

  test('names no folder of a machine', () => {
    expect(page).not.toMatch(/\/(tmp|home|root|Users|work)\//);
  });
});

/** The report of which these lines tell. */
function reportIn(shown: string): DrillReport {
  const number = (pattern: RegExp): number => Number((pattern.exec(shown)?.[1] ?? 'missing').replaceAll(',', ''));
  const tally = (name: string): Tally => {
    const row = new RegExp(`^${name} +([\\d, ]+)$`, 'm').exec(shown)?.[1] ?? '';
    const [accepted = 0, done = 0, open = 0, failed = 0, missing = 0] = row
      .split(/ +/)
      .map((cell) => Number(cell.replaceAll(',', '')));
    return {
      accepted,
      done,
      open,
      failed,
      missing,
      repeated: /(\d+) attempts? had/.test(shown) ? number(/(\d+) attempts? had/) : 0,
    };
  };
  return {
    ...{ drill: 'queue-loss', stage: 'test', passed: true, broke: /^The queue's Redis.*$/m.exec(shown)?.[0] ?? '' },
    ...{ before: tally('before'), during: tally('during'), after: tally('after') },
    seconds: {
      allDone: number(/done, ([\d.]+) s after/),
      whole: number(/whole again after ([\d.]+) s/),
      longestPause: number(/without a probe done was ([\d.]+) s/),
      appSilent: /did not answer for/.test(shown) ? number(/did not answer for ([\d.]+) s/) : 0,
    },
    probes: { first: 1_000, runMs: 0, slots: 0 },
  };
}

test('what is left out of a recording is marked', () => {
  expect(shortened(['a 1', 'noise', '', 'more noise', 'a 2 '], /^a/)).toEqual(['a 1', LEFT_OUT, 'a 2']);
  expect(shortened(['all', '', 'of it'])).toEqual(['all', '', 'of it']);
});
