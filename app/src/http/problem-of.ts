import type { FastifyError, FastifyRequest } from 'fastify';
import { isDatabaseUnavailable, isNotMigrated } from '../postgres/unavailable';
import { CommitUnknownError, InvalidTaskError, TaskStateError } from '../tasks';
import { DeadlineError } from './deadline';
import { invalid, Problem, unavailable } from './problem';
import type { Mistake } from './problem';

/** The answer to any error that a request ended in. Errors that nobody foresaw tell the caller nothing but 500. */
export function problemOf(error: unknown, request: FastifyRequest): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof InvalidTaskError) return invalid([taskMistake(error)]);
  if (error instanceof TaskStateError) return new Problem(409, sentence(error.message), { cause: error });
  if (error instanceof CommitUnknownError) return unavailable(unknownOutcome(request), error);
  if (error instanceof DeadlineError) {
    return unavailable(
      request.method === 'GET' ? 'The database did not answer in time.' : unknownOutcome(request),
      error,
    );
  }
  if (isDatabaseUnavailable(error)) {
    return unavailable('The database cannot be reached or is too busy; nothing was changed. Try again.', error);
  }
  if (isNotMigrated(error)) return unavailable('The database has not been migrated yet; run the migration.', error);
  return isFastifyError(error) ? frameworkProblem(error, request) : unforeseen(error);
}

function taskMistake(error: InvalidTaskError): Mistake {
  const prefix = `${error.path}: `;
  const reason = error.message.startsWith(prefix) ? error.message.slice(prefix.length) : error.message;
  return { path: error.path, message: reason };
}

function unknownOutcome(request: FastifyRequest): string {
  return (
    `The connection to the database was lost while it was confirming, so it is not known whether this ` +
    `${request.method} took effect. Look before you repeat it.`
  );
}

function unforeseen(cause: unknown): Problem {
  return new Problem(500, 'The request failed on our side; the log has the reason under this request id.', { cause });
}

function isFastifyError(error: unknown): error is FastifyError {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('FST_');
}

/** Errors that Fastify raises before the handler runs, in our words. */
function frameworkProblem(error: FastifyError, request: FastifyRequest): Problem {
  if (error.validation !== undefined) return invalid(validationMistakes(error));
  switch (error.code) {
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new Problem(415, `The content type ${given(request.headers['content-type'])} is not accepted here.`, {
        cause: error,
      });
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return new Problem(400, 'The body is empty, but its content type says JSON.');
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
    case 'FST_ERR_BAD_URL':
      return new Problem(400, sentence(error.message), { cause: error });
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new Problem(
        413,
        `The body is larger than ${request.routeOptions.bodyLimit} bytes, the most allowed here.`,
      );
    default: {
      const status = error.statusCode ?? 500;
      return status >= 500 ? unforeseen(error) : new Problem(status, sentence(error.message), { cause: error });
    }
  }
}

const PART_NAMES: Readonly<Record<string, string>> = { querystring: 'query', params: 'path' };

function validationMistakes(error: FastifyError): Mistake[] {
  const context = error.validationContext ?? 'request';
  const part = PART_NAMES[context] ?? context;
  return (error.validation ?? []).flatMap((issue) => {
    const path = [part, ...issue.instancePath.split('/').filter((name) => name !== '')].join('.');
    const message = issue.message ?? 'is not allowed';
    const keys = issue.params['keys'];
    return Array.isArray(keys) ? keys.map((key) => ({ path: `${path}.${String(key)}`, message })) : [{ path, message }];
  });
}

function given(contentType: string | undefined): string {
  return contentType === undefined ? 'is missing and' : JSON.stringify(contentType);
}

function sentence(text: string): string {
  const capitalised = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(capitalised) ? capitalised : `${capitalised}.`;
}
