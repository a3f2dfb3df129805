import { z } from 'zod';
import { CHANNELS } from '../configuration/channels';
import type { App } from '../http/app';
import type { Limits } from '../http/client-limits';
import { problemResponses } from '../http/problem';
import { concernsTask } from '../http/request-log';
import { allowed, oneOf, storableText, strictObject, uuid } from '../validation/values';
import { ADDRESS_LENGTH } from './address';
import { CODE_MINUTES, MOST_TRIES } from './code';
import { CODES_AN_HOUR } from './contact-store';
import type { Contacts } from './contacts';

/** What a reader types; blanks in it mean nothing. */
export const code = z
  .string(allowed('six digits'))
  .transform((text) => text.replace(/\s/g, ''))
  .pipe(z.string().regex(/^\d{6}$/, { error: 'is not six digits; type the code of the message' }))
  .meta({ type: 'string', pattern: '^\\d{6}$' });

const contactSchema = z
  .object({ id: z.uuid(), channel: z.enum(CHANNELS), verified: z.boolean() })
  .meta({ id: 'Contact' });

export interface ContactRouteDependencies {
  readonly contacts: Contacts;
  readonly limits: Limits;
}

export function registerContactRoutes(app: App, { contacts, limits }: ContactRouteDependencies): void {
  const tags = ['contacts'];
  app.post(
    '/api/contacts',
    {
      onRequest: limits.codes,
      schema: {
        tags,
        summary: 'Give an address, which is sent a code',
        description: `The code has six digits and is valid for ${CODE_MINUTES} minutes. An address is sent ${CODES_AN_HOUR} codes an hour at most.`,
        body: strictObject({ channel: oneOf(CHANNELS), address: storableText({ min: 1, max: ADDRESS_LENGTH }) }),
        response: {
          202: z.object({ id: z.uuid(), taskId: z.uuid() }).describe('Accepted: the code will be sent'),
          ...problemResponses,
        },
      },
    },
    async (request, reply) => {
      const { channel, address } = request.body;
      const added = await contacts.add(channel, address);
      concernsTask(request, added.taskId);
      return reply.code(202).send(added);
    },
  );
  app.post(
    '/api/contacts/:id/verify',
    {
      onRequest: limits.codeTries,
      schema: {
        tags,
        summary: 'Prove an address by its code',
        description: `A code may be tried ${MOST_TRIES} times.`,
        params: strictObject({ id: uuid() }),
        body: strictObject({ code }),
        response: { 200: contactSchema.describe('Proved'), ...problemResponses },
      },
    },
    async (request) => {
      const { id, channel, verified } = await contacts.verify(request.params.id, request.body.code);
      return { id, channel, verified };
    },
  );
}
