import type { TaskLogger } from '../../../src/tasks';

export interface LogLine {
  readonly level: keyof TaskLogger;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A logger that keeps what it was told, oldest first. */
export interface RecordingLogger extends TaskLogger {
  readonly lines: readonly LogLine[];
  /** The lines whose message contains `text`. */
  saying(text: string): LogLine[];
}

export function recordingLogger(): RecordingLogger {
  const lines: LogLine[] = [];
  const record = (level: keyof TaskLogger) => (fields: object, message: string) =>
    void lines.push({ level, message, fields: { ...fields } });
  return {
    lines,
    saying: (text) => lines.filter((line) => line.message.includes(text)),
    debug: record('debug'),
    info: record('info'),
    warn: record('warn'),
    error: record('error'),
  };
}
