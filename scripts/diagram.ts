import { writeFileSync } from 'node:fs';
import { CommandError, configurationOf, optionsOf, runCommand } from './command';
import { architectureSvg, synthesizeStacks, whyNotDrawn } from '../lib/operations/diagram/architecture';

const PAGE = 'docs/architecture.svg';
const HELP = `npm run diagram -- [--config FILE] [--stage NAME] [--out FILE]

Draws ${PAGE} from the templates of production, or of the last stage where
there is none.

  --config FILE  another configuration than holdfast.config.ts
  --stage NAME   another stage
  --out FILE     where the picture is written; needed with the options above`;

/* `npm run diagram`: draws docs/architecture.svg from the templates of holdfast.config.ts's production. */
runCommand(async () => {
  const options = optionsOf(process.argv.slice(2), PAGE);
  if (options === undefined) {
    console.log(HELP);
    return;
  }
  if (options.out === undefined) {
    throw new CommandError(
      `--out is missing; allowed is a file of yours, because ${PAGE} shows holdfast.config.ts: add --out picture.svg.`,
    );
  }
  const { configuration, stage } = await configurationOf(options);
  const why = whyNotDrawn(configuration, stage);
  if (why !== undefined) throw new CommandError(why);
  const stacks = synthesizeStacks(configuration, stage);
  let picture: string;
  try {
    picture = architectureSvg(stacks);
  } catch (error) {
    throw new CommandError(`The picture of ${stage} cannot be drawn: ${error instanceof Error ? error.message : ''}.`);
  }
  writeFileSync(options.out, picture);
  console.log(options.out);
});
