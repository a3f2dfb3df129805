import { ENVIRONMENT } from '../../../app/src/contract';

/**
 * Runs in the app's folder, whose packages it uses. The first process of a container gets only signals that it listens
 * for, so it listens before anything else.
 */
const SCRIPT = `
const { once } = require('node:events');
const { setTimeout: pause } = require('node:timers/promises');
const sign = once(process, 'SIGTERM').then(() => true);
const { Redis } = require('ioredis');
(async () => {
  const password = process.env.${ENVIRONMENT.queueRedisPassword};
  const redis = new Redis(process.env.${ENVIRONMENT.queueRedisUrl}, {
    ...(password ? { password } : {}), maxRetriesPerRequest: 3,
  });
  await redis.ping();
  console.log('ready');
  const seconds = process.argv[1];
  if (!(await Promise.race([sign, pause(seconds * 1000, false)]))) throw new Error('no sign came within ' + seconds + ' s');
  const keys = await redis.dbsize();
  await redis.flushall();
  console.log(JSON.stringify({ keys }));
  process.exit();
})().catch((error) => { console.error(error.message); process.exit(1); });
`;

/**
 * What a container of a worker runs to empty its queue's Redis at SIGTERM, and at nothing else; it writes `ready` when
 * it is connected, and one line of JSON when it is done: `keys` that there were.
 * @param waitSeconds after which it ends with exit code 1 when no sign came, and has emptied nothing.
 */
export function emptyQueueCommand(waitSeconds: number): string[] {
  return ['node', '-e', SCRIPT, String(waitSeconds)];
}
