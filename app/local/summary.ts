export interface SummaryOptions {
  readonly port: number;
  readonly metricsPort: number;
  readonly postgresPort: number;
  /** Undefined when it came from the environment: a secret that somebody chose is not shown. */
  readonly madeAdminToken: string | undefined;
}

/** What a person needs once everything runs; no line is longer than 80 columns. */
export function summary({ port, metricsPort, postgresPort, madeAdminToken }: SummaryOptions): string {
  const app = `http://localhost:${port}`;
  const rows: [string, string][] = [
    ['App', app],
    ['Staff', `${app}/staff/screenings`],
    ['Outbox', `${app}/dev/outbox (mail and text messages)`],
    ['API', `${app}/docs`],
    ['Queues', `${app}/api/queues`],
    ['Metrics', `http://localhost:${metricsPort}/metrics`],
    ['Admin token', madeAdminToken ?? 'as set in ADMIN_TOKEN'],
    ['', 'it is also the password of the staff'],
    ['PostgreSQL', `127.0.0.1:${postgresPort}, user postgres, database holdfast,`],
    ['', 'password in .holdfast/postgres-password'],
    ['Logs, data', '.holdfast/ (dropped by: npm start -- --fresh)'],
  ];
  const line = '─'.repeat(72);
  return [
    '',
    line,
    '  Holdfast is ready.',
    '',
    ...rows.map(([name, value]) => `  ${name.padEnd(13)}${value}`),
    '',
    '  Try: accept 1,000 tasks, end a worker with kill -9, and see them all done.',
    `    curl -X POST ${app}/api/probes \\`,
    `      -H 'authorization: Bearer ${madeAdminToken === undefined ? '<ADMIN_TOKEN>' : madeAdminToken}' \\`,
    `      -H 'content-type: application/json' -d '{"count": 1000}'`,
    '',
    '  Press Ctrl-C to stop; the data is kept.',
    line,
    '',
  ].join('\n');
}
