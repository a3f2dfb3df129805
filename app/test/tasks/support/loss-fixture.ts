import Redis from 'ioredis';
import { freePort } from '../../../local/servers/free-port';
import type { RedisServer } from '../../../local/servers/redis-server';
import { startPrivateRedis } from '../../servers/private-servers';
import { dispatchFixture, note, NOTES } from './dispatch-fixture';
import type { DispatchFixture } from './dispatch-fixture';
import { tcpSwitch } from './tcp-switch';
import type { TcpSwitch } from './tcp-switch';
import { until } from './until';

const URGENT = { ...NOTES, priority: 0 };
/** A look a second, and up to a second until ioredis connects again. */
const REBUILT_WITHIN_SECONDS = 4;

/** A Redis of one's own behind an address that can be pointed elsewhere, and a relay that hands over to it once it is filled. */
export interface LossFixture extends DispatchFixture {
  readonly server: RedisServer;
  readonly line: TcpSwitch;
  /** Past the switch: to a server itself, also while the engine cannot reach it. */
  direct(port: number): Redis;
  /** Starts the relay: tasks in two lanes, handed over by it. */
  fill(): Promise<void>;
  /** What went on since: some of the tasks were taken and done, others came. Answers with those that are done. */
  goOn(): Promise<string[]>;
  /** Nobody reaches Redis until the switch points to a server again. */
  unplug(): Promise<void>;
  /** The relay has given its queue up because Redis was away for too long. */
  nobodyLeads(): Promise<void>;
  /** Both lists hold exactly what is due, in any order, within seconds. */
  expectComplete(): Promise<void>;
  /** The relay notices one loss, and both lists hold exactly what is due, in its order, within seconds. */
  expectRebuilt(): Promise<void>;
}

export async function lossFixture(): Promise<LossFixture> {
  // A replica that attaches need not wait for others to attach with it.
  const server = await startPrivateRedis({ settings: { 'repl-diskless-sync-delay': 0 } });
  const line = await tcpSwitch(server.port);
  const fixture = await dispatchFixture({ redisUrl: `redis://127.0.0.1:${line.port}`, window: 1_000 });
  const clients: Redis[] = [];
  const compare = async (as: (ids: string[]) => string[]): Promise<boolean> => {
    for (const lane of [NOTES, URGENT]) {
      if (as(await fixture.list(lane)).join() !== as(await fixture.due(lane)).join()) return false;
    }
    return true;
  };
  const inOrder = (): Promise<boolean> => compare((ids) => ids);
  const complete = (): Promise<boolean> => compare((ids) => ids.sort());
  return {
    ...{ ...fixture, server, line },
    direct: (port) => {
      const client = new Redis(port, '127.0.0.1');
      clients.push(client);
      return client;
    },
    fill: async () => {
      // Not before: a look begun before a replica was attached would count that as a loss, now or a look later.
      fixture.startRelay();
      await fixture.insert(15);
      await fixture.insert(5, URGENT);
      await until('the relay has handed over', complete);
    },
    goOn: async () => {
      // Done before they leave the list: a look of the relay in between would find them due and missing.
      const ids = (await fixture.list()).slice(0, 6);
      await fixture.finish(ids);
      expect(await fixture.redis.lpop(fixture.keys.list(NOTES), ids.length)).toEqual(ids);
      await fixture.insert(4);
      await until('the relay has handed over', async () => (await fixture.list()).length === 15 - 6 + 4);
      return ids;
    },
    unplug: async () => line.pointTo(await freePort()),
    nobodyLeads: async () => {
      const relays = `select from pg_stat_activity where application_name = 'holdfast relay' and datname = current_database()`;
      await until('no relay has a session', async () => (await fixture.rows(relays)).length === 0, 15);
    },
    expectComplete: async () => {
      await until('everything due is in the lists', complete, REBUILT_WITHIN_SECONDS);
    },
    expectRebuilt: async () => {
      await until(
        'the relay has noticed it and everything due is in the lists',
        async () => fixture.relayCounters.redisRebuilds > 0 && inOrder(),
        REBUILT_WITHIN_SECONDS,
      );
      // From here on acceptors hand over themselves again: nothing is left in the state of an emergency.
      const before = fixture.tasks.metrics().dispatched!;
      await until('acceptors dispatch again', async () => {
        await fixture.tasks.accept(note, { n: 1 });
        return fixture.tasks.metrics().dispatched! > before;
      });
      await until('everything is in the lists', complete);
      expect(fixture.relayCounters.redisRebuilds).toBe(1);
      expect(fixture.logger.saying('redis lost or replaced its data')).toHaveLength(1);
    },
    close: async () => {
      for (const client of clients) client.disconnect();
      await fixture.close();
      await line.close();
      await server.stop();
    },
  };
}
