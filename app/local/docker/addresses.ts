import { readyBox } from '../ready-box';

export interface AddressesOptions {
  readonly project: string;
  readonly port: number;
  /** Undefined when it came from the environment: a secret that somebody chose is not shown. */
  readonly madeAdminToken: string | undefined;
}

/** What `npm run start:docker` says once everything runs. */
export function addresses({ project, port, madeAdminToken }: AddressesOptions): string {
  return readyBox({
    app: `http://localhost:${port}`,
    madeAdminToken,
    rows: [
      ['Containers', `docker ps --filter name=${project}-`],
      ['Logs', `docker logs --follow ${project}-worker-1`],
      ['Data', 'in volumes (dropped by: npm run start:docker -- --fresh)'],
    ],
    trial: {
      sentence: 'accept 1,000 tasks, kill a worker and the queue, and see all done.',
      probes: { count: 1000, runMs: 50 },
      then: [`docker kill ${project}-worker-1 ${project}-queue`],
    },
  });
}
