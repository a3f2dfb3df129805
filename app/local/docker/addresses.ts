export interface AddressesOptions {
  readonly project: string;
  readonly port: number;
  /** Undefined when it came from the environment: a secret that somebody chose is not shown. */
  readonly madeAdminToken: string | undefined;
}

/** What a person needs once everything runs; no line is longer than 80 columns. */
export function addresses({ project, port, madeAdminToken }: AddressesOptions): string {
  const app = `http://localhost:${port}`;
  const rows: [string, string][] = [
    ['App', app],
    ['Staff', `${app}/staff/screenings`],
    ['Outbox', `${app}/dev/outbox (mail and text messages)`],
    ['API', `${app}/docs`],
    ['Queues', `${app}/api/queues`],
    ['Admin token', madeAdminToken ?? 'as set in ADMIN_TOKEN'],
    ['', 'it is also the password of the staff'],
    ['Containers', `docker ps --filter name=${project}-`],
    ['Logs', `docker logs --follow ${project}-worker-1`],
    ['Data', 'in volumes (dropped by: npm run start:docker -- --fresh)'],
  ];
  const line = '─'.repeat(72);
  return [
    '',
    line,
    '  Holdfast is ready.',
    '',
    ...rows.map(([name, value]) => `  ${name.padEnd(13)}${value}`),
    '',
    '  Try: accept 1,000 tasks, kill a worker and the queue, and see all done.',
    `    curl -X POST ${app}/api/probes \\`,
    `      -H 'authorization: Bearer ${madeAdminToken ?? '<ADMIN_TOKEN>'}' \\`,
    `      -H 'content-type: application/json' -d '{"count": 1000, "runMs": 50}'`,
    `    docker kill ${project}-worker-1 ${project}-queue`,
    '',
    '  Press Ctrl-C to stop; the data is kept.',
    line,
    '',
  ].join('\n');
}
