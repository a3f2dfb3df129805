import { waitUntil } from '../../../app/local/servers/wait-until';
import type { LedgerView } from './ledger-view';

const LIMIT_SECONDS = 10;

export interface HeldEffects {
  /** Resolves when so many sessions stand still at their effect. */
  held(sessions: number): Promise<void>;
  release(): Promise<void>;
}

/** Stops every probe at its effect, in the middle of its completing transaction: nobody can write to app.probe_effect. */
export async function holdEffects(ledger: LedgerView): Promise<HeldEffects> {
  const client = await ledger.connect();
  await client.query('begin');
  await client.query('lock table app.probe_effect in share mode');
  return {
    held: async (sessions) => {
      await waitUntil(
        `${sessions} sessions wait to write an effect`,
        async () => {
          const [answer] = await ledger.rows<{ sessions: number }>(
            `select count(*)::int as sessions from pg_locks
             where relation = 'app.probe_effect'::regclass and not granted`,
          );
          return answer!.sessions >= sessions;
        },
        { limitSeconds: LIMIT_SECONDS },
      );
    },
    release: () => client.end(),
  };
}
