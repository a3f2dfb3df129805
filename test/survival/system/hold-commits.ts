import { waitUntil } from '../../../app/local/servers/wait-until';
import type { LedgerView } from './ledger-view';

const LIMIT_SECONDS = 10;

export interface HeldCommits {
  /** Resolves when a session of the program waits for the answer to its COMMIT. */
  held(): Promise<void>;
  /** Lets all commits end; resolves when none waits any more. */
  release(): Promise<void>;
}

/**
 * Stretches the moment between a commit and its answer: PostgreSQL has written the commit to its log and waits for a
 * standby that does not exist, so the client hears nothing. A client that dies now has committed without knowing it
 * (https://www.postgresql.org/docs/current/warm-standby.html#SYNCHRONOUS-REPLICATION).
 * @param program pattern of the sessions' application_name that `held` waits for.
 */
export async function holdCommits(ledger: LedgerView, program: string): Promise<HeldCommits> {
  const waiting = async (pattern: string): Promise<number> => {
    const [answer] = await ledger.rows<{ sessions: number }>(
      `select count(*)::int as sessions from pg_stat_activity
       where wait_event = 'SyncRep' and application_name like $1`,
      [pattern],
    );
    return answer!.sessions;
  };
  await ledger.rows(`alter system set synchronous_standby_names = 'nobody'`);
  await ledger.rows('select pg_reload_conf()');
  return {
    held: async () => {
      await waitUntil(`${program} waits for a commit`, async () => (await waiting(program)) > 0, {
        limitSeconds: LIMIT_SECONDS,
      });
    },
    release: async () => {
      await ledger.rows('alter system reset synchronous_standby_names');
      await ledger.rows('select pg_reload_conf()');
      await waitUntil('no commit waits any more', async () => (await waiting('%')) === 0, {
        limitSeconds: LIMIT_SECONDS,
      });
    },
  };
}
