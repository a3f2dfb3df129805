import { startMailCatcher } from './mail-catcher';

const HELP = 'Usage: main.ts SMTP_PORT HTTP_PORT [FILE [HOST]]';

/** Catches mail until SIGTERM or SIGINT. */
async function main([smtp, http, file, host]: readonly string[]): Promise<void> {
  if (smtp === undefined || http === undefined) throw new Error(HELP);
  const catcher = await startMailCatcher({
    smtpPort: Number(smtp),
    httpPort: Number(http),
    ...(file === undefined ? {} : { file }),
    ...(host === undefined ? {} : { host }),
  });
  console.log(`mail is caught on port ${catcher.smtpPort} and shown on port ${catcher.httpPort}`);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void catcher.close());
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
