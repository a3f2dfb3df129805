import { inspect } from 'node:util';
import type Redis from 'ioredis';
import type { RedisServer } from '../../../local/servers/redis-server';
import { startPrivateRedis } from '../../servers/private-servers';
import { lossFixture } from '../support/loss-fixture';
import type { LossFixture } from '../support/loss-fixture';
import { NOTES } from '../support/dispatch-fixture';
import { until } from '../support/until';

describe('everything due is in the lists again within seconds', () => {
  let fixture: LossFixture;
  let replica: RedisServer;
  let second: Redis;
  const lane = (): string => fixture.keys.list(NOTES);

  beforeEach(async () => {
    fixture = await lossFixture();
    // As replicas are that take writes: one whose writes are refused is never handed anything.
    replica = await startPrivateRedis({ settings: { 'replica-read-only': 'no' } });
    second = fixture.direct(replica.port);
  });
  afterEach(async () => {
    await fixture.close();
    await replica.stop();
  });

  it('after a replica was attached for the first time', async () => {
    await fixture.fill();
    await attach();
    await fixture.expectRebuilt();
  });

  it('after the promotion of a replica that had not got the last writes', async () => {
    await attach();
    await fixture.fill();
    await replicated();
    // What the primary writes from here on never arrives at the other server.
    await second.replicaof('NO', 'ONE');
    const done = await fixture.goOn();
    fixture.line.pointTo(replica.port);
    expect(await second.lrange(lane(), 0, 5)).toEqual(done);
    await fixture.expectRebuilt();
  });

  it('after the promotion of a replica that had got everything', async () => {
    await attach();
    await fixture.fill();
    await fixture.goOn();
    await replicated();
    await second.replicaof('NO', 'ONE');
    fixture.line.pointTo(replica.port);
    await fixture.expectRebuilt();
  });

  it('after the address leads to a replica that takes writes: its run_id alone differs', async () => {
    await attach();
    await fixture.fill();
    await replicated();
    const line = async (redis: Redis): Promise<string | undefined> =>
      /master_replid:\S+/.exec(await redis.info('replication'))?.[0];
    const generation = fixture.keys.generation(NOTES.queue);
    expect(await line(second)).toBe(await line(fixture.redis));
    expect(await second.get(generation)).toBe(await fixture.redis.get(generation));
    fixture.line.pointTo(replica.port);
    await fixture.expectRebuilt();
  });

  it('although the address leads to the demoted primary for a while, which refuses writes', async () => {
    await attach();
    await fixture.fill();
    await replicated();
    await second.replicaof('NO', 'ONE');
    await fixture.redis.replicaof('127.0.0.1', String(replica.port));
    await fixture.insert(3);
    await until('a write was refused', () =>
      fixture.logger.lines.some((line) => inspect(line.fields.err).includes('READONLY')),
    );
    fixture.line.pointTo(replica.port);
    await fixture.expectRebuilt();
  });

  async function attach(): Promise<void> {
    await second.replicaof('127.0.0.1', String(fixture.server.port));
    await until('the replica is in step', async () => (await second.info('replication')).includes('link_status:up'));
  }

  async function replicated(): Promise<void> {
    await until('the replica has the same list', async () => {
      return (await second.lrange(lane(), 0, -1)).join() === (await fixture.list()).join();
    });
  }
});
