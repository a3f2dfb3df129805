import { GetLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import type { GetLogEventsCommandOutput } from '@aws-sdk/client-cloudwatch-logs';
import type { AwsClients } from './clients';
import { pause } from './services';
import { isAwsError } from './told-error';

/** Lines come to CloudWatch Logs some seconds after they were written: awslogs sends every five, the last at the end. */
const LATE_MS = 3_000;
/** How often is looked at least once a task has ended. */
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
      // Only the end of a stream answers with the token that it was asked with; a page before it may be empty.
      // Source: CloudWatch Logs API reference, GetLogEvents.
      if (nextForwardToken === undefined || nextForwardToken === this.token) return lines;
      this.token = nextForwardToken;
    }
  }

  /** What still comes of a task that has ended, until a look brings nothing more. */
  async rest(signal: AbortSignal): Promise<string[]> {
    const lines = await this.more();
    for (let look = 2; ; look += 1) {
      await pause(LATE_MS / LOOKS, signal);
      const late = await this.more();
      if (late.length === 0 && look >= LOOKS) return lines;
      lines.push(...late);
    }
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
