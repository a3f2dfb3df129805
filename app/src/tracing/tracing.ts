import type { TaskHandler, Tasks } from '../tasks';

export interface RequestSpan {
  /** W3C traceparent of the span: tasks that the request accepts are its children. */
  readonly traceparent: string;
  /** Later calls count for nothing. */
  end(answer: RequestAnswer): void;
}

export interface RequestAnswer {
  /** The route's pattern, never the path: paths may hold what is secret. */
  readonly route: string;
  /** HTTP status; undefined when the client had gone before there was one. */
  readonly status: number | undefined;
}

/** Writes spans of requests and of attempts at tasks. */
export interface Tracing {
  /** @param parent the caller's W3C traceparent, if it sent one */
  startRequest(method: string, parent: string | undefined): RequestSpan;
  /** The same handlers, each attempt in a span of its own; the span of its task's accepter is its parent. */
  traceHandlers(tasks: Pick<Tasks, 'on'>, handlers: readonly TaskHandler[]): readonly TaskHandler[];
  /** Sends what is left, for at most two seconds. */
  close(): Promise<void>;
}
