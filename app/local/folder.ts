import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LOCAL_RUN } from '../src/contract';

/** Where the local run keeps everything: `.holdfast/` of the project. */
export interface Folder {
  readonly path: string;
  readonly postgres: string;
  readonly queue: string;
  readonly cache: string;
  readonly objects: string;
  readonly logs: string;
  /** What the catcher of mail has caught. */
  readonly outbox: string;
  readonly ports: string;
  /** Which processes run; see leftovers.ts. */
  readonly processes: string;
  /** Where the app is reached, while it runs; for `npx holdfast --stage local`. */
  readonly address: string;
  readonly adminToken: string;
  readonly postgresPassword: string;
}

export function openFolder(path: string): Folder {
  mkdirSync(path, { recursive: true });
  const at = (name: string) => join(path, name);
  return {
    path,
    postgres: at('postgres'),
    queue: at('redis-queue'),
    cache: at('redis-cache'),
    objects: at('objects'),
    logs: at('logs'),
    outbox: at('outbox.json'),
    ports: at('ports.json'),
    processes: at('processes.json'),
    address: at(LOCAL_RUN.address),
    adminToken: at(LOCAL_RUN.adminToken),
    postgresPassword: at('postgres-password'),
  };
}

/** Removes everything that is kept but the list of processes, by which this launcher is known to run. */
export function dropData(folder: Folder): void {
  for (const name of readdirSync(folder.path)) {
    const path = join(folder.path, name);
    if (path !== folder.processes) rmSync(path, { recursive: true });
  }
}

/** The secret in the file, which only this user may read; made (128 random bits) when there is none. */
export function keptSecret(file: string): string {
  if (existsSync(file)) {
    const secret = readFileSync(file, 'utf8').trim();
    if (secret !== '') return secret;
  }
  const secret = randomBytes(16).toString('hex');
  writeFileSync(file, `${secret}\n`, { mode: 0o600 });
  chmodSync(file, 0o600);
  return secret;
}
