import { STATUS_CODES } from 'node:http';
import { z } from 'zod';

export const PROBLEM_CONTENT_TYPE = 'application/problem+json; charset=utf-8';

/** Seconds after which a client should try again while the database or the object store is away. */
export const RETRY_AFTER_SECONDS = 2;

/** What is wrong with one part of a request. */
export interface Mistake {
  /** Part and field, for example `body.count`, `query.page`, `path.id`. */
  readonly path: string;
  /** Continues the sentence that the path begins. */
  readonly message: string;
}

export interface ProblemOptions {
  readonly errors?: readonly Mistake[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** An answer other than success: RFC 9457, https://www.rfc-editor.org/rfc/rfc9457. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly errors: readonly Mistake[] | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /**
   * @param status HTTP status, 400 to 599
   * @param detail sentences for the caller: what is wrong, where, what is allowed or what to do
   */
  constructor(
    readonly status: number,
    readonly detail: string,
    options: ProblemOptions = {},
  ) {
    super(detail, { cause: options.cause });
    this.errors = options.errors;
    this.headers = options.headers ?? {};
  }
}

/** The database is away or slow, or the object store is away: the same request may succeed later. */
export function unavailable(detail: string, cause: unknown): Problem {
  return new Problem(503, detail, { headers: { 'retry-after': String(RETRY_AFTER_SECONDS) }, cause });
}

/** One problem for all mistakes of a request; the detail repeats them as sentences. */
export function invalid(errors: readonly Mistake[], status = 400): Problem {
  return new Problem(status, errors.map((error) => `${error.path} ${error.message}.`).join(' '), { errors });
}

/** @param accepted the content types that the route takes */
export function unacceptableType(given: string | undefined, accepted: readonly string[]): Problem {
  const what =
    given === undefined ? 'The content type is missing' : `The content type ${JSON.stringify(given)} is not accepted`;
  return new Problem(415, `${what}; send ${accepted.join(' or ')}.`, {
    headers: { 'accept-post': accepted.join(', ') },
  });
}

export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
  readonly errors?: readonly Mistake[];
}

/** @param instance path of the request */
export function problemDocument(problem: Problem, instance: string): ProblemDocument {
  return {
    type: 'about:blank',
    title: STATUS_CODES[problem.status] ?? 'Error',
    status: problem.status,
    detail: problem.detail,
    instance,
    ...(problem.errors === undefined ? {} : { errors: problem.errors }),
  };
}

const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'Problem' });

/** For a route's `response`: what every answer but success looks like. */
export const problemResponses = {
  default: {
    description: 'A problem as of RFC 9457: what is wrong, where, and what is allowed.',
    content: { 'application/problem+json': { schema: problemSchema } },
  },
} as const;
