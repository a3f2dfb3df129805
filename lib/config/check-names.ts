import type { Locate } from './locate';
import type { StageConfiguration } from './stage-configuration';
import { HOLDFAST_QUEUE } from './values';

/** Source: Systems Manager guide, "Requirements and constraints for parameter names"; the stacks' begin with the name. */
const RESERVED_PARAMETER = /^(aws|ssm)/i;
/** Source: Tagging AWS resources guide, "Tag naming limits". */
const RESERVED_TAG = /^aws:/i;

/** Names that AWS or the task engine keep for themselves. */
export function checkNames(
  { name, tags, taskEngine, workers }: StageConfiguration,
  locate: Locate,
): { readonly mistakes: readonly string[] } {
  const ofParameters = RESERVED_PARAMETER.test(name)
    ? [
        `${locate('name')} is "${name}"; allowed is a name that begins with neither aws nor ssm, which Systems Manager keeps in the paths of parameters: rename it.`,
      ]
    : [];
  const ofTags = Object.keys(tags)
    .filter((tag) => RESERVED_TAG.test(tag))
    .map(
      (tag) => `${locate('tags')} has "${tag}"; allowed are names that do not begin with aws:, AWS's own: rename it.`,
    );
  const ofQueues = Object.entries(workers).flatMap(([kind, { queues }]) =>
    queues.flatMap(({ name: queue }, index) =>
      taskEngine !== 'holdfast' || HOLDFAST_QUEUE.test(queue)
        ? []
        : [
            `${locate('workers', kind, 'queues', String(index), 'name')} is "${queue}" with taskEngine 'holdfast'; allowed are lower-case letters, digits, dots and dashes, starting with a letter or digit: rename it.`,
          ],
    ),
  );
  return { mistakes: [...ofParameters, ...ofTags, ...ofQueues] };
}
