import { execFileSync } from 'node:child_process';
import { startPrivatePostgres, startPrivateRedis } from '../../app/test/servers/private-servers';
import { readEnvironment } from '../../bench/environment';
import type { Environment } from '../../bench/environment';

/** When, from which source and on what a report was made. */
export interface Provenance {
  /** ISO 8601, when the run began. */
  readonly date: string;
  readonly commit: string;
  readonly environment: Environment;
}

/** Starts servers as the rows use them, to ask them for their versions, and ends them again. */
export async function readProvenance(): Promise<Provenance> {
  const servers = await Promise.all([startPrivatePostgres(), startPrivateRedis()]);
  const [postgres, redis] = servers;
  try {
    return await provenanceOn({ postgresUrl: postgres.url, redisUrl: redis.url }, ['pg', 'ioredis']);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

/** @param packages of npm, whose versions are told */
export async function provenanceOn(
  servers: { readonly postgresUrl: string; readonly redisUrl: string },
  packages: readonly string[],
): Promise<Provenance> {
  const date = new Date().toISOString();
  return { date, commit: commit(), environment: await readEnvironment(servers, packages) };
}

/** One sentence, for Markdown. */
export function provenanceText({ date, commit, environment }: Provenance): string {
  const versions = Object.entries(environment.versions).map(([name, version]) => `${name} ${version}`);
  return `Made ${date} from commit ${commit} on ${environment.cores} cores, ${environment.platform}: ${versions.join(', ')}.`;
}

function commit(): string {
  try {
    // What an earlier run has written changes nothing of what is run.
    const changed = git('status', '--porcelain', '--', ':(top)', ':(top,exclude)docs/evidence') !== '';
    return git('rev-parse', 'HEAD') + (changed ? ' with changes' : '');
  } catch {
    return 'unknown';
  }
}

function git(...words: readonly string[]): string {
  return execFileSync('git', words, { cwd: __dirname, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
}
