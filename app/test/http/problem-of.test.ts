import type { FastifyRequest } from 'fastify';
import { problemOf } from '../../src/http/problem-of';
import { KeyBusyError } from '../../src/tasks';

it('a key that others take over and over is a 503 that says when to try again', () => {
  const error = new KeyBusyError('send-receipt', 'order 7');
  const problem = problemOf(error, {} as FastifyRequest);
  expect(problem).toMatchObject({ status: 503, cause: error, headers: { 'retry-after': '2' } });
  expect(problem.detail).toContain('order 7');
});
