import type { Catch } from './catch-mutant';
import { provenanceText } from './provenance';
import type { Provenance } from './provenance';

/** The most characters of what was seen that are shown. */
const SHOWN = 200;

/** Of each mutant its fate, the promise that was seen broken, and what else was said. */
export function mutantsTable(catches: readonly Catch[]): string {
  const lines = catches.flatMap(({ mutant, place, fate, by, besides, seconds }) => [
    `${fate.padEnd(9)}  ${mutant} (${place}, ${seconds.toFixed(0)} s)`,
    ...[...(by === undefined ? [] : [by]), ...besides].map((sentence) => `           ${shortened(sentence)}`),
  ]);
  return [...lines, summary(catches)].join('\n');
}

function summary(catches: readonly Catch[]): string {
  const caught = catches.filter(({ fate }) => fate === 'caught');
  const byRows = caught.filter(({ witness }) => witness === 'row').length;
  const places = `${byRows} by rows, ${caught.length - byRows} by the engine's tests`;
  return `${caught.length} of ${catches.length} mutants caught: ${places}`;
}

/** For `docs/evidence`. */
export function mutantsMarkdown(
  catches: readonly Catch[],
  { command, provenance }: { readonly command: string; readonly provenance: Provenance },
): string {
  const rows = catches.map(({ mutant, place, fate, by, besides, seconds }) =>
    [mutant, fate, place, inCell(by ?? besides.join('; ')), seconds.toFixed(0)].join(' | '),
  );
  return [
    '# What the suite notices',
    '',
    `\`${command}\`. ${provenanceText(provenance)}`,
    '',
    'Each build lacks one rule of the engine. It is caught when a row of the survival suite, or the test of',
    'the engine that looks at this rule alone, sees a promise broken; a time-out does not count. The same row or test has to',
    'be green on a build without a change, or the mutant was not tried.',
    '',
    '| without the rule | fate | caught by | seen | seconds |',
    '| --- | --- | --- | --- | ---: |',
    ...rows.map((row) => `| ${row} |`),
    '',
    `${summary(catches)}.`,
    '',
  ].join('\n');
}

export function allCaught(catches: readonly Catch[]): boolean {
  return catches.every(({ fate }) => fate === 'caught');
}

export function mutantsJson(
  catches: readonly Catch[],
  { seed, provenance }: { readonly seed: number; readonly provenance: Provenance },
): string {
  return JSON.stringify({ ...provenance, seed, held: allCaught(catches), mutants: catches }, null, 2);
}

function inCell(sentence: string): string {
  return shortened(sentence).replaceAll('|', '\\|');
}

function shortened(sentence: string): string {
  return sentence.length <= SHOWN ? sentence : `${sentence.slice(0, SHOWN)} …`;
}
