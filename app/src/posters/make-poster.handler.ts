import { ObjectMissingError } from '../objects/object-store';
import type { ObjectStore } from '../objects/object-store';
import { Discard, handle, NonRetryable } from '../tasks';
import type { TaskContext, TaskHandler, Tasks } from '../tasks';
import { discardPosters } from './discard-posters';
import { makePoster } from './make-poster.task';
import { MalformedImageError } from './malformed-image-error';
import { inspectImage, keepSharpSmall, makePictures } from './pictures';
import { originalKey, pictureKey, PICTURE_WIDTHS } from './poster';
import { isKnown, showPoster } from './poster-store';
import { Turns } from './turns';

/** Bytes that a picture may have: far above what QUALITY makes of 640 pixels. */
const MAX_PICTURE_BYTES = 4 * 1024 * 1024;

export interface MakePosterDependencies {
  readonly tasks: Pick<Tasks, 'acceptMany'>;
  readonly objects: ObjectStore;
}

type PosterContext = TaskContext<typeof makePoster>;

/**
 * Makes the pictures of a poster, one image at a time in a process because of the memory that takes. A second attempt
 * writes the same objects again. The completing transaction shows the poster and has the objects of those discarded
 * that it replaces, or its own when a later upload was faster. The file of a dead one stays, so that it can be retried,
 * until another poster is shown or the screening is deleted.
 */
export function makePosterHandler({ tasks, objects }: MakePosterDependencies): TaskHandler {
  keepSharpSmall();
  const turns = new Turns();
  return handle(makePoster, (context) =>
    turns.take(context.signal, async () => {
      const { signal, payload } = context;
      try {
        const file = await readOriginal({ tasks, objects }, context);
        const image = await inspectImage(file);
        await storePictures(objects, context, file);
        context.effects(async (tx) => {
          const { width, height } = image;
          const unneeded = await showPoster(tx, payload.screeningId, { id: payload.posterId, width, height });
          await discardPosters(tasks, tx, unneeded);
        });
        context.log.info({ ...image, bytes: file.length }, 'poster made');
        return image;
      } catch (error) {
        signal.throwIfAborted();
        throw error instanceof MalformedImageError ? new NonRetryable(error.message, { cause: error }) : error;
      }
    }),
  );
}

async function storePictures(objects: ObjectStore, context: PosterContext, file: Buffer): Promise<void> {
  const total = PICTURE_WIDTHS.length;
  let done = 0;
  context.progress({ done, total });
  for await (const { width, webp } of makePictures(file)) {
    context.signal.throwIfAborted();
    await objects.put(pictureKey(context.payload.posterId, width), chunk(webp), { maxBytes: MAX_PICTURE_BYTES });
    done += 1;
    context.progress({ done, total });
  }
}

/** @throws Discard when it is needed no more, NonRetryable when it is gone for no reason. */
async function readOriginal({ tasks, objects }: MakePosterDependencies, context: PosterContext): Promise<Buffer> {
  const { posterId } = context.payload;
  const chunks: Uint8Array[] = [];
  try {
    const source = await objects.get(originalKey(posterId), { signal: context.signal });
    for await (const part of source as AsyncIterable<Uint8Array>) chunks.push(part);
  } catch (error) {
    if (!(error instanceof ObjectMissingError)) throw error;
    const known = await context.transaction(async (tx) => {
      if (await isKnown(tx, posterId)) return true;
      // An earlier attempt may have stored pictures after those of this poster were discarded.
      await discardPosters(tasks, tx, [posterId]);
      return false;
    });
    throw known
      ? new NonRetryable(error.message, { cause: error })
      : new Discard('A later poster has replaced this one, or the screening was deleted.');
  }
  return Buffer.concat(chunks);
}

// eslint-disable-next-line @typescript-eslint/require-await -- stores take streams
async function* chunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
