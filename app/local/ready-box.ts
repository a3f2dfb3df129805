export interface ReadyBoxOptions {
  /** Address of the app, without a slash at its end. */
  readonly app: string;
  /** Undefined when it came from the environment: a secret that somebody chose is not shown. */
  readonly madeAdminToken: string | undefined;
  /** What this way to run it has besides, under its name; a name that is empty goes on with the row before. */
  readonly rows: readonly (readonly [name: string, value: string])[];
  readonly trial: {
    /** What can be tried, as a sentence. */
    readonly sentence: string;
    /** Body of the request that accepts the probes. */
    readonly probes: object;
    /** Commands after it. @default none */
    readonly then?: readonly string[];
  };
}

/** What a person needs once everything runs; no line is longer than 80 columns. */
export function readyBox({ app, madeAdminToken, rows, trial }: ReadyBoxOptions): string {
  const all: ReadyBoxOptions['rows'] = [
    ['App', app],
    ['Staff', `${app}/staff/screenings`],
    ['Outbox', `${app}/dev/outbox (mail and text messages)`],
    ['API', `${app}/docs`],
    ['Queues', `${app}/api/queues`],
    ['Admin token', madeAdminToken ?? 'as set in ADMIN_TOKEN'],
    ['', 'it is also the password of the staff'],
    ...rows,
  ];
  const line = '─'.repeat(72);
  const probes = JSON.stringify(trial.probes).replaceAll(/([:,])/g, '$1 ');
  return [
    '',
    line,
    '  Holdfast is ready.',
    '',
    ...all.map(([name, value]) => `  ${name.padEnd(13)}${value}`),
    '',
    `  Try: ${trial.sentence}`,
    `    curl -X POST ${app}/api/probes \\`,
    `      -H 'authorization: Bearer ${madeAdminToken ?? '<ADMIN_TOKEN>'}' \\`,
    `      -H 'content-type: application/json' -d '${probes}'`,
    ...(trial.then ?? []).map((command) => `    ${command}`),
    '',
    '  Press Ctrl-C to stop; the data is kept.',
    line,
    '',
  ].join('\n');
}
