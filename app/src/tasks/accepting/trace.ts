/** https://www.w3.org/TR/trace-context/#traceparent-header, version 00: longer ones of later versions are not kept. */
const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Whether this is a W3C traceparent of version 00. */
export function isTraceparent(text: string): boolean {
  return TRACEPARENT.test(text);
}

/** The id of the trace that a traceparent belongs to: 32 hexadecimal digits. */
export function traceIdOf(traceparent: string | null | undefined): string | undefined {
  return traceparent == null ? undefined : TRACEPARENT.exec(traceparent)?.[1];
}

/** What `current` answers if that is a traceparent: tracing must never be what keeps a task from being accepted. */
export function soundTrace(current: () => string | undefined): () => string | undefined {
  return () => {
    try {
      const trace = current();
      return trace !== undefined && isTraceparent(trace) ? trace : undefined;
    } catch {
      return undefined;
    }
  };
}
