import { createInterface } from 'node:readline';
import { bullmq } from './bullmq';
import { holdfast } from './holdfast';
import type { Accept, Settings } from './settings';

/*
 * A producer or a worker of Holdfast or BullMQ: `node.ts holdfast worker`. A producer says `ready`, reads a key a line and answers
 * `accepted KEY` or `refused KEY REASON`, each as soon as it knows, as a web process answers its callers.
 */
async function main(): Promise<void> {
  const [system, role] = process.argv.slice(2);
  const programs = system === 'holdfast' ? holdfast : bullmq;
  const settings = readSettings();
  if (role === 'worker') {
    const stop = await programs.worker(settings);
    process.once('SIGTERM', () => void stop().then(() => process.exit(0)));
    return;
  }
  const accept = await programs.producer(settings);
  createInterface({ input: process.stdin }).on('line', (line) => void answer(accept, Number(line)));
  process.stdout.write('ready\n');
}

async function answer(accept: Accept, key: number): Promise<void> {
  try {
    await accept(key);
    process.stdout.write(`accepted ${key}\n`);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    process.stdout.write(`refused ${key} ${reason.split('\n')[0] ?? ''}\n`);
  }
}

function readSettings(): Settings {
  const value = (name: string): string => {
    const given = process.env[name];
    if (given === undefined) throw new Error(`${name} is not set; npm run bench:peers sets it.`);
    return given;
  };
  return {
    name: value('PEER_NAME'),
    postgresUrl: value('PEER_POSTGRES_URL'),
    redisUrl: value('PEER_REDIS_URL'),
    concurrency: Number(value('PEER_CONCURRENCY')),
    halfMs: Number(value('PEER_HALF_MS')),
    poisonKey: Number(value('PEER_POISON_KEY')),
    connections: Number(value('PEER_PRODUCER_CONNECTIONS')),
  };
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
