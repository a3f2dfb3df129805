import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

/*
 * What the operating system knows about processes. Linux answers from /proc (a slim image has no `ps` nor `lsof`);
 * elsewhere the two commands are asked. Fields of /proc/<pid>/stat: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
 */
const hasProc = existsSync('/proc/self/stat');

interface Stat {
  readonly state: string;
  readonly parent: number;
  readonly startTicks: string;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function run(command: string, commandArguments: readonly string[]): string | undefined {
  try {
    return execFileSync(command, commandArguments, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return undefined;
  }
}

function statOf(pid: number): Stat | undefined {
  const text = readText(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // The command's name stands in brackets and may itself contain spaces and brackets.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, parent, startTicks] = [fields[0], fields[1], fields[19]];
  return state && parent && startTicks ? { state, parent: Number(parent), startTicks } : undefined;
}

/**
 * When the process started, as text that no other process with the same pid can have; undefined when there is no such
 * process (a dead one whose parent has not looked yet counts as gone).
 */
export function startOf(pid: number): string | undefined {
  if (!hasProc) return run('ps', ['-o', 'lstart=', '-p', String(pid)]) ?? undefined;
  const stat = statOf(pid);
  if (!stat || stat.state === 'Z' || stat.state === 'X') return undefined;
  const boot = readText('/proc/sys/kernel/random/boot_id')?.trim() ?? '';
  return `${boot}+${stat.startTicks}`;
}

export function isAlive(pid: number): boolean {
  return startOf(pid) !== undefined;
}

/** Pids of the direct children. */
export function childrenOf(pid: number): number[] {
  const pairs = hasProc
    ? allPids().map((child) => [child, statOf(child)?.parent] as const)
    : (run('ps', ['-A', '-o', 'pid=,ppid=']) ?? '').split('\n').map((line) => {
        const [child, parent] = line.trim().split(/\s+/).map(Number);
        return [child ?? 0, parent] as const;
      });
  return pairs.filter(([, parent]) => parent === pid).map(([child]) => child);
}

/** Every pid of the machine. Linux only; elsewhere the list is empty. */
export function allPids(): number[] {
  if (!hasProc) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** The program's file name and first arguments, for messages; undefined when the process is gone or not ours to see. */
export function commandOf(pid: number): string | undefined {
  if (!hasProc) return run('ps', ['-o', 'command=', '-p', String(pid)]);
  const words = readText(`/proc/${pid}/cmdline`)?.split('\0').filter(Boolean);
  return words && words.length > 0 ? words.join(' ') : undefined;
}

/** Pids whose environment at their start held `NAME=value`. Linux only; elsewhere the list is empty. */
export function pidsWithEnvironment(name: string, value: string): number[] {
  const wanted = `${name}=${value}`;
  return allPids().filter((pid) => readText(`/proc/${pid}/environ`)?.split('\0').includes(wanted) ?? false);
}

/** The folder that the process works in. Linux only, and only for processes that this user may look into. */
export function workingFolderOf(pid: number): string | undefined {
  return readLink(`/proc/${pid}/cwd`);
}

/** Pid of the process that listens on the TCP port; undefined when nobody does or it cannot be seen. */
export function listenerOf(port: number): number | undefined {
  if (!hasProc) {
    const pid = Number(run('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-t'])?.split('\n')[0]);
    return pid > 0 ? pid : undefined;
  }
  const inodes = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => listeningInodes(table, port)));
  if (inodes.size === 0) return undefined;
  return allPids().find((pid) => openSockets(pid).some((inode) => inodes.has(inode)));
}

function listeningInodes(table: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return (readText(table) ?? '')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(suffix) && fields[3] === '0A')
    .flatMap((fields) => fields[9] ?? []);
}

function openSockets(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((descriptor) => {
      const target = readLink(`/proc/${pid}/fd/${descriptor}`);
      return target?.startsWith('socket:[') ? target.slice('socket:['.length, -1) : [];
    });
  } catch {
    return [];
  }
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** Sends a signal; a process that is already gone is no error. Negative pids name process groups, as for kill(2). */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
