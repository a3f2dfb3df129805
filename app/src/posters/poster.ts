import { z } from 'zod';

/** Widths of the pictures that pages show, in pixels: a list on a plain screen, one on a dense screen, and by itself. */
export const PICTURE_WIDTHS = [160, 320, 640] as const;
export type PictureWidth = (typeof PICTURE_WIDTHS)[number];

/** What a screening shows. */
export interface Poster {
  /** Of the upload; another one with every poster. */
  readonly id: string;
  /** Size of the upright image in pixels. */
  readonly width: number;
  readonly height: number;
}

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Path at which the picture never changes. */
  readonly url: string;
}

/** As JSON carries it. */
export const pictureSchema = z.object({
  width: z.int(),
  height: z.int(),
  url: z.string().describe('Path of a WebP image that never changes'),
});

/** The pictures of a poster, smallest first. A small image is not enlarged, so it may have fewer of them. */
export function picturesOf(screeningId: string, { id, width, height }: Poster): Picture[] {
  const smaller = PICTURE_WIDTHS.filter((_, index) => index === 0 || (PICTURE_WIDTHS[index - 1] ?? 0) < width);
  return smaller.map((each) => {
    const shown = Math.min(each, width);
    return {
      width: shown,
      height: Math.max(1, Math.round((height * shown) / width)),
      url: pictureUrl(screeningId, each, id),
    };
  });
}

export function pictureUrl(screeningId: string, width: PictureWidth, posterId: string): string {
  return `/screenings/${screeningId}/poster/${width}?v=${posterId}`;
}

/** What the keys of all posters' objects begin with. */
export const POSTERS_PREFIX = 'posters/';

/** Where the file is kept as it was uploaded: other sizes can be made of it later. */
export function originalKey(posterId: string): string {
  return `${POSTERS_PREFIX}${posterId}/original`;
}

export function pictureKey(posterId: string, width: PictureWidth): string {
  return `${POSTERS_PREFIX}${posterId}/${width}.webp`;
}

/** Every object that a poster may have. */
export function objectKeys(posterId: string): string[] {
  return [originalKey(posterId), ...PICTURE_WIDTHS.map((width) => pictureKey(posterId, width))];
}

/** Whose object it is; undefined when it is no poster's. */
export function posterOf(key: string): string | undefined {
  return /^posters\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\/[^/]+$/.exec(key)?.[1];
}
