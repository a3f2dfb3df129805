import type { AwsClients } from '../../../lib/operations/aws/clients';
import { TaskLog } from '../../../lib/operations/aws/task-log';
import { AwsError } from '../../../lib/operations/aws/told-error';
import { EXIT } from '../../../lib/operations/exit-codes';

const NOT_THERE = 'ResourceNotFoundException';
const { signal } = new AbortController();
const stream = { group: '/shop/test/web', stream: 'shop/web/1' };

/** Pages behind one another, of which Amazon CloudWatch Logs knows `known` when it is asked for the first time. */
class LogOfPages {
  constructor(
    private readonly pages: readonly (readonly string[])[],
    private known = pages.length,
  ) {}

  /** @param comes pages that are there after each time that somebody has read to the end. */
  log(comes = 0): TaskLog {
    const send = ({ input }: { readonly input: { readonly nextToken?: string } }) => {
      const at = Number(input.nextToken ?? 0);
      if (at >= this.known) {
        const isThere = this.known > 0;
        this.known = Math.min(this.pages.length, this.known + comes);
        if (!isThere) return Promise.reject(new AwsError(EXIT.unavailable, 'No stream.', NOT_THERE, undefined));
        return Promise.resolve({ events: [], nextForwardToken: String(at) });
      }
      const events = this.pages[at]!.map((message) => ({ message: `${message}\n` }));
      return Promise.resolve({ events, nextForwardToken: String(at + 1) });
    };
    return new TaskLog({ logs: { send } } as unknown as AwsClients, stream);
  }
}

describe('the log of a task', () => {
  it('goes on behind a page without lines', async () => {
    const log = new LogOfPages([['first'], [], ['last']]).log();
    expect(await log.more()).toEqual(['first', 'last']);
    expect(await log.more()).toEqual([]);
  });

  it('has what comes in several lots after the task has ended', async () => {
    const log = new LogOfPages([['first'], ['second'], ['third'], ['last']], 1).log(1);
    expect(await log.rest(signal)).toEqual(['first', 'second', 'third', 'last']);
  });

  it('is looked at again where its stream is not there yet', async () => {
    const log = new LogOfPages([['late']], 0).log(1);
    expect(await log.rest(signal)).toEqual(['late']);
  });
});
