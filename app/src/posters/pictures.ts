import sharp from 'sharp';
import { MalformedImageError } from './malformed-image-error';
import { PICTURE_WIDTHS } from './poster';
import type { PictureWidth } from './poster';

/** Largest image, in pixels: phones take 50 million. */
export const MAX_PIXELS = 50_000_000;
/** Of a progressive JPEG or an interlaced PNG every pixel has to be in memory at once, in up to 8 bytes. */
export const MAX_PROGRESSIVE_PIXELS = 16_000_000;
/** How many times its shorter side the longer side of a poster may be. */
const MAX_RATIO = 4;
const QUALITY = 80;
/** Seconds that one step may take. */
const STEP_SECONDS = 60;

/** The formats that posters may have, by what their files begin with, and the content types of an upload. */
export const FORMATS = {
  jpeg: { type: 'image/jpeg', isStart: (head: Buffer) => head.subarray(0, 3).equals(Buffer.from([0xff, 0xd8, 0xff])) },
  png: { type: 'image/png', isStart: (head: Buffer) => head.subarray(1, 4).toString('latin1') === 'PNG' },
  webp: {
    type: 'image/webp',
    isStart: (head: Buffer) => /^RIFF[^]{4}WEBP$/.test(head.subarray(0, 12).toString('latin1')),
  },
} as const;

export interface Image {
  readonly format: string;
  /** Of the upright image, in pixels. */
  readonly width: number;
  readonly height: number;
}

/**
 * Keeps sharp within a worker's container: one thread, and no memory of earlier images. Measured with images of 50
 * million pixels: at most 70 MiB above the process's own for those that are read row by row; progressive ones of
 * MAX_PROGRESSIVE_PIXELS take up to 170.
 */
export function keepSharpSmall(): void {
  sharp.concurrency(1);
  sharp.cache(false);
}

/**
 * Looks at an image's head only. Which decoder is used is decided here, by the file's first bytes: formats that nobody
 * uploads as a poster are never given to theirs.
 * @throws MalformedImageError when it is no JPEG, PNG or WebP image, too large, or damaged at its beginning.
 */
export async function inspectImage(file: Buffer): Promise<Image> {
  const format = Object.entries(FORMATS).find(([, { isStart }]) => isStart(file))?.[0];
  if (format === undefined) {
    throw new MalformedImageError('The file is not a JPEG, PNG or WebP image, whatever its name says.');
  }
  const { autoOrient, isProgressive } = await readable(() => sharp(file, { limitInputPixels: false }).metadata());
  const { width, height } = autoOrient;
  const most = isProgressive ? MAX_PROGRESSIVE_PIXELS : MAX_PIXELS;
  if (width * height > most) {
    const kind = isProgressive ? 'a progressive image' : 'an image';
    throw new MalformedImageError(
      `The image has ${count(width)} x ${count(height)} pixels; ${kind} may have ${most / 1e6} million. Make it smaller.`,
    );
  }
  if (Math.max(width, height) > MAX_RATIO * Math.min(width, height)) {
    throw new MalformedImageError(
      `The image has ${count(width)} x ${count(height)} pixels; its longer side may be ${MAX_RATIO} times its shorter one. Crop it.`,
    );
  }
  return { format, width, height };
}

/**
 * Makes the pictures one after the other, smallest last decoded from the largest: the file is decoded once.
 * @throws MalformedImageError when the file turns out to be damaged or cut off.
 */
export async function* makePictures(
  file: Buffer,
): AsyncGenerator<{ readonly width: PictureWidth; readonly webp: Buffer }> {
  const [largest, ...smaller] = [...PICTURE_WIDTHS].sort((a, b) => b - a);
  const { data, info } = await readable(() =>
    sharp(file, { limitInputPixels: MAX_PIXELS, failOn: 'error' })
      .autoOrient()
      .resize({ width: largest, withoutEnlargement: true })
      .toColourspace('srgb')
      .timeout({ seconds: STEP_SECONDS })
      .raw()
      .toBuffer({ resolveWithObject: true }),
  );
  for (const width of [largest, ...smaller]) {
    if (width === undefined) continue;
    const { width: w, height: h, channels } = info;
    const picture = sharp(data, { raw: { width: w, height: h, channels } })
      .resize({ width, withoutEnlargement: true })
      .webp({ quality: QUALITY });
    yield { width, webp: await picture.toBuffer() };
  }
}

async function readable<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n', 1)[0] : String(error);
    throw new MalformedImageError(`The image is damaged or cut off: ${reason}.`, { cause: error });
  }
}

function count(pixels: number): string {
  return pixels.toLocaleString('en-GB');
}
