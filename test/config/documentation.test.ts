import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { drainBudget } from '../../lib/config';
import { DRAIN_RULES } from '../../lib/config/drain-rules';
import { keyRows } from './schema-table';
import { production } from './shop';

/** Rows of the tables of a page, cell by cell; without heads and rules. */
function tableRows(page: string): string[][] {
  const lines = readFileSync(join(__dirname, '..', '..', 'docs', page), 'utf8').split('\n');
  return lines
    .filter((line, index) => /^\| [^-]/.test(line) && !/^\| -/.test(lines[index + 1] ?? ''))
    .map((line) =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim().replaceAll('\\|', '|')),
    );
}

describe('docs/configuration.md', () => {
  const rows = tableRows('configuration.md').filter(([key = '']) => key.startsWith('`'));

  test('has every key with its default and what is allowed, and no other', () => {
    const written = rows.map(([key = '', value = '', allowed = '']) => ({
      key: key.replaceAll('`', ''),
      default: value,
      allowed,
    }));
    const byKey = (a: { key: string }, b: { key: string }) => (a.key < b.key ? -1 : 1);
    expect(written.sort(byKey)).toEqual([...keyRows()].sort(byKey));
  });

  test('says what each key means', () => {
    expect(rows.filter(([, , , meaning = '']) => meaning.length < 7)).toEqual([]);
  });
});

describe('docs/drain-budget.md', () => {
  const rows = tableRows('drain-budget.md');

  test('has every rule', () => {
    expect(rows.filter((row) => row.length === 4 && row[0]?.startsWith('`') && row[1]?.startsWith('`'))).toEqual(
      DRAIN_RULES.map(({ id, sentence, why, source }) => [`\`${id}\``, `\`${sentence}\``, why, source]),
    );
  });

  test('has the budgets that follow', () => {
    const worker = (own: object) => {
      const drain = drainBudget(production({ workers: { default: own } }).configuration).budget.workers['default']!;
      return [`${drain.drainSeconds} s`, `${drain.stopTimeoutSeconds} s`, ''];
    };
    const web = (own: object) => {
      const drain = drainBudget(production({ web: own }).configuration).budget.web;
      return [`${drain.drainSeconds} s`, `${drain.stopTimeoutSeconds} s`, `${drain.deregistrationSeconds} s`];
    };
    const { scheduler } = production().drainBudget;
    expect(rows.slice(0, 7).map(([, ...cells]) => cells)).toEqual([
      worker({}),
      worker({ handlerSeconds: 900 }),
      worker({ handlerSeconds: 86_400, onDrain: 'give-back' }),
      web({}),
      web({ requestSeconds: 300 }),
      web({ requestSeconds: 60, deregistrationSeconds: 20 }),
      [`${scheduler.drainSeconds} s`, `${scheduler.stopTimeoutSeconds} s`, ''],
    ]);
  });
});
