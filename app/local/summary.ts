import { readyBox } from './ready-box';

export interface SummaryOptions {
  readonly port: number;
  readonly metricsPort: number;
  readonly postgresPort: number;
  /** Undefined when it came from the environment: a secret that somebody chose is not shown. */
  readonly madeAdminToken: string | undefined;
}

/** What `npm start` says once everything runs. */
export function summary({ port, metricsPort, postgresPort, madeAdminToken }: SummaryOptions): string {
  return readyBox({
    app: `http://localhost:${port}`,
    madeAdminToken,
    rows: [
      ['Metrics', `http://localhost:${metricsPort}/metrics`],
      ['PostgreSQL', `127.0.0.1:${postgresPort}, user postgres, database holdfast,`],
      ['', 'password in .holdfast/postgres-password'],
      ['Logs, data', '.holdfast/ (dropped by: npm start -- --fresh)'],
    ],
    trial: {
      sentence: 'accept 1,000 tasks, end a worker with kill -9, and see them all done.',
      probes: { count: 1000 },
    },
  });
}
