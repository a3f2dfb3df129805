import { bullmq } from './bullmq';
import type { Consumer, Contender, ContenderName, Producer } from './contender';
import { clockMs } from './contender';
import { holdfast } from './holdfast';
import type { Answers, Command, Message, Question, Role } from './messages';
import { acceptAtOnce, acceptSteadily } from './pace';

/*
 * A process that measures: it accepts or works for one contender, as the benchmark tells it over the channel to its
 * parent. Accepting and working are processes of their own, as in production.
 */
const contenders: Readonly<Record<ContenderName, Contender>> = { holdfast, bullmq };

/** How often the parent is told what has been completed: the resolution of the time of the last task. */
const REPORT_EVERY_MS = 5;

class Player {
  private producer: Producer | undefined;
  private consumer: Consumer | undefined;
  private latencies: number[] = [];
  private reporting: NodeJS.Timeout | undefined;

  async run(command: Command): Promise<Answers[Command['do']]> {
    switch (command.do) {
      case 'open':
        return this.open(command.role);
      case 'accept':
        return acceptAtOnce(required(this.producer), command.mode, command.count);
      case 'accept-steadily':
        return acceptSteadily(required(this.producer), command.count, command.perSecond);
      case 'start-worker': {
        const beganMs = clockMs();
        await required(this.consumer).start();
        return { beganMs, endedMs: clockMs() };
      }
      case 'stop-worker':
        await required(this.consumer).stop();
        return null;
      case 'take-latencies':
        return this.latencies.splice(0);
      case 'close':
        clearInterval(this.reporting);
        await this.producer?.close();
        await this.consumer?.close();
        return null;
    }
  }

  private async open({ contender, kind, addresses }: Role): Promise<null> {
    const system = contenders[contender];
    if (kind === 'acceptor') {
      this.producer = await system.openProducer(addresses);
      return null;
    }
    this.consumer = await system.openConsumer(addresses, ({ at }) => {
      if (at > 0) this.latencies.push(clockMs() - at);
    });
    this.report(this.consumer);
    return null;
  }

  private report(consumer: Consumer): void {
    let told = 0;
    this.reporting = setInterval(() => {
      const count = consumer.completed();
      if (count !== told) send({ kind: 'completed', count, atMs: clockMs() });
      told = count;
    }, REPORT_EVERY_MS);
  }
}

function required<T>(part: T | undefined): T {
  if (part === undefined) throw new Error('this process was opened for another role');
  return part;
}

function send(message: Message): void {
  process.send?.(message);
}

const player = new Player();
process.on('message', ({ id, command }: Question) => {
  player.run(command).then(
    (value) => send({ kind: 'answer', id, value }),
    (error: unknown) => send({ kind: 'failure', id, reason: error instanceof Error ? error.message : String(error) }),
  );
});
// The terminal's Ctrl-C reaches every process; the parent decides what happens then. Without it there is nothing to do.
process.on('SIGINT', () => undefined);
process.on('disconnect', () => process.exit());
