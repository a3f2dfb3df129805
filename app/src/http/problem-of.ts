import type { FastifyError, FastifyRequest } from 'fastify';
import { isDatabaseUnavailable, isNotMigrated } from '../postgres/unavailable';
import { ObjectStoreAwayError } from '../objects/object-store';
import {
  CommitUnknownError,
  InvalidTaskError,
  KeyBusyError,
  KeyHeldError,
  RequestKeyReusedError,
  TaskStateError,
} from '../tasks';
import { UnknownOutcome } from './accept-in-time';
import { DeadlineError } from './deadline';
import { BODY_TYPE } from './json-body';
import { invalid, Problem, unacceptableType, unavailable } from './problem';
import type { Mistake } from './problem';

/** Longest part of a path that may be an id, in characters. */
export const MAX_PARAMETER_LENGTH = 200;

/** The answer to any error that a request ended in. Errors that nobody foresaw tell the caller nothing but 500. */
export function problemOf(error: unknown, request: FastifyRequest): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof InvalidTaskError) return invalid([taskMistake(error, request)]);
  if (error instanceof TaskStateError) return new Problem(409, sentence(error.message), { cause: error });
  if (error instanceof KeyHeldError) return new Problem(409, sentence(error.message), { cause: error });
  if (error instanceof KeyBusyError) return unavailable(sentence(error.message), error);
  if (error instanceof RequestKeyReusedError) {
    return new Problem(422, 'The Idempotency-Key was used for another request; send a new key with a new request.', {
      cause: error,
    });
  }
  if (error instanceof DeadlineError) return unavailable('The database did not answer in time. Try again.', error);
  if (error instanceof CommitUnknownError) {
    return new UnknownOutcome('Look whether it is there before you repeat it.', error);
  }
  // Before the database, which would recognise the refused connection that is the cause.
  if (error instanceof ObjectStoreAwayError) {
    return unavailable('The store of files cannot be reached; nothing was changed. Try again.', error);
  }
  if (isDatabaseUnavailable(error)) {
    return unavailable('The database cannot be reached or is too busy; nothing was changed. Try again.', error);
  }
  if (isNotMigrated(error)) return unavailable('The database has not been migrated yet; run the migration.', error);
  return isFastifyError(error) ? frameworkProblem(error, request) : unforeseen(error);
}

function taskMistake(error: InvalidTaskError, request: FastifyRequest): Mistake {
  const prefix = `${error.path}: `;
  const reason = error.message.startsWith(prefix) ? error.message.slice(prefix.length) : error.message;
  return { path: `${request.method === 'GET' ? 'query' : 'body'}.${error.path}`, message: reason };
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
      return unacceptableType(request.headers['content-type'], [BODY_TYPE]);
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new Problem(400, sentence(error.message), { cause: error });
    case 'FST_ERR_BAD_URL':
      return new Problem(400, 'The path is not percent-encoded UTF-8.');
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return new Problem(
        414,
        `A part of the path is longer than ${MAX_PARAMETER_LENGTH} characters, the most allowed.`,
      );
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

function sentence(text: string): string {
  const capitalised = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(capitalised) ? capitalised : `${capitalised}.`;
}
