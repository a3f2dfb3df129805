import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CONFIGURATION, STAGE } from './cdk';
import { EmulatedAws } from './emulated-aws';
import { DESTROY, FIRST_DEPLOY } from './first-deploy';
import { missingRequirement } from './requirements';
import { LEFT_OUT, Session } from './session';

/*
 * Records docs/first-deploy.md, a terminal session from the first deploy to the first drill, on the emulated AWS:
 * npx tsx test/emulator/record.ts, in a clone after npm ci.
 */
const PAGE = join(__dirname, '..', '..', 'docs', 'first-deploy.md');

async function main(): Promise<void> {
  const missing = missingRequirement();
  if (missing !== undefined) throw new Error(`The session cannot be recorded here. ${missing}`);
  const aws = await EmulatedAws.start();
  try {
    const own = { ...aws.environment, HOLDFAST_CONNECT_TO: `127.0.0.1:${aws.port}`, HOLDFAST_STAGE: STAGE };
    const session = new Session(own);
    for (const command of FIRST_DEPLOY) await session.type(command);
    writeFileSync(PAGE, page(own, session.text));
    console.log(`Written: ${PAGE}`);
    await new Session(own).type(DESTROY);
  } finally {
    await aws.stop();
  }
}

function page(environment: Readonly<Record<string, string>>, text: string): string {
  return `# From the first deploy to the first drill

When you need it: before your own first deploy, to know what you will see and for how long.

> Recorded on the [emulated AWS](../test/emulator/README.md), not on AWS: containers, tasks, the load balancer's requests and
> the data are real there; names, times and account are the emulator's. On AWS the same commands take longer: a database and a
> Redis alone take many minutes to be created.

Recorded by \`npx tsx test/emulator/record.ts\` in a fresh clone after \`npm ci\`, whole but for lines that \`${LEFT_OUT}\` stands for.
Where the session has \`${CONFIGURATION}\`, yours has \`holdfast.config.ts\`, which needs not be named. In place of these
variables stand the credentials of your account, and in \`HOLDFAST_STAGE\` your stage; the drill at the end needs
\`probes: true\` in it, which of the stages in \`holdfast.config.ts\` only \`dev\` has:

\`\`\`
${Object.entries(environment)
  .map(([name, value]) => `export ${name}=${value}`)
  .join('\n')}
\`\`\`

The session:

\`\`\`
${text}
\`\`\`

From here: [Deploy, change, remove](deploy.md), [Operations](operations.md).
`;
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
