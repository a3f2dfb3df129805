import { EXIT, OperationsError } from '../exit-codes';
import { httpRequest } from './http-request';
import type { HttpAnswer } from './http-request';
import type { Bulk, QueuesAnswer, TaskDetails, TaskPage } from './answers';

export interface AppApiOptions {
  /** Without a slash at the end. */
  readonly baseUrl: string;
  readonly adminToken: string;
  /** Where the token is from, for the sentence that says that it is wrong. */
  readonly tokenFrom: string;
  /** Connects here instead of to the host of the address. @default - there */
  readonly connectTo?: string | undefined;
  readonly signal: AbortSignal;
}

export type BulkFilter = Readonly<Partial<Record<'queue' | 'name' | 'state', string>>>;

/** The app's administration routes. Errors are sentences; a secret is in none of them. */
export class AppApi {
  constructor(private readonly options: AppApiOptions) {}

  get baseUrl(): string {
    return this.options.baseUrl;
  }

  /** Whether the app can serve, with its database. @throws OperationsError when it does not answer at all. */
  async isReady(path: string): Promise<boolean> {
    const { status } = await this.send('GET', path);
    return status === 200;
  }

  queues(): Promise<QueuesAnswer> {
    return this.ask('GET', '/api/queues');
  }

  task(id: string): Promise<TaskDetails> {
    return this.ask('GET', `/api/tasks/${encodeURIComponent(id)}`);
  }

  /** Newest first. */
  tasks(filter: BulkFilter & { readonly limit: number; readonly after?: string }): Promise<TaskPage> {
    const query = new URLSearchParams(Object.entries(filter).map(([key, value]) => [key, String(value)]));
    return this.ask('GET', `/api/tasks?${query.toString()}`);
  }

  retry(id: string): Promise<TaskDetails> {
    return this.ask('POST', `/api/tasks/${encodeURIComponent(id)}/retry`);
  }

  /** One step of at most some seconds; `next` of the answer goes on. */
  retryAll(filter: BulkFilter & { readonly after?: string }): Promise<Bulk> {
    return this.ask('POST', '/api/tasks/retry', filter);
  }

  resolve(id: string, outcome: { readonly outcome: string; readonly key?: string }): Promise<TaskDetails> {
    return this.ask('POST', `/api/tasks/${encodeURIComponent(id)}/resolve`, outcome);
  }

  /**
   * Accepts tasks that do nothing for a while; asked again under the same key it accepts nothing twice.
   * @returns their ids.
   */
  async acceptProbes(probes: { readonly count: number; readonly runMs: number }, key: string): Promise<string[]> {
    const { taskIds } = await this.ask<{ readonly taskIds: string[] }>('POST', '/api/probes', probes, {
      'idempotency-key': key,
    });
    return taskIds;
  }

  async setQueue(name: string, action: 'pause' | 'resume'): Promise<void> {
    await this.ask('POST', `/api/queues/${encodeURIComponent(name)}/${action}`);
  }

  /** @throws OperationsError with the app's own sentence where it refuses. */
  async ask<Answer>(
    method: 'GET' | 'POST',
    path: string,
    body?: object,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const answer = await this.send(method, path, body, headers);
    if (answer.status >= 400) throw this.refusal(answer, `${method} ${path}`);
    try {
      return (answer.body === '' ? undefined : JSON.parse(answer.body)) as Answer;
    } catch {
      throw new OperationsError(
        EXIT.unavailable,
        `${this.baseUrl} answered ${method} ${path} with something else than JSON: see whether that address is the app.`,
      );
    }
  }

  private send(
    method: 'GET' | 'POST',
    path: string,
    body?: object,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<HttpAnswer> {
    const { adminToken, baseUrl, connectTo, signal } = this.options;
    return httpRequest({
      method,
      url: `${baseUrl}${path}`,
      headers: {
        accept: 'application/json',
        authorization: `Bearer ${adminToken}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      connectTo,
      signal,
    });
  }

  private refusal({ status, body }: HttpAnswer, asked: string): OperationsError {
    const detail = detailOf(body);
    if (status === 401) {
      return new OperationsError(
        EXIT.credentials,
        `The app at ${this.baseUrl} refuses the administration token of ${this.options.tokenFrom}: containers that started before it changed have the old one; roll them with secrets rotate admin-token.`,
      );
    }
    const exitCode = EXIT_CODES[status] ?? EXIT.unavailable;
    return new OperationsError(
      exitCode,
      `The app answered ${asked} with ${status}${detail === '' ? '.' : `: ${detail}`}`,
    );
  }
}

/** A conflict is a state of the task that does not allow it: wrong use, like a wrong value. */
const EXIT_CODES: Readonly<Record<number, OperationsError['exitCode']>> = {
  400: EXIT.usage,
  403: EXIT.credentials,
  404: EXIT.missing,
  409: EXIT.usage,
  422: EXIT.usage,
};

function detailOf(body: string): string {
  try {
    const problem = JSON.parse(body) as { readonly detail?: unknown };
    return typeof problem.detail === 'string' ? problem.detail : '';
  } catch {
    return '';
  }
}
