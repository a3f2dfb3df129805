import { inspect } from 'node:util';
import Redis from 'ioredis';
import { RedisConnection } from '../../../src/tasks/dispatching/redis-connection';
import { startPrivateRedis } from '../../servers/private-servers';
import { recordingLogger } from '../support/recording-logger';
import { until } from '../support/until';

it('the password of Redis is in no log, also when it is the password that is wrong', async () => {
  const server = await startPrivateRedis();
  const admin = new Redis(server.port);
  await admin.config('SET', 'requirepass', 'another');
  const logger = recordingLogger();
  const url = `redis://:s3cret-Password@127.0.0.1:${server.port}`;
  const connection = new RedisConnection(url, { name: 'commands', silenceMs: 2_000, logger });
  await until('the trouble is logged', () => logger.lines.length > 0);
  const shown = inspect(logger.lines, { depth: null, showHidden: true });
  expect(shown).toMatch(/WRONGPASS/);
  expect(shown).not.toMatch(/s3cret/);
  connection.close();
  await admin.config('SET', 'requirepass', '');
  admin.disconnect();
  await server.stop();
});
