import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { splitStatements } from '../../../src/tasks/ledger/statements';
import { note } from '../support/dispatch-fixture';
import { openEngine } from '../support/engines';
import { ledgerFixture } from '../support/ledger-fixture';
import { until } from '../support/until';

const SOURCE = join(__dirname, '../../../src/tasks');
const files = (ending: string): string[] =>
  readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith(ending));
const read = (file: string): string => readFileSync(join(SOURCE, file), 'utf8');
const migrations = files('.sql')
  .filter((file) => file.startsWith('ledger/migrations/'))
  .map(read)
  .join('\n');
const README = read('README.md');

/** Why a statement stands in a program and not in a file of statements: none of them is a worker's to know. */
const IN_PROGRAMS: Readonly<Record<string, string>> = {
  'ledger/epoch.ts': 'a new epoch after a restore, before anything runs',
  'ledger/ledger.ts': 'the epoch, asked once a process',
  'ledger/migrate.ts': 'migrations keep their own list',
};

describe('the ledger is a contract', () => {
  it('whose statements stand in .sql files', () => {
    const statement = /\b(?:from|join|into|update|table)\s+(?:holdfast\.|\$\{\w+(?:\.\w+)*\}\.)\w+/i;
    const found = files('.ts').filter((file) => statement.test(read(file)));
    expect(found.sort()).toEqual(Object.keys(IN_PROGRAMS).sort());
  });

  it('whose tables and states are all described in the README, and nothing that does not exist', () => {
    const described = [...README.matchAll(/^\| `holdfast\.(\w+)` /gm)].map(([, name]) => name);
    const tables = [...migrations.matchAll(/^create table holdfast\.(\w+)/gm)].map(([, name]) => name);
    expect(described.sort()).toEqual([...tables, 'migration'].sort());
    const [, list = ''] = /check \(state in \(([^)]*)\)\)/.exec(migrations) ?? [];
    const states = [...list.matchAll(/'(\w+)'/g)].map(([, state]) => state);
    expect(states.length).toBeGreaterThan(0);
    const [, section = ''] = README.split('\n## The ledger as a contract\n');
    const explained = [...(section.split('\n## ')[0] ?? '').matchAll(/^\| `([a-z]+)` /gm)].map(([, state]) => state);
    expect(explained.sort()).toEqual(states.sort());
  });

  it('by which a worker in another language gets tasks done: register, claim, done, beat, leave', async () => {
    const statementsOf = (file: string): Map<string, string> =>
      splitStatements(
        read(file).replaceAll(/^-- include: (\S+)$/gm, (_, part: string) => read(join(file, '..', part)).trim()),
      );
    const [lease, claim, finish] = ['leases/lease.sql', 'claiming/claim.sql', 'finishing/finish.sql'].map(statementsOf);
    const fixture = await ledgerFixture();
    const tasks = openEngine(fixture, undefined);
    const accepted = await tasks.acceptMany(note, [{ n: 1 }, { n: 2 }]);
    const foreign = await fixture.connect();
    const ask = async (text: string | undefined, ...values: unknown[]) =>
      (await foreign.query<{ id: string; fence: number; claimId: string; payload: { n: number } }>(text!, values)).rows;

    const worker = '01234567-89ab-4cde-8f01-23456789abcd';
    await ask(lease!.get('register'), worker, 'elsewhere', 1, ['default'], ['note@1'], 2, 'default');
    const claimed = await ask(claim!.get('oldest'), worker, ['note@1'], ['default'], [1], 2);
    expect(claimed.map(({ payload }) => payload.n).sort()).toEqual([1, 2]);
    expect(await ask(lease!.get('beat'), worker, 2, 'postgres', false, false)).toHaveLength(1);
    const array = (some: (string | number)[]) => `{${some.join()}}`;
    const claims = array([...new Set(claimed.map(({ claimId }) => claimId))]);
    const results = claimed.map(({ payload }) => JSON.stringify(payload.n * 10));
    const [ids, fences] = [array(claimed.map(({ id }) => id)), array(claimed.map(({ fence }) => fence))];
    await ask(finish!.get('done_with_results'), ids, fences, claims, results);
    await ask(lease!.get('leave'), worker);

    await until('all are done', async () => {
      const details = await Promise.all(accepted.map(({ id }) => tasks.get(id)));
      return details.every((task) => task?.state === 'done');
    });
    expect((await tasks.get(accepted[1]!.id))?.result).toBe(20);
    expect(await fixture.rows('select from holdfast.claim')).toEqual([]);
    await tasks.close();
    await fixture.drop();
  });
});
