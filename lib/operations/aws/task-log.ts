import { GetLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import type { GetLogEventsCommandOutput } from '@aws-sdk/client-cloudwatch-logs';
import type { AwsClients } from './clients';
import { pause } from './services';
import { isAwsError } from './told-error';

/** Lines come to CloudWatch Logs some seconds after they were written: awslogs sends every five, the last at the end. */
const LATE_MS = 3_000;
const LOOKS = 3;

/** What the one container of one task writes. */
export class TaskLog {
  private token: string | undefined;

  constructor(
    private readonly aws: AwsClients,
    private readonly at: { readonly group: string; readonly stream: string },
  ) {}

  /** What has come since the last time; nothing while the stream is not there. */
  async more(): Promise<string[]> {
    const lines: string[] = [];
    for (;;) {
      const { events = [], nextForwardToken } = await this.page();
      lines.push(...events.map(({ message = '' }) => message.replace(/\r?\n$/, '')));
      // The end of a stream answers with the token that it was asked with.
      if (nextForwardToken === undefined || nextForwardToken === this.token) return lines;
      this.token = nextForwardToken;
      if (events.length === 0) return lines;
    }
  }

  /** What still comes of a task that has ended. */
  async rest(signal: AbortSignal): Promise<string[]> {
    const lines = await this.more();
    for (let look = 1; look < LOOKS && lines.length === 0; look += 1) {
      await pause(LATE_MS / LOOKS, signal);
      lines.push(...(await this.more()));
    }
    return lines;
  }

  private async page(): Promise<Partial<GetLogEventsCommandOutput>> {
    try {
      return await this.aws.logs.send(
        new GetLogEventsCommand({
          logGroupName: this.at.group,
          logStreamName: this.at.stream,
          startFromHead: true,
          ...(this.token === undefined ? {} : { nextToken: this.token }),
        }),
      );
    } catch (error) {
      if (isAwsError(error, 'ResourceNotFoundException')) return {};
      throw error;
    }
  }
}
