import type { Catch } from './catch-mutant';

/** The most characters of what was seen that are shown. */
const SHOWN = 200;

/** Of each mutant its fate, the promise that was seen broken, and what else was said. */
export function mutantsTable(catches: readonly Catch[]): string {
  const lines = catches.flatMap(({ mutant, place, by, besides, seconds }) => [
    `${fate(by).padEnd(8)}  ${mutant} (${place}, ${seconds.toFixed(0)} s)`,
    ...[...(by === undefined ? [] : [by]), ...besides].map((sentence) => `          ${shortened(sentence)}`),
  ]);
  const caught = catches.filter(({ by }) => by !== undefined).length;
  return [...lines, `${caught} of ${catches.length} mutants caught`].join('\n');
}

/** For `docs/evidence`. */
export function mutantsMarkdown(catches: readonly Catch[], command: string): string {
  const rows = catches.map(({ mutant, place, by, besides, seconds }) =>
    [mutant, fate(by), place, inCell(by ?? besides.join('; ')), seconds.toFixed(0)].join(' | '),
  );
  return [
    '# What the suite notices',
    '',
    `\`${command}\`. Each build lacks one rule of the engine. It is caught when a row of the survival suite, or the test of`,
    'the engine that looks at this rule alone, sees a promise broken; a time-out does not count.',
    '',
    '| without the rule | fate | caught by | seen | seconds |',
    '| --- | --- | --- | --- | ---: |',
    ...rows.map((row) => `| ${row} |`),
    '',
  ].join('\n');
}

export function mutantsJson(catches: readonly Catch[], seed: number): string {
  return JSON.stringify({ seed, held: catches.every(({ by }) => by !== undefined), mutants: catches }, null, 2);
}

function fate(by: string | undefined): string {
  return by === undefined ? 'SURVIVED' : 'caught';
}

function inCell(sentence: string): string {
  return shortened(sentence).replaceAll('|', '\\|');
}

function shortened(sentence: string): string {
  return sentence.length <= SHOWN ? sentence : `${sentence.slice(0, SHOWN)} …`;
}
