import { RedisConnection } from '../../../src/tasks/dispatching/redis-connection';

/*
 * A process that connects to the Redis whose URL is its argument, says on standard output what became of it, and ends:
 * certificate authorities of NODE_EXTRA_CA_CERTS are read when a process starts.
 */
const say = (what: string): never => {
  process.stdout.write(what);
  process.exit(0);
};
const warn = (fields: object): void => {
  if ('err' in fields && fields.err instanceof Error) say(`refused: ${fields.err.message}`);
};
const logger = { debug: () => undefined, info: () => undefined, warn, error: () => undefined };
const connection = new RedisConnection(process.argv[2] ?? '', { name: 'test', silenceMs: 2_000, logger });

async function ask(): Promise<void> {
  while (!connection.ready) await new Promise((resolve) => setTimeout(resolve, 10));
  const [answer] = await connection.send((pipeline) => pipeline.ping());
  say(`answered: ${String(answer)}`);
}

void ask();
