import { drawPoster } from './seed-poster';
import type { SeedOptions } from './seed';

interface Planned {
  readonly title: string;
  readonly room: string;
  /** Days from today, and the hour (UTC) it begins; what has begun by now is shown a day later. */
  readonly inDays: number;
  readonly hour: number;
  readonly description: string;
}

/** Films whose copyright has ended in the United States, so that any library may show them. */
const PROGRAMME: readonly Planned[] = [
  planned(
    'Metropolis',
    'Large hall',
    0,
    19,
    'Fritz Lang, 1927. Above the ground the sons of the rich play; below it the machines are kept running. With live piano.',
  ),
  planned(
    'Sherlock Jr.',
    'Reading room',
    1,
    17,
    'Buster Keaton, 1924. A projectionist dreams himself into the film that he is showing.',
  ),
  planned(
    'The Kid',
    'Reading room',
    2,
    15,
    'Charlie Chaplin, 1921. A tramp finds a child, and the child finds a home. For everybody from six years on.',
  ),
  planned(
    'Nosferatu',
    'Cellar vault',
    3,
    21,
    'F. W. Murnau, 1922. An estate agent travels to the Carpathians to sell a house. Not for small children.',
  ),
  planned(
    'The General',
    'Large hall',
    5,
    19,
    'Buster Keaton, 1926. A railway engineer, his locomotive, and his other love.',
  ),
  planned(
    'Safety Last!',
    'Reading room',
    6,
    17,
    'Harold Lloyd, 1923. A shop assistant climbs a department store from the outside.',
  ),
  planned(
    'The Cabinet of Dr. Caligari',
    'Cellar vault',
    8,
    20,
    'Robert Wiene, 1920. A showman, a sleepwalker and a town full of slanting walls.',
  ),
  planned(
    'Häxan',
    'Cellar vault',
    10,
    21,
    'Benjamin Christensen, 1922. A lecture on witchcraft that gets out of hand.',
  ),
  planned(
    'A Trip to the Moon',
    'Children’s corner',
    12,
    10,
    'Georges Méliès, 1902. Fourteen minutes, shown twice, with paper rockets to fold afterwards.',
  ),
  planned(
    'The Adventures of Prince Achmed',
    'Children’s corner',
    13,
    10,
    'Lotte Reiniger, 1926. The oldest animated feature that has come down to us, cut from black paper.',
  ),
  planned(
    'Battleship Potemkin',
    'Large hall',
    15,
    19,
    'Sergei Eisenstein, 1925. A mutiny, a harbour, and the most famous stairs in film history.',
  ),
  planned(
    'Sunrise',
    'Large hall',
    18,
    19,
    'F. W. Murnau, 1927. A song of two humans. With an introduction by the librarian.',
  ),
  planned('The Gold Rush', 'Reading room', 20, 17, 'Charlie Chaplin, 1925. Cold, hunger, and a shoe for dinner.'),
  planned('Wings', 'Large hall', 22, 19, 'William A. Wellman, 1927. Two fliers, one war, and real aeroplanes.'),
];

/** The app refuses what has begun by the time that it is sent. */
const MARGIN_MS = 60_000;
/** Every so many screenings one has no poster, so that it can be seen what stands in for it. */
const WITHOUT_POSTER = 5;

function planned(title: string, room: string, inDays: number, hour: number, description: string): Planned {
  return { title, room, inDays, hour, description };
}

/** Adds a few weeks' programme through the app's own API, when the app has no screening to come. */
export async function seedScreenings({
  baseUrl,
  adminToken,
  say,
  signal,
}: SeedOptions & { readonly adminToken: string }): Promise<void> {
  const list = `${baseUrl}/api/screenings`;
  const { total } = (await answered(await fetch(list, { signal }))) as { total: number };
  if (total > 0) return;
  const authorization = `Bearer ${adminToken}`;
  for (const [index, { inDays, hour, ...texts }] of PROGRAMME.entries()) {
    const startsAt = new Date();
    startsAt.setUTCDate(startsAt.getUTCDate() + inDays);
    startsAt.setUTCHours(hour, 0, 0, 0);
    if (startsAt.getTime() < Date.now() + MARGIN_MS) startsAt.setUTCDate(startsAt.getUTCDate() + 1);
    const response = await fetch(list, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization },
      body: JSON.stringify({ ...texts, startsAt: startsAt.toISOString() }),
      signal,
    });
    const { id } = (await answered(response)) as { id: string };
    if (index % WITHOUT_POSTER === WITHOUT_POSTER - 1) continue;
    const form = new FormData();
    form.set('poster', new Blob([new Uint8Array(await drawPoster(texts.title))], { type: 'image/png' }), 'poster.png');
    await answered(
      await fetch(`${list}/${id}/poster`, { method: 'PUT', headers: { authorization }, body: form, signal }),
    );
  }
  say(`Added ${PROGRAMME.length} screenings; workers make their posters.`);
}

async function answered(response: Response): Promise<unknown> {
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.url} answered ${response.status}: ${text}`);
  return JSON.parse(text);
}
