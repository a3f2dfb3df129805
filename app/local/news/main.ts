import { startSampleFeeds } from './sample-feeds';

const HELP = 'Usage: main.ts PORT [HOST]';

/** Serves sample feeds until SIGTERM or SIGINT. */
async function main([port, host]: readonly string[]): Promise<void> {
  if (port === undefined) throw new Error(HELP);
  const feeds = await startSampleFeeds({ port: Number(port), ...(host === undefined ? {} : { host }) });
  console.log(`sample feeds are served on port ${feeds.port}`);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void feeds.close());
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
