import type { FastifyReply } from 'fastify';

/** Answers with JSON that is text already; as a buffer, which is sent as it is. */
export function sendJsonText(reply: FastifyReply, text: string): FastifyReply {
  return reply.type('application/json; charset=utf-8').send(Buffer.from(text));
}
