import type { Attempt, Effect, Neighbour, TaskDetails } from './app-api/answers';
import { ago, duration, moment } from './output/amounts';
import { GAP, bad, good, pairs, quiet, text, title, warning } from './output/block';
import type { Block, Cell } from './output/block';

/** Characters of a result or a progress that are shown; --json has all. */
const SHOWN = 300;

/** A task as people read it, with what can be done about it last. */
export function taskView(task: TaskDetails): Block[] {
  return [
    pairs(
      ['Task', task.id],
      ['Kind', `${task.name} on ${task.queue}, priority ${task.priority}`],
      ['State', stateCell(task.state)],
      ['Attempt', `${task.attempt} of ${task.maxAttempts}`],
      ['Accepted', momentCell(task.acceptedAt)],
      ...(task.state === 'queued' && Date.parse(task.runAt) > Date.now()
        ? [['Due', `${moment(task.runAt)}, in ${duration((Date.parse(task.runAt) - Date.now()) / 1_000)}`] as const]
        : []),
      ...(task.startedAt === null ? [] : [['Started', momentCell(task.startedAt)] as const]),
      ...(task.finishedAt === null ? [] : [['Ended', momentCell(task.finishedAt)] as const]),
      ...valueRow('Progress', task.progress),
      ...valueRow('Result', task.result),
      ...(task.error === null ? [] : [['Error', bad(task.error)] as const]),
    ),
    ...attemptTable(task.attempts),
    ...neighbourTable('Waits or waited for', task.after),
    ...neighbourTable('What waits or waited for it', task.before),
    ...effectTable(task.effects),
    ...nextStep(task),
  ];
}

export function stateCell(state: string): Cell {
  if (state === 'done') return good(state);
  if (state === 'dead') return bad(state);
  return state === 'parked' || state === 'cancelled' ? warning(state) : state;
}

function momentCell(time: string): string {
  return `${moment(time)}, ${ago(time)}`;
}

function valueRow(name: string, value: unknown): (readonly [string, Cell])[] {
  if (value === null || value === undefined) return [];
  const words = JSON.stringify(value);
  return [[name, words.length > SHOWN ? `${words.slice(0, SHOWN - 1)}…` : words]];
}

function attemptTable(attempts: readonly Attempt[]): Block[] {
  if (attempts.length === 0) return [];
  return [
    GAP,
    {
      kind: 'table',
      columns: [
        { heading: 'Attempt', align: 'right' },
        { heading: 'Started' },
        { heading: 'Took', align: 'right' },
        { heading: 'Outcome', cuts: 'end' },
      ],
      rows: attempts.map(({ attempt, startedAt, finishedAt, error }) => [
        String(attempt),
        moment(startedAt),
        finishedAt === null ? quiet('-') : took(startedAt, finishedAt),
        error === null ? (finishedAt === null ? 'runs' : good('done')) : bad(error),
      ]),
    },
  ];
}

function took(from: string, to: string): string {
  const milliseconds = Date.parse(to) - Date.parse(from);
  return milliseconds < 1_000 ? `${milliseconds} ms` : duration(milliseconds / 1_000);
}

function neighbourTable(heading: string, neighbours: readonly Neighbour[]): Block[] {
  if (neighbours.length === 0) return [];
  return [
    GAP,
    title(heading),
    {
      kind: 'table',
      columns: [
        { heading: 'Task' },
        { heading: 'Kind', cuts: 'end' },
        { heading: 'State' },
        { heading: 'If it fails' },
      ],
      rows: neighbours.map(({ id, name, state, onFailure }) => [id ?? '', name, stateCell(state), onFailure]),
    },
  ];
}

function effectTable(effects: readonly Effect[]): Block[] {
  if (effects.length === 0) return [];
  return [
    GAP,
    title('Outside the database'),
    {
      kind: 'table',
      columns: [{ heading: 'Key', cuts: 'middle' }, { heading: 'Begun' }, { heading: 'Happened', cuts: 'end' }],
      rows: effects.map((effect) => [effect.key, moment(effect.intentAt), happened(effect)]),
    },
  ];
}

function happened({ receiptAt, resolved, onUnknown }: Effect): Cell {
  if (receiptAt === null)
    return warning(onUnknown === 'park' ? 'not known: a person decides' : 'not known: asked again');
  return good(resolved ? 'yes, said a person' : 'yes');
}

function nextStep({ id, state }: TaskDetails): Block[] {
  if (state === 'dead') return [GAP, text(`Next: when the cause is mended, npx holdfast retry ${id}`)];
  if (state !== 'parked') return [];
  return [
    GAP,
    text(
      `Next: find out at the receiver whether it happened, then npx holdfast resolve ${id} sent, or not-sent to have it called again.`,
    ),
  ];
}
