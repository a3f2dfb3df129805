import type { ObjectStore } from '../objects/object-store';
import { sweepObjects } from '../objects/sweep-objects';
import { handle } from '../tasks';
import type { TaskHandler } from '../tasks';
import { withoutImport } from './import-store';
import { sweepUploads } from './sweep-uploads.task';
import { UPLOADS_PREFIX } from './upload';

export function sweepUploadsHandler(objects: ObjectStore): TaskHandler {
  return handle(sweepUploads, async (context) => {
    const storedBefore = new Date(context.payload.storedBefore);
    const swept = await sweepObjects(context, objects, {
      ...{ prefix: UPLOADS_PREFIX, storedBefore, orphans: withoutImport },
    });
    context.log.info({ ...swept }, 'uploads without an import deleted');
    return swept;
  });
}
