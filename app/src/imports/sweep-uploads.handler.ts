import type { ObjectStore } from '../objects/object-store';
import { handle } from '../tasks';
import type { TaskContext, TaskHandler } from '../tasks';
import { withoutImport } from './import-store';
import { sweepUploads } from './sweep-uploads.task';
import { UPLOADS_PREFIX } from './upload';

/** Keys that are looked up in one statement. */
const BATCH_KEYS = 500;

export function sweepUploadsHandler(objects: ObjectStore): TaskHandler {
  return handle(sweepUploads, async (context) => {
    const storedBefore = new Date(context.payload.storedBefore);
    const swept = { looked: 0, deleted: 0 };
    let keys: string[] = [];
    const flush = async (): Promise<void> => {
      context.signal.throwIfAborted();
      swept.looked += keys.length;
      swept.deleted += await sweep(context, objects, keys);
      keys = [];
    };
    for await (const { key, modifiedAt } of objects.list(UPLOADS_PREFIX)) {
      if (modifiedAt < storedBefore) keys.push(key);
      if (keys.length >= BATCH_KEYS) await flush();
    }
    if (keys.length > 0) await flush();
    context.log.info(swept, 'uploads without an import deleted');
    return swept;
  });
}

async function sweep(
  { transaction, signal }: TaskContext<typeof sweepUploads>,
  objects: ObjectStore,
  keys: readonly string[],
): Promise<number> {
  const orphans = await transaction((tx) => withoutImport(tx, keys));
  for (const key of orphans) {
    signal.throwIfAborted();
    await objects.delete(key);
  }
  return orphans.length;
}
