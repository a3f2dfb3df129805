import { z } from 'zod';
import type { App } from '../http/app';
import { problemResponses } from '../http/problem';
import { strictObject, uuid } from '../validation/values';
import type { Reminder, Reminders } from './reminders';

const reminderSchema = z
  .object({
    id: z.uuid(),
    screeningId: z.uuid(),
    remindAt: z.iso.datetime().describe('When the message goes out; in the past: within minutes'),
  })
  .meta({ id: 'Reminder' });

export function registerReminderRoutes(app: App, reminders: Reminders): void {
  app.post(
    '/api/screenings/:id/reminders',
    {
      schema: {
        tags: ['screenings'],
        summary: 'Ask to be reminded of a screening',
        description: 'Once for each screening and address. The message holds the link that ends the reminder.',
        params: strictObject({ id: uuid() }),
        body: strictObject({ contactId: uuid() }),
        response: {
          200: reminderSchema.describe('The address had asked before'),
          201: reminderSchema.describe('Will be reminded'),
          ...problemResponses,
        },
      },
    },
    async (request, reply) => {
      const reminder = await reminders.add(request.params.id, request.body.contactId);
      return reply.code(reminder.created ? 201 : 200).send(toJson(reminder));
    },
  );
}

function toJson({ id, screeningId, remindAt }: Reminder): z.output<typeof reminderSchema> {
  return { id, screeningId, remindAt: remindAt.toISOString() };
}
