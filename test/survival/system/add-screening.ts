import type { HttpClient } from './http-client';

const DAY_MS = 86_400_000;

/**
 * Adds a screening that begins within a day.
 * @param earlierMinutes so many minutes before the others of that day, which the list shows after it
 * @returns its id
 */
export async function addScreening(client: HttpClient, title: string, earlierMinutes = 0): Promise<string> {
  const startsAt = new Date(Date.now() + DAY_MS - earlierMinutes * 60_000).toISOString();
  const screening = { title, description: 'A test.', room: 'Hall', startsAt };
  const { status, body } = await client.post('/api/screenings', screening);
  if (status !== 201) throw new Error(`POST /api/screenings was answered ${status}: ${body}`);
  return (JSON.parse(body) as { id: string }).id;
}
