import { writeFileSync } from 'node:fs';
import { textOption } from './command';
import type { OperationsCommand } from './command';
import { usageError } from './exit-codes';
import { good, text } from './output/block';

export const diagram: OperationsCommand = {
  name: 'diagram',
  summary: "Draw the stage's architecture from its templates, as SVG",
  options: { '--out <file>': 'the file to write' },
  examples: ['diagram --out production.svg --stage production'],
  notLocal: 'it has no templates',
  async run(context, input) {
    const out = textOption(input, 'out');
    if (out === undefined) throw usageError('diagram lacks --out; allowed is a file to write: add --out picture.svg.');
    const { default: configuration } = await context.deployment();
    await context.configuration();
    // Synthesises the stage, for which the CDK is loaded.
    const { architectureSvg, synthesizeStacks, whyNotDrawn } = await import('./diagram/architecture.ts');
    const why = context.checked(() => whyNotDrawn(configuration, context.stage));
    if (why !== undefined) throw usageError(why);
    const stacks = await context.terminal.during('Synthesising the stacks', () =>
      Promise.resolve(context.checked(() => synthesizeStacks(configuration, context.stage))),
    );
    writePicture(out, architectureSvg(stacks));
    return { data: { file: out }, view: [text(good(`Drawn: ${out}`))] };
  },
};

function writePicture(file: string, picture: string): void {
  try {
    writeFileSync(file, picture);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw usageError(`--out is "${file}", which cannot be written (${why}): name a file in a folder that there is.`);
  }
}
