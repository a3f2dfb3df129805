import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { signal, startOf } from './servers/process-table';
import { type Container, removeContainer } from './servers/redis-server';
import type { Log } from './servers/spawn-server';
import { waitUntil } from './servers/wait-until';

/** One process of a local run. The start makes sure that a pid used again by another program is never taken for it. */
export interface ProcessRecord {
  readonly name: string;
  readonly pid: number;
  readonly start: string;
  /** How it is asked to end. */
  readonly stopSignal: 'SIGTERM' | 'SIGINT';
  /** Servers end after the processes that use them. */
  readonly role: 'launcher' | 'app' | 'server';
  /** Set when the process only holds a container. */
  readonly container?: Container;
}

export type NewProcess = Omit<ProcessRecord, 'start'>;

export interface ProcessList {
  /** Writes a started process down; one of the same name is replaced. */
  add(process: NewProcess): void;
  /** Ends everything at once: SIGKILL to every process but this one. */
  killAll(): void;
  /** Removes the list; everything on it has to have ended. */
  close(): void;
}

/** Short for the app's processes: their output ends nowhere since the launcher died, and their tasks are safe anyway. */
const STOP_SECONDS = { launcher: 0, app: 5, server: 30 };
const KILL_SECONDS = 10;

/**
 * Makes this process the only launcher on the folder and ends what a killed one left running.
 * Throws one sentence when another launcher runs.
 */
export async function openProcessList(file: string, say: Log): Promise<ProcessList> {
  const records = read(file).filter(isRunning);
  const launcher = records.find(({ role }) => role === 'launcher');
  if (launcher) {
    throw new Error(
      `Holdfast runs here already (process ${launcher.pid}); press Ctrl-C in its terminal, or end it with: kill ${launcher.pid}`,
    );
  }
  const list = new Map<string, ProcessRecord>();
  // The old records stay until they have ended: a launcher that is killed right now must not lose sight of them.
  for (const record of records) list.set(`left over: ${record.name}`, record);
  const add = (started: NewProcess) => {
    list.set(started.name, { ...started, start: startOf(started.pid) ?? '' });
    write(file, [...list.values()]);
  };
  add({ name: 'launcher', pid: process.pid, stopSignal: 'SIGTERM', role: 'launcher' });
  if (records.length > 0) {
    say(`Ending ${records.length} processes that an earlier run left behind.`);
    await endAll(records.filter(({ role }) => role === 'app'));
    await endAll(records.filter(({ role }) => role === 'server'));
  }
  for (const name of list.keys()) if (name.startsWith('left over: ')) list.delete(name);
  return {
    add,
    killAll: () => {
      for (const record of list.values()) {
        if (record.role === 'launcher' || !isRunning(record)) continue;
        signalGroup(record, 'SIGKILL');
        // The process is only docker's client; not waited for, because the launcher ends right now.
        if (record.container) void removeContainer(record.container);
      }
    },
    close: () => rmSync(file, { force: true }),
  };
}

function read(file: string): ProcessRecord[] {
  if (!existsSync(file)) return [];
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessRecord[];
  } catch (error) {
    throw new Error(`${file} cannot be read; end what runs of Holdfast by hand and remove the file.`, { cause: error });
  }
}

/** Written beside and renamed, so that a kill in between leaves the old list or the new one. */
function write(file: string, records: readonly ProcessRecord[]): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(records, undefined, 1)}\n`);
  renameSync(`${file}.new`, file);
}

function isRunning({ pid, start }: ProcessRecord): boolean {
  return start !== '' && startOf(pid) === start;
}

async function endAll(records: readonly ProcessRecord[]): Promise<void> {
  await Promise.all(records.map(end));
}

async function end(record: ProcessRecord): Promise<void> {
  const { container } = record;
  if (container) await removeContainer(container);
  const gone = () => !isRunning(record);
  signal(record.pid, record.stopSignal);
  // One that was frozen has to run to hear it.
  signal(record.pid, 'SIGCONT');
  try {
    await waitUntil(`${record.name} has ended`, gone, { limitSeconds: STOP_SECONDS[record.role] });
  } catch {
    signalGroup(record, 'SIGKILL');
    await waitUntil(`${record.name} was killed`, gone, { limitSeconds: KILL_SECONDS });
  }
}

/** Every process of the local run leads a group of its own. */
function signalGroup({ pid }: ProcessRecord, name: NodeJS.Signals): void {
  signal(-pid, name);
}
