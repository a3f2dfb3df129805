import type { ObjectStore } from '../objects/object-store';
import { sweepObjects } from '../objects/sweep-objects';
import { handle } from '../tasks';
import type { TaskHandler, Transaction } from '../tasks';
import { posterOf, POSTERS_PREFIX } from './poster';
import { withoutPoster } from './poster-store';
import { sweepPosters } from './sweep-posters.task';

export function sweepPostersHandler(objects: ObjectStore): TaskHandler {
  return handle(sweepPosters, async (context) => {
    const storedBefore = new Date(context.payload.storedBefore);
    const swept = await sweepObjects(context, objects, { prefix: POSTERS_PREFIX, storedBefore, orphans });
    context.log.info({ ...swept }, 'objects without a poster deleted');
    return swept;
  });
}

async function orphans(tx: Transaction, keys: readonly string[]): Promise<string[]> {
  const ids = new Set(keys.flatMap((key) => posterOf(key) ?? []));
  const ownerless = new Set(await withoutPoster(tx, [...ids]));
  return keys.filter((key) => ownerless.has(posterOf(key) ?? ''));
}
