import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { settlesWithin } from '../../local/servers/wait-until';
import { redisUrl } from '../servers/databases';
import { ledgerFixture } from './support/ledger-fixture';
import type { LedgerFixture } from './support/ledger-fixture';

let fixture: LedgerFixture;

beforeAll(async () => {
  fixture = await ledgerFixture();
});
afterAll(() => fixture.drop());

it('a closed engine leaves nothing that keeps its process alive', async () => {
  const script = join(__dirname, 'support', 'one-task.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', script, fixture.url, redisUrl(63)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  const [closed] = (await once(child.stdout, 'data')) as [Buffer];
  expect(closed.toString()).toBe('closed\n');
  expect(await settlesWithin(exit, 3)).toBe(true);
  expect(await exit).toEqual([0, null]);
  expect(output).toBe('closed\n');
  expect(await fixture.rows('select state, fence from holdfast.task')).toEqual([{ state: 'done', fence: 1 }]);
});
