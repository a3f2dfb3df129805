import { z } from 'zod';
import { picturesOf, pictureSchema } from '../posters/poster';
import type { Poster } from '../posters/poster';
import { storableLine, storableText } from '../validation/values';

export interface Screening {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly room: string;
  readonly startsAt: Date;
  readonly version: number;
  /** Null until there is one. */
  readonly poster: Poster | null;
}

/** What staff may write. */
export interface ScreeningContent {
  readonly title: string;
  readonly description: string;
  readonly room: string;
  readonly startsAt: Date;
}

export const TITLE_LENGTH = 200;
export const DESCRIPTION_LENGTH = 4000;
export const ROOM_LENGTH = 100;

/** The texts of a screening; white space around them means nothing. */
export const screeningTexts = {
  title: storableLine({ min: 1, max: TITLE_LENGTH }),
  description: storableText({ min: 0, max: DESCRIPTION_LENGTH }).default(''),
  room: storableLine({ min: 1, max: ROOM_LENGTH }),
};

/** As JSON carries it. */
export const screeningSchema = z
  .object({
    id: z.uuid(),
    title: z.string(),
    description: z.string(),
    room: z.string(),
    startsAt: z.iso.datetime(),
    version: z.int().describe('Grows by one at every change; a change names the version that it is based on'),
    poster: z.array(pictureSchema).describe('Pictures of the poster, smallest first; empty until there is one'),
  })
  .meta({ id: 'Screening' });

export type ScreeningJson = z.output<typeof screeningSchema>;

export function toJson({ id, title, description, room, startsAt, version, poster }: Screening): ScreeningJson {
  return {
    ...{ id, title, description, room, version },
    startsAt: startsAt.toISOString(),
    poster: poster === null ? [] : picturesOf(id, poster),
  };
}
