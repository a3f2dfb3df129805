import { ENVIRONMENT } from '../../../app/src/contract';

/** Runs in the app's folder, whose packages it uses. */
const SCRIPT = `
const { Redis } = require('ioredis');
const { setTimeout: pause } = require('node:timers/promises');
(async () => {
  const password = process.env.${ENVIRONMENT.queueRedisPassword};
  const redis = new Redis(process.env.${ENVIRONMENT.queueRedisUrl}, {
    ...(password ? { password } : {}), maxRetriesPerRequest: 3,
  });
  await redis.ping();
  await pause(Number(process.argv[1]) * 1000);
  const keys = await redis.dbsize();
  await redis.flushall();
  console.log(JSON.stringify({ keys, at: Date.now() }));
  redis.disconnect();
})().catch((error) => { console.error(error.message); process.exit(1); });
`;

/**
 * What a container of a worker runs to empty its queue's Redis; it writes one line of JSON: `keys` that there were, and
 * `at`, milliseconds since 1970.
 * @param fuseSeconds how long it waits until then, connected.
 */
export function emptyQueueCommand(fuseSeconds: number): string[] {
  return ['node', '-e', SCRIPT, String(fuseSeconds)];
}
