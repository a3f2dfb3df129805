import { startFakeAgent } from '../../../app/test/process/ecs-agent';
import type { FakeAgent } from '../../../app/test/process/ecs-agent';
import { EffectReceiver } from './effect-receiver';
import { FeedServer } from './feed-server';
import { MailServer } from './mail-server';
import { ObjectServer } from './object-server';

export interface OutsideOptions {
  /** A mail server that all mail is sent through. @default false */
  readonly mail?: boolean;
  /** A feed whose news are collected every second. @default false */
  readonly feed?: boolean;
  /** A stand-in for S3 that objects are kept in, instead of a folder. @default false */
  readonly s3?: boolean;
  /** A stand-in for the Amazon ECS agent beside each worker, which asks it for protection from scale-in. @default false */
  readonly agents?: boolean;
}

/** What the app's processes talk to beside PostgreSQL and Redis. */
export class Outside {
  static async start({ mail, feed, s3, agents }: OutsideOptions): Promise<Outside> {
    const outside = new Outside(
      await EffectReceiver.start(),
      mail === true ? await MailServer.start() : undefined,
      feed === true ? await FeedServer.start() : undefined,
      s3 === true ? await ObjectServer.start() : undefined,
      agents === true ? [await startFakeAgent(), await startFakeAgent()] : [],
    );
    // No service: nothing but protection is asked for.
    for (const agent of outside.agents) agent.serviceName = undefined;
    return outside;
  }

  private constructor(
    /** Whom the probes of all workers call. */
    readonly receiver: EffectReceiver,
    readonly mail: MailServer | undefined,
    readonly feed: FeedServer | undefined,
    readonly objects: ObjectServer | undefined,
    /** The workers' agents, in their order. */
    readonly agents: readonly FakeAgent[],
  ) {}

  async close(): Promise<void> {
    await this.receiver.close();
    await this.mail?.close();
    await this.feed?.close();
    await this.objects?.close();
    await Promise.all(this.agents.map((agent) => agent.close()));
  }
}
