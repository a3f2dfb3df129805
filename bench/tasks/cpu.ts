import { readdirSync, readFileSync } from 'node:fs';

/** Ticks a second in /proc/<pid>/stat: USER_HZ is 100 on every Linux that Node.js runs on (man 5 proc_pid_stat). */
const TICK_MS = 10;

interface Usage {
  readonly pid: number;
  readonly parent: number;
  /** Its own and that of its children that have ended. */
  readonly cpuMs: number;
}

/**
 * CPU time that all processes started by this one have used, servers included, this one excluded, in ms. Unlike the
 * time on the wall it hardly depends on what else the machine does. Undefined where there is no /proc.
 */
export function descendantsCpuMs(): number | undefined {
  const processes = allUsages();
  if (processes.length === 0) return undefined;
  const family = new Set([process.pid]);
  for (let grew = true; grew;) {
    const members = processes.filter(({ pid, parent }) => family.has(parent) && !family.has(pid));
    for (const { pid } of members) family.add(pid);
    grew = members.length > 0;
  }
  return processes
    .filter(({ pid }) => family.has(pid) && pid !== process.pid)
    .reduce((sum, { cpuMs }) => sum + cpuMs, 0);
}

function allUsages(): Usage[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => usageOf(Number(name)));
  } catch {
    return [];
  }
}

function usageOf(pid: number): Usage[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command's name stands in brackets and may itself contain spaces and brackets.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    // utime, stime, cutime, cstime
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    return [{ pid, parent: Number(fields[1]), cpuMs: ticks * TICK_MS }];
  } catch {
    // It ended while we were reading.
    return [];
  }
}
